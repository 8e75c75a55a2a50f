"""The model: an encoder for each modality, late fusion, task heads and a speaker embedding."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.batch import Batch
from mien.errors import MienError
from mien.modality import Modality
from mien.models.config import ModelConfig
from mien.models.encoders.absent import Absent
from mien.models.encoders.base import Descriptions
from mien.models.encoders.modality_encoder import ModalityEncoder
from mien.models.encoders.selection import Selection
from mien.models.fusion import StateFusion, WeightedFusion, state_fusion
from mien.models.layers.synced_norm import synced
from mien.models.mixing import Mixing, scatter
from mien.models.person_head import PersonEmbedding

MAX_WEIGHTS = 2 * 10**9
"""Number of weights of the largest model that is built; the published one has 17 million."""


Pretrained = Mapping[Modality, Descriptions]
"""The pretrained networks of each encoder that has any, as plain values."""


@dataclass(frozen=True)
class Output:
    """The output of a model for `B` utterances.

    Parameters
    ----------
    logits : dict of str to Tensor (B, C)
        The fused logits of each task.
    modality_logits : dict of str to dict of Modality to Tensor (B, C)
        The logits of each task from each modality alone; zeros where `present` is false.
    present : dict of Modality to Tensor (B,) bool
        Which utterances have each modality of the model.
    embedding : Tensor (B, E)
        Vectors of unit length: with a speaker task, its embedding (`PersonEmbedding`); without, the
        concatenated unit-length states of the modalities (zeros where missing).
    modality_embeddings : dict of Modality to Tensor (B, E)
        With a speaker task, the embedding of each modality alone; zeros where it is missing.
    selections : dict of Modality to Selection
        What encoders that select from their input selected.
    """

    logits: dict[str, Tensor]
    modality_logits: dict[str, dict[Modality, Tensor]]
    present: dict[Modality, Tensor]
    embedding: Tensor
    modality_embeddings: dict[Modality, Tensor] = field(default_factory=dict)
    selections: dict[Modality, Selection] = field(default_factory=dict)


class MultimodalModel(nn.Module):
    """Encode each modality of an utterance, and predict all tasks from those it has.

    Parameters
    ----------
    config : ModelConfig
        Encoders and fusion.
    tasks : mapping of str to int
        Number of labels of each task; the tasks share the encoders.
    pretrained : mapping of Modality to sequence of mapping, optional
        Descriptions of the pretrained networks of each encoder that has any. Their weights are
        initialised at random; `ModalityEncoder.load_pretrained` loads the pretrained ones.
    absent : mapping of Modality to int, optional
        Modalities that will not be used, with the length of their states; the model is built
        without their encoders.
    speaker_task : str
        Name of the task whose labels are the speakers; with it, the model has a speaker embedding.

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
        pretrained: Pretrained | None = None,
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
                modality,
                guide=cast(int | None, first),
                pretrained=(pretrained or {}).get(modality),
            )
        self.heads, self.fusion, self.persons = nn.ModuleDict(), nn.ModuleDict(), None
        dims = {name: cast(int, encoder.dim) for name, encoder in self.encoders.items()}
        if speaker_task in tasks and config.embedding_size:
            self.persons = PersonEmbedding(dims, config.embedding_size, tasks[speaker_task])
        for task, labels in tasks.items():
            self._add_task(task, labels, list(dims.values()))

    def _add_task(self, task: str, labels: int, widths: list[int]) -> None:
        """Build the fusion of a task and, if it fuses logits, a head for each modality."""
        fusion = state_fusion(self.config.fusion, widths, labels)
        published_init = self.config.weight_init == "published"
        self.fusion[task] = fusion or WeightedFusion(len(widths), published_init=published_init)
        if fusion is None:
            heads = {m.value: self.encoder(m).head(labels) for m in self.config.modalities}
            self.heads[task] = nn.ModuleDict(heads)

    def encoder(self, modality: Modality) -> ModalityEncoder:
        """Return the encoder of a modality."""
        return cast(ModalityEncoder, self.encoders[modality.value])

    def forward(self, batch: Batch, mixing: Mixing | None = None) -> Output:
        """Predict each utterance of a batch, independently of the others in it.

        Parameters
        ----------
        batch : Batch
            The utterances.
        mixing : Mixing, optional
            In training, mix the states of each utterance with those of another (mixup).
        """
        present = {m: batch.present(m) for m in self.config.modalities}
        states, selections = self._encode(batch, present)
        if mixing is not None:
            states = {m: mixing.mix(state, present[m]) for m, state in states.items()}
        units = {m: scatter(F.normalize(s, dim=1), present[m]) for m, s in states.items()}
        logits, modality_logits = {}, {}
        for task in self.fusion:
            logits[task], modality_logits[task] = self._predict(task, states, units, present)
        embedding, each = self._embed(states, units, present)
        return Output(logits, modality_logits, present, embedding, each, selections)

    def _encode(
        self, batch: Batch, present: Mapping[Modality, Tensor]
    ) -> tuple[dict[Modality, Tensor], dict[Modality, Selection]]:
        """Encode each modality of the utterances that have it; the text state guides the others."""
        states: dict[Modality, Tensor] = {}
        selections: dict[Modality, Selection] = {}
        text = None
        for modality, rows in present.items():
            encoder = self.encoder(modality)
            if rows.any() or (encoder.training and synced(encoder)):
                guide = None if text is None else text[rows]
                references = batch.references.get(modality)
                more = () if references is None else (references.of(rows),)
                states[modality], selection = encoder(
                    batch.inputs[modality].nonempty(), guide, *more
                )
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
        """Compute the embedding (B, E) and, with a speaker task, that of each modality."""
        if self.persons is None:
            return F.normalize(torch.cat(list(units.values()), dim=1), dim=1), {}
        every = {m.value: scatter(state, present[m]) for m, state in states.items()}
        fused, each = self.persons(every, torch.stack(list(present.values()), dim=1))
        return fused, {Modality(name): vectors for name, vectors in each.items()}

    def _predict(
        self,
        task: str,
        states: Mapping[Modality, Tensor],
        units: Mapping[Modality, Tensor],
        present: Mapping[Modality, Tensor],
    ) -> tuple[Tensor, dict[Modality, Tensor]]:
        """Compute the fused logits (B, C) of a task, and those of each modality."""
        fusion, exist = self.fusion[task], torch.stack(list(present.values()), dim=1)
        if isinstance(fusion, StateFusion):
            every = list(units.values())
            alone = {m: fusion.alone(every, exist, i) for i, m in enumerate(units)}
            return fusion(every, exist), alone
        heads = cast(nn.ModuleDict, self.heads[task])
        each = {m: scatter(heads[m.value](state), present[m]) for m, state in states.items()}
        return fusion(torch.stack(list(each.values()), dim=1), exist), each

    def slow_parameters(self, divisor: float) -> Iterator[tuple[nn.Parameter, float]]:
        """Yield weights with a lower learning rate, each with the divisor of the rate.

        These are pretrained weights and those that select from the input; also the heads of
        encoders that have no divisor of their own.

        Parameters
        ----------
        divisor : float
            For encoders that have no divisor of their own.
        """
        for modality in self.config.modalities:
            encoder = self.encoder(modality)
            own = list(encoder.pretrained_parameters())
            heads = own and encoder.lr_factor is None
            for part in self.heads.values() if heads else ():
                own += cast(nn.ModuleDict, part)[modality.value].parameters()
            for weight in own:
                yield weight, encoder.lr_factor or divisor
            for weight in encoder.selector_parameters():
                yield weight, divisor

    @property
    def needs_fit(self) -> list[Modality]:
        """The modalities whose encoders must observe the training data before training."""
        return [m for m in self.config.modalities if self.encoder(m).needs_fit]

    def fit(self, batches: Iterable[Batch], modalities: Iterable[Modality]) -> None:
        """Let the encoders of some modalities observe the training data once, and adapt to them."""
        fitted = list(modalities)
        for batch in batches:
            for modality in fitted:
                self.encoder(modality).observe(batch.inputs[modality].nonempty())
        for modality in fitted:
            self.encoder(modality).fit()


def build(
    config: ModelConfig,
    tasks: Mapping[str, int],
    pretrained: Pretrained | None = None,
    absent: Mapping[Modality, int] | None = None,
    speaker_task: str = "person",
) -> MultimodalModel:
    """Build a model with random weights, after building it on the meta device as a check.

    Parameters
    ----------
    config, tasks, pretrained, absent, speaker_task
        Parameters of `MultimodalModel`.

    Raises
    ------
    MienError
        No model can have these dimensions, or it would have more than `MAX_WEIGHTS` weights.
    """
    try:
        with torch.device("meta"):
            plan = MultimodalModel(config, tasks, pretrained, absent, speaker_task)
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise MienError(f"no model can have these dimensions: {why}") from error
    if (size := sum(weight.numel() for weight in plan.parameters())) > MAX_WEIGHTS:
        raise MienError(f"a model of these dimensions would have {size:,} weights")
    return MultimodalModel(config, tasks, pretrained, absent, speaker_task)
