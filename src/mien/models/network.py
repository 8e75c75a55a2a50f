"""What all models have in common: encoders of the modalities, heads of the tasks, late fusion."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.batch import Batch
from mien.models.config import ModelConfig
from mien.models.encoders.sparse_vgg import Selection
from mien.models.fusion import StateFusion, WeightedFusion, state_fusion
from mien.models.person_head import PersonEmbedding


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
        Of unit length: the one that the person task has learnt (`PersonEmbedding`). Without that
        task, the unit-length states of the modalities side by side (zeros where missing).
    modality_embeddings : dict of str to Tensor (B, E)
        With the person task, the embedding of each modality alone; zeros where it is missing.
    selections : dict of str to Selection
        Of the sparse model, what it looked at in the pictures of "v" and "a".
    """

    logits: dict[str, Tensor]
    modality_logits: dict[str, dict[str, Tensor]]
    present: dict[str, Tensor]
    embedding: Tensor
    modality_embeddings: dict[str, Tensor] = field(default_factory=dict)
    selections: dict[str, Selection] = field(default_factory=dict)


class Network(nn.Module, ABC):
    """A state for each modality, and one answer from all of them (`mien.models.fusion`).

    A model fills `encoders` in the order in which the fusion stacks the modalities, then calls
    `add_heads`, and ends its `forward` with `answer`.

    Parameters
    ----------
    config : ModelConfig
        Dimensions.
    """

    heads: nn.ModuleDict
    fusion: nn.ModuleDict
    persons: PersonEmbedding | None

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoders = nn.ModuleDict()

    def add_heads(self, tasks: Mapping[str, int], head: Callable[[str, int], nn.Module]) -> None:
        """Make for each task, of so many labels, the fusion and, where it needs them, heads."""
        self.heads, self.fusion, self.persons = nn.ModuleDict(), nn.ModuleDict(), None
        dims = {m: cast(int, encoder.dim) for m, encoder in self.encoders.items()}
        if "person" in tasks and self.config.embedding_size:
            self.persons = PersonEmbedding(dims, self.config.embedding_size, tasks["person"])
        widths = list(dims.values())
        for task, labels in tasks.items():
            fusion = state_fusion(self.config.fusion, widths, labels)
            published_init = self.config.weight_init == "published"
            self.fusion[task] = fusion or WeightedFusion(len(widths), published_init=published_init)
            if fusion is None:
                self.heads[task] = nn.ModuleDict({m: head(m, labels) for m in self.encoders})

    def answer(
        self,
        states: Mapping[str, Tensor],
        present: dict[str, Tensor],
        selections: dict[str, Selection] | None = None,
    ) -> Output:
        """Answer by the states (n, D) of the `n` utterances that have each modality."""
        units = {m: scatter(F.normalize(s, dim=1), present[m]) for m, s in states.items()}
        logits, modality_logits = {}, {}
        for task in self.fusion:
            logits[task], modality_logits[task] = self._answer(task, states, units, present)
        embedding, each = self._embed(states, units, present)
        return Output(logits, modality_logits, present, embedding, each, selections or {})

    def _embed(
        self,
        states: Mapping[str, Tensor],
        units: Mapping[str, Tensor],
        present: Mapping[str, Tensor],
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Give the embedding (B, E) and, where persons are learnt, that of each modality."""
        if self.persons is None:
            return F.normalize(torch.cat(list(units.values()), dim=1), dim=1), {}
        every = {m: scatter(state, present[m]) for m, state in states.items()}
        return self.persons(every, torch.stack(list(present.values()), dim=1))

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
            every = list(units.values())
            alone = {m: fusion.alone(every, exist, i) for i, m in enumerate(units)}
            return fusion(every, exist), alone
        heads = cast(nn.ModuleDict, self.heads[task])
        each = {m: scatter(heads[m](state), present[m]) for m, state in states.items()}
        return fusion(torch.stack(list(each.values()), dim=1), exist), each

    @abstractmethod
    def forward(self, batch: Batch) -> Output:
        """Answer for each utterance of a batch, whatever its batch-mates."""

    def pretrained_parameters(self) -> Iterator[nn.Parameter]:
        """Name the weights that were trained before, with their heads: they learn more slowly."""
        return iter(())

    def selector_parameters(self) -> Iterator[nn.Parameter]:
        """Name the weights that choose what a CNN sees: they learn more slowly, too."""
        return iter(())


def scatter(values: Tensor, rows: Tensor) -> Tensor:
    """Put the rows that exist back among zeros: (n, D) and bool (B,) -> (B, D)."""
    out = values.new_zeros(len(rows), values.shape[1])
    out[rows] = values
    return out
