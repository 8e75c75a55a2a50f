"""What all models have in common: encoders of the modalities, heads of the tasks, late fusion."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.batch import Batch
from mien.models.config import ModelConfig
from mien.models.fusion import WeightedFusion
from mien.models.sparse_vgg import Selection


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


class Network(nn.Module):
    """A state for each modality, logits from each state, and one answer from all logits.

    A model fills `encoders` in the order in which the fusion stacks the modalities, then calls
    `add_heads`, and ends its `forward` with `answer`.

    Parameters
    ----------
    config : ModelConfig
        Dimensions.
    """

    heads: nn.ModuleDict
    fusion: nn.ModuleDict

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoders = nn.ModuleDict()

    def add_heads(self, tasks: Mapping[str, int], head: Callable[[str, int], nn.Module]) -> None:
        """Make for each task, of so many labels, a head of each modality and the fusion."""
        self.heads = nn.ModuleDict(
            {
                task: nn.ModuleDict({m: head(m, labels) for m in self.encoders})
                for task, labels in tasks.items()
            }
        )
        self.fusion = nn.ModuleDict({task: WeightedFusion(len(self.encoders)) for task in tasks})

    def answer(
        self,
        states: Mapping[str, Tensor],
        present: dict[str, Tensor],
        selections: dict[str, Selection] | None = None,
    ) -> Output:
        """Answer by the states (n, D) of the `n` utterances that have each modality."""
        exist = torch.stack(list(present.values()), dim=1)
        logits, modality_logits = {}, {}
        for task, heads in self.heads.items():
            each = {
                m: scatter(heads[m](state), present[m])  # type: ignore[index]
                for m, state in states.items()
            }
            logits[task] = self.fusion[task](torch.stack(list(each.values()), dim=1), exist)
            modality_logits[task] = each
        units = [scatter(F.normalize(s, dim=1), present[m]) for m, s in states.items()]
        embedding = F.normalize(torch.cat(units, dim=1), dim=1)
        return Output(logits, modality_logits, present, embedding, selections or {})

    def forward(self, batch: Batch) -> Output:
        """Answer for each utterance of a batch, whatever its batch-mates."""
        raise NotImplementedError

    def pretrained(self) -> Iterator[nn.Parameter]:
        """Name the weights that were trained before, with their heads: they learn more slowly."""
        return iter(())


def scatter(values: Tensor, rows: Tensor) -> Tensor:
    """Put the rows that exist back among zeros: (n, D) and bool (B,) -> (B, D)."""
    out = values.new_zeros(len(rows), values.shape[1])
    out[rows] = values
    return out
