"""MME2E: the multimodal end-to-end model of Dai et al. (NAACL 2021), dense and sparse."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PretrainedConfig

from mien.batch import Batch
from mien.models.config import ModelConfig
from mien.models.fusion import StateFusion, WeightedFusion, state_fusion
from mien.models.sequence import OverTime
from mien.models.sparse_vgg import Selection, SparseVGG
from mien.models.text import TextEncoder
from mien.models.vgg import VGG

FACE_MEAN = (159.0, 111.0, 102.0)
FACE_SD = (37.0, 33.0, 32.0)
"""Mean and standard deviation of face crops, red green blue on the scale 0-255 (published)."""


@dataclass(frozen=True)
class Output:
    """What a model answers for `B` utterances.

    Parameters
    ----------
    logits : dict of str to Tensor (B, C)
        For each task the fused logits.
    modality_logits : dict of str to dict of str to Tensor (B, C)
        For each task the logits of each modality; zeros where `present` is false.
    present : dict of str to Tensor (B,) bool
        For each modality of the model, which utterances have it.
    embedding : Tensor (B, E)
        The unit-length states of the modalities side by side (zeros where missing), of unit
        length as a whole.
    selections : dict of str to Selection
        Of the sparse model, what it looked at in the pictures of "v" and "a".
    """

    logits: dict[str, Tensor]
    modality_logits: dict[str, dict[str, Tensor]]
    present: dict[str, Tensor]
    embedding: Tensor
    selections: dict[str, Selection] = field(default_factory=dict)


class MediaEncoder(nn.Module):
    """Pictures of an utterance (faces or spectrogram pieces) to one vector: CNN, then over time."""

    def __init__(
        self, config: ModelConfig, channels_in: int, positions_out: int, query: int | None
    ) -> None:
        super().__init__()
        self.cnn: VGG | SparseVGG
        if config.model == "mme2e-sparse":
            self.cnn = SparseVGG(config, channels_in, positions_out, query)
        else:
            self.cnn = VGG(config, channels_in, positions_out)
        self.over_time = OverTime(
            config.trans_dim,
            config.trans_nlayers,
            config.trans_nheads,
            config.trans_feedforward,
            config.dropout,
            config.positions,
        )
        self.dim = config.trans_dim

    def forward(
        self, pictures: Tensor, counts: Tensor, query: Tensor | None
    ) -> tuple[Tensor, Selection | None]:
        """Encode pictures (sum T, C, H, W) of utterances with `counts` >= 1 as (B, dim)."""
        if isinstance(self.cnn, VGG):
            return self.over_time(self.cnn(pictures), counts), None
        vectors, selection = self.cnn(pictures, counts, query)
        chosen = selection.pictures.split(counts.tolist())
        counts = torch.stack([pictures.sum() for pictures in chosen])
        return self.over_time(vectors, counts), selection


class MME2E(nn.Module):
    """Text encoder, and CNN with a transformer over time for faces and for sound; late fusion.

    With `model="mme2e-sparse"` in its config, the text chooses where the CNNs look.

    Parameters
    ----------
    config : ModelConfig
        Dimensions.
    tasks : mapping of str to int
        Number of labels of each task; all tasks share one trunk.
    text_config : PretrainedConfig or None
        Of the text encoder; needed where the modalities include text. Its weights start at
        random: `mien.models.text.load_weights` fills them.

    Examples
    --------
    >>> from mien.models import MME2E, ModelConfig
    >>> model = MME2E(ModelConfig(modalities="va", width=0.25), {"emotion": 6})
    >>> sum(p.numel() for p in model.parameters()) < 4_000_000
    True
    """

    face_mean: Tensor
    face_sd: Tensor

    def __init__(
        self,
        config: ModelConfig,
        tasks: Mapping[str, int],
        text_config: PretrainedConfig | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.encoders = nn.ModuleDict()
        for modality in config.modalities:
            self.encoders[modality] = self._encoder(modality, text_config)
        self.heads, self.fusion = nn.ModuleDict(), nn.ModuleDict()
        widths = {m: self._dim(m) for m in config.modalities}
        for task, labels in tasks.items():
            fusion = state_fusion(config.fusion, list(widths.values()), labels)
            self.fusion[task] = fusion or WeightedFusion(len(widths))
            if fusion is None:
                heads = {m: nn.Linear(width, labels) for m, width in widths.items()}
                self.heads[task] = nn.ModuleDict(heads)
        self.register_buffer("face_mean", torch.tensor(FACE_MEAN)[:, None, None], persistent=False)
        self.register_buffer("face_sd", torch.tensor(FACE_SD)[:, None, None], persistent=False)

    def _encoder(self, modality: str, text_config: PretrainedConfig | None) -> nn.Module:
        if modality == "t":
            if text_config is None:
                raise ValueError("a model with text needs text_config")
            return TextEncoder(text_config, self.config.text_pooling)
        query = self._dim("t") if "t" in self.encoders else None
        if modality == "v":
            return MediaEncoder(self.config, channels_in=3, positions_out=3 * 3, query=query)
        return MediaEncoder(self.config, channels_in=1, positions_out=8 * 2, query=query)

    def _dim(self, modality: str) -> int:
        return cast(int, self.encoders[modality].dim)

    def forward(self, batch: Batch) -> Output:
        """Answer for each utterance of a batch, whatever its batch-mates."""
        present = {m: batch.present(m) for m in self.config.modalities}
        states, selections = self._encode_all(batch, present)
        units = {m: _scatter(F.normalize(s, dim=1), present[m]) for m, s in states.items()}
        logits, modality_logits = {}, {}
        for task in self.fusion:
            logits[task], modality_logits[task] = self._answer(task, states, units, present)
        embedding = F.normalize(torch.cat(list(units.values()), dim=1), dim=1)
        return Output(logits, modality_logits, present, embedding, selections)

    def _answer(
        self,
        task: str,
        states: Mapping[str, Tensor],
        units: Mapping[str, Tensor],
        present: Mapping[str, Tensor],
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Give a task's fused logits (B, C), and those of each modality."""
        fusion, exist = self.fusion[task], torch.stack(list(present.values()), dim=1)
        if isinstance(fusion, StateFusion):
            all_units = list(units.values())
            each = {m: fusion.alone(all_units, exist, i) for i, m in enumerate(units)}
            return fusion(all_units, exist), each
        heads = cast(nn.ModuleDict, self.heads[task])
        each = {m: _scatter(heads[m](state), present[m]) for m, state in states.items()}
        return fusion(torch.stack(list(each.values()), dim=1), exist), each

    def _encode_all(
        self, batch: Batch, present: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Selection]]:
        """Encode each modality of the utterances that have it; the text guides the others."""
        states: dict[str, Tensor] = {}
        selections: dict[str, Selection] = {}
        query = None
        for modality, rows in present.items():
            encoder = self.encoders[modality]
            if not rows.any():
                empty = next(encoder.parameters()).new_zeros(0, self._dim(modality))
                states[modality] = empty
            elif modality == "t":
                states["t"] = encoder(batch.tokens[rows], batch.token_mask[rows])
            else:
                pictures, counts = self.pictures(modality, batch)
                guide = None if query is None else query[rows]
                states[modality], selection = encoder(pictures, counts[rows], guide)
                if selection is not None:
                    selections[modality] = selection
            if modality == "t":
                query = _scatter(states["t"], rows)
        return states, selections

    def pictures(self, modality: str, batch: Batch) -> tuple[Tensor, Tensor]:
        """Give what the CNN of "v" or "a" reads, (sum T, C, H, W), and each utterance's number."""
        if modality == "a":
            return batch.pieces, batch.piece_counts
        faces = (batch.faces.to(self.face_mean) - self.face_mean) / self.face_sd
        return faces, batch.face_counts


def _scatter(values: Tensor, rows: Tensor) -> Tensor:
    """Put the rows that exist back among zeros: (n, D) and bool (B,) -> (B, D)."""
    out = values.new_zeros(len(rows), values.shape[1])
    out[rows] = values
    return out
