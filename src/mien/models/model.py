"""The model: an encoder for each modality, late fusion, heads of the tasks, person embedding."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.batch import Batch
from mien.errors import MienError
from mien.modality import Modality
from mien.models.config import ModelConfig
from mien.models.encoders.absent import Absent
from mien.models.encoders.modality_encoder import ModalityEncoder
from mien.models.encoders.selection import Selection
from mien.models.fusion import StateFusion, WeightedFusion, state_fusion
from mien.models.layers.synced_norm import synced
from mien.models.person_head import PersonEmbedding

if TYPE_CHECKING:
    from transformers import PretrainedConfig

LARGEST = 2 * 10**9
"""Weights of the largest model that is built; the published one has 17 million."""


@dataclass(frozen=True)
class Output:
    """What a model gives for `B` utterances.

    Parameters
    ----------
    logits : dict of str to Tensor (B, C)
        For each task the fused logits.
    modality_logits : dict of str to dict of Modality to Tensor (B, C)
        For each task the logits of each modality; zeros where `present` is false.
    present : dict of Modality to Tensor (B,) bool
        For each modality of the model, which utterances have it.
    embedding : Tensor (B, E)
        Of unit length: the one that the person task has learnt (`PersonEmbedding`). Without that
        task, the unit-length states of the modalities side by side (zeros where missing).
    modality_embeddings : dict of Modality to Tensor (B, E)
        With the person task, the embedding of each modality alone; zeros where it is missing.
    selections : dict of Modality to Selection
        What encoders that choose looked at.
    """

    logits: dict[str, Tensor]
    modality_logits: dict[str, dict[Modality, Tensor]]
    present: dict[Modality, Tensor]
    embedding: Tensor
    modality_embeddings: dict[Modality, Tensor] = field(default_factory=dict)
    selections: dict[Modality, Selection] = field(default_factory=dict)


class MultimodalModel(nn.Module):
    """Encode each modality of an utterance, and answer all tasks from what it has.

    Parameters
    ----------
    config : ModelConfig
        Encoders and fusion.
    tasks : mapping of str to int
        Number of labels of each task; all tasks share one trunk.
    text : PretrainedConfig or None
        Dimensions of the pretrained text encoder, where there is one. Its weights start at random:
        `mien.models.encoders.text.load_weights` fills them.
    absent : mapping of Modality to int, optional
        Modalities that the model will never be shown, with the length of their encoders' vectors:
        it is built without these encoders.
    speaker_task : str
        Name of the task whose labels are the speakers: with it the model has a speaker embedding.

    Examples
    --------
    >>> from mien.models import preset
    >>> model = MultimodalModel(preset("lf-rnn"), {"emotion": 6})
    >>> {name: encoder.dim for name, encoder in model.encoders.items()}
    {'text': 600, 'audio': 288, 'video': 70}
    """

    persons: PersonEmbedding | None

    def __init__(
        self,
        config: ModelConfig,
        tasks: Mapping[str, int],
        text: "PretrainedConfig | None" = None,
        absent: Mapping[Modality, int] | None = None,
        speaker_task: str = "person",
    ) -> None:
        super().__init__()
        self.config, self.speaker_task = config, speaker_task
        self.encoders = nn.ModuleDict()
        for modality, settings in config.encoders.items():
            first = self.encoders["text"].dim if "text" in self.encoders else None
            if modality in (absent or {}):
                self.encoders[modality.value] = Absent((absent or {})[modality])
                continue
            self.encoders[modality.value] = settings.build(
                modality, guide=cast(int | None, first), pretrained=text
            )
        self.heads, self.fusion, self.persons = nn.ModuleDict(), nn.ModuleDict(), None
        dims = {name: cast(int, encoder.dim) for name, encoder in self.encoders.items()}
        if speaker_task in tasks and config.embedding_size:
            self.persons = PersonEmbedding(dims, config.embedding_size, tasks[speaker_task])
        for task, labels in tasks.items():
            self._add_task(task, labels, list(dims.values()))

    def _add_task(self, task: str, labels: int, widths: list[int]) -> None:
        """Make a task's fusion and, where that needs them, a head for each modality."""
        fusion = state_fusion(self.config.fusion, widths, labels)
        published_init = self.config.weight_init == "published"
        self.fusion[task] = fusion or WeightedFusion(len(widths), published_init=published_init)
        if fusion is None:
            heads = {m.value: self.encoder(m).head(labels) for m in self.config.modalities}
            self.heads[task] = nn.ModuleDict(heads)

    def encoder(self, modality: Modality) -> ModalityEncoder:
        """Give the encoder of a modality."""
        return cast(ModalityEncoder, self.encoders[modality.value])

    def forward(self, batch: Batch) -> Output:
        """Answer for each utterance of a batch, whatever its batch-mates."""
        present = {m: batch.present(m) for m in self.config.modalities}
        states, selections = self._encode(batch, present)
        units = {m: scatter(F.normalize(s, dim=1), present[m]) for m, s in states.items()}
        logits, modality_logits = {}, {}
        for task in self.fusion:
            logits[task], modality_logits[task] = self._answer(task, states, units, present)
        embedding, each = self._embed(states, units, present)
        return Output(logits, modality_logits, present, embedding, each, selections)

    def _encode(
        self, batch: Batch, present: Mapping[Modality, Tensor]
    ) -> tuple[dict[Modality, Tensor], dict[Modality, Selection]]:
        """Encode each modality of the utterances that have it; the text guides the others."""
        states: dict[Modality, Tensor] = {}
        selections: dict[Modality, Selection] = {}
        text = None
        for modality, rows in present.items():
            encoder = self.encoder(modality)
            if rows.any() or (encoder.training and synced(encoder)):
                guide = None if text is None else text[rows]
                states[modality], selection = encoder(batch.inputs[modality].nonempty(), guide)
                if selection is not None:
                    selections[modality] = selection
            else:
                states[modality] = next(self.fusion.parameters()).new_zeros(0, encoder.dim)
            if modality is Modality.TEXT:
                text = scatter(states[modality], rows)
        return states, selections

    def _embed(
        self,
        states: Mapping[Modality, Tensor],
        units: Mapping[Modality, Tensor],
        present: Mapping[Modality, Tensor],
    ) -> tuple[Tensor, dict[Modality, Tensor]]:
        """Give the embedding (B, E) and, where persons are learnt, that of each modality."""
        if self.persons is None:
            return F.normalize(torch.cat(list(units.values()), dim=1), dim=1), {}
        every = {m.value: scatter(state, present[m]) for m, state in states.items()}
        fused, each = self.persons(every, torch.stack(list(present.values()), dim=1))
        return fused, {Modality(name): vectors for name, vectors in each.items()}

    def _answer(
        self,
        task: str,
        states: Mapping[Modality, Tensor],
        units: Mapping[Modality, Tensor],
        present: Mapping[Modality, Tensor],
    ) -> tuple[Tensor, dict[Modality, Tensor]]:
        """Give a task's fused logits (B, C), and those of each modality."""
        fusion, exist = self.fusion[task], torch.stack(list(present.values()), dim=1)
        if isinstance(fusion, StateFusion):
            every = list(units.values())
            alone = {m: fusion.alone(every, exist, i) for i, m in enumerate(units)}
            return fusion(every, exist), alone
        heads = cast(nn.ModuleDict, self.heads[task])
        each = {m: scatter(heads[m.value](state), present[m]) for m, state in states.items()}
        return fusion(torch.stack(list(each.values()), dim=1), exist), each

    def pretrained_parameters(self) -> Iterator[nn.Parameter]:
        """Name the weights that were trained before and learn on, with their heads."""
        for modality in self.config.modalities:
            own = list(self.encoder(modality).pretrained_parameters())
            yield from own
            for heads in self.heads.values() if own else ():
                yield from cast(nn.ModuleDict, heads)[modality.value].parameters()

    def selector_parameters(self) -> Iterator[nn.Parameter]:
        """Name the weights that choose what encoders look at."""
        for modality in self.config.modalities:
            yield from self.encoder(modality).selector_parameters()

    @property
    def needs_fit(self) -> bool:
        """Whether an encoder must see the training data before it learns."""
        return any(self.encoder(modality).needs_fit for modality in self.config.modalities)

    def fit(self, batches: Iterable[Batch]) -> None:
        """Let the encoders that need it see the training data once, and scale by them."""
        fitted = [m for m in self.config.modalities if self.encoder(m).needs_fit]
        for batch in batches:
            for modality in fitted:
                self.encoder(modality).observe(batch.inputs[modality].values)
        for modality in fitted:
            self.encoder(modality).fit()


def scatter(values: Tensor, rows: Tensor) -> Tensor:
    """Put the rows that exist back among zeros: (n, D) and bool (B,) -> (B, D)."""
    out = values.new_zeros(len(rows), values.shape[1])
    out[rows] = values
    return out


def build(
    config: ModelConfig,
    tasks: Mapping[str, int],
    text: "PretrainedConfig | None" = None,
    absent: Mapping[Modality, int] | None = None,
    speaker_task: str = "person",
) -> MultimodalModel:
    """Build a model with random weights, after a plan without memory has shown that it can be.

    Parameters
    ----------
    config, tasks, text, absent, speaker_task
        As `MultimodalModel` takes them.

    Raises
    ------
    MienError
        No model can have these dimensions, or one of more than `LARGEST` weights.
    """
    try:
        with torch.device("meta"):
            plan = MultimodalModel(config, tasks, text, absent, speaker_task)
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise MienError(f"no model can have these dimensions: {why}") from error
    if (size := sum(weight.numel() for weight in plan.parameters())) > LARGEST:
        raise MienError(f"a model of these dimensions would have {size:,} weights")
    return MultimodalModel(config, tasks, text, absent, speaker_task)
