"""MME2E: the multimodal end-to-end model of Dai et al. (NAACL 2021), dense and sparse."""

from collections.abc import Iterator, Mapping
from typing import cast

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig

from mien.batch import Batch
from mien.models.config import ModelConfig
from mien.models.encoders.sparse_vgg import Selection, SparseVGG
from mien.models.encoders.text import TextEncoder
from mien.models.encoders.vgg import VGG
from mien.models.layers.synced_norm import synced
from mien.models.layers.temporal import OverTime
from mien.models.network import Network, Output, scatter

FACE_MEAN = (159.0, 111.0, 102.0)
FACE_SD = (37.0, 33.0, 32.0)
"""Mean and standard deviation of face crops, red green blue on the scale 0-255 (published)."""


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
        """Encode pictures (sum T, C, H, W) of utterances with `counts` >= 1 as (B, dim), B >= 0."""
        if not len(counts):  # none here; but other processes' batch norms wait for these
            seen = self.cnn(pictures, *() if isinstance(self.cnn, VGG) else (counts, query))
            return seen if isinstance(self.cnn, VGG) else seen[0], None
        if isinstance(self.cnn, VGG):
            return self.over_time(self.cnn(pictures), counts), None
        vectors, selection = self.cnn(pictures, counts, query)
        chosen = selection.pictures.split(counts.tolist())
        counts = torch.stack([pictures.sum() for pictures in chosen])
        return self.over_time(vectors, counts), selection


class MME2E(Network):
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
        random: `mien.models.encoders.text.load_weights` fills them.

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
        super().__init__(config)
        for modality in config.modalities:
            self.encoders[modality] = self._encoder(modality, text_config)
        self.add_heads(tasks, lambda m, labels: nn.Linear(self._dim(m), labels))
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
        return self.answer(states, present, selections)

    def pretrained(self) -> Iterator[nn.Parameter]:
        """Name the weights of the text encoder and of its heads."""
        if "t" in self.encoders:
            yield from self.encoders["t"].parameters()
            for heads in self.heads.values():
                yield from heads["t"].parameters()  # type: ignore[index]

    def choosing(self) -> Iterator[nn.Parameter]:
        """Name the weights of the sparse model's attention."""
        for encoder in self.encoders.values():
            if isinstance(encoder, MediaEncoder) and isinstance(encoder.cnn, SparseVGG):
                yield from encoder.cnn.attention.parameters()

    def _encode_all(
        self, batch: Batch, present: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Selection]]:
        """Encode each modality of the utterances that have it; the text guides the others."""
        states: dict[str, Tensor] = {}
        selections: dict[str, Selection] = {}
        query = None
        for modality, rows in present.items():
            encoder = self.encoders[modality]
            if not rows.any() and not (self.training and synced(encoder)):
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
                query = scatter(states["t"], rows)
        return states, selections

    def pictures(self, modality: str, batch: Batch) -> tuple[Tensor, Tensor]:
        """Give what the CNN of "v" or "a" reads, (sum T, C, H, W), and each utterance's number."""
        if modality == "a":
            return batch.pieces, batch.piece_counts
        faces = (batch.faces.to(self.face_mean) - self.face_mean) / self.face_sd
        return faces, batch.face_counts
