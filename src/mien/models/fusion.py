"""Late fusion: one prediction from the modalities that an utterance has."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

Fusion = Literal["weighted", "concat", "attention"]


class WeightedFusion(nn.Module):
    """A sum of the modalities' logits with a learned weight each; missing modalities are left out.

    With every modality present this is the published weighted sum. If some are missing, the sum is
    scaled by all / present to keep the magnitude of the logits. The logits of a model with one
    modality are not changed.

    Parameters
    ----------
    modalities : int
        Number of modalities of the model.
    published_init : bool
        Initialise the weights at random, as `torch.nn.Linear` does, even negative ones, instead of
        equally.
    """

    def __init__(self, modalities: int, *, published_init: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((modalities,), 1 / modalities))
        if published_init and modalities > 1:
            nn.init.uniform_(self.weight, -(modalities**-0.5), modalities**-0.5)
        self.weight.requires_grad_(modalities > 1)

    def forward(self, logits: Tensor, present: Tensor) -> Tensor:
        """Fuse logits (B, M, C) of the modalities `present` (B, M) bool into logits (B, C)."""
        if logits.shape[1] == 1:
            return logits[:, 0]
        share = present.sum(dim=1, keepdim=True).clamp(min=1) / present.shape[1]
        weight = self.weight * present / share
        return (logits * weight[:, :, None]).sum(dim=1)


class StateFusion(nn.Module, ABC):
    """A fusion of the modalities' states rather than their logits.

    It takes any set of modalities as input, so the logits of one modality are those of that
    modality alone.
    """

    def forward(self, units: Sequence[Tensor], present: Tensor) -> Tensor:
        """Compute logits from unit-length states, M of (B, D), of which `present` (B, M) exist."""
        # the entries of a unit-length state shrink with its width; scaled to about 1, they suit
        # the default initialisation of layers
        states = [unit * unit.shape[1] ** 0.5 for unit in units]
        return self.fuse(states, present)

    @abstractmethod
    def fuse(self, states: Sequence[Tensor], present: Tensor) -> Tensor:
        """Compute logits (B, C) from states whose entries are about 1."""

    def alone(self, units: Sequence[Tensor], present: Tensor, index: int) -> Tensor:
        """Compute the logits of modality `index` only; zeros where it is missing."""
        only = torch.zeros_like(present)
        only[:, index] = present[:, index]
        return self(units, only) * only[:, index, None]


class ConcatFusion(StateFusion):
    """A small network on the concatenated states; a missing one is zeros and an indicator.

    Parameters
    ----------
    widths : sequence of int
        Width of each modality's state; the hidden layer is as wide as the narrowest.
    labels : int
        Number of labels.
    """

    def __init__(self, widths: Sequence[int], labels: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(sum(widths) + len(widths), min(widths))
        self.output = nn.Linear(min(widths), labels)

    def fuse(self, states: Sequence[Tensor], present: Tensor) -> Tensor:
        """Compute logits as `StateFusion.fuse` says."""
        there = present.to(states[0])
        seen = [state * there[:, i, None] for i, state in enumerate(states)]
        return self.output(self.hidden(torch.cat([*seen, there], dim=1)).relu())


class AttentionFusion(StateFusion):
    """A weighted mean of the states; each weight is an additive attention on the state itself.

    The score is `w . tanh(U x)`, as in the published attention (Dai et al. 2021, section 4.3), with
    a softmax over the modalities that an utterance has.

    Parameters
    ----------
    widths : sequence of int
        Width of each modality's state; all are projected to the width of the narrowest.
    labels : int
        Number of labels.
    """

    def __init__(self, widths: Sequence[int], labels: int) -> None:
        super().__init__()
        width = min(widths)
        self.project = nn.ModuleList([nn.Linear(own, width) for own in widths])
        self.features = nn.Linear(width, width)
        self.score = nn.Linear(width, 1, bias=False)
        self.output = nn.Linear(width, labels)

    def fuse(self, states: Sequence[Tensor], present: Tensor) -> Tensor:
        """Compute logits as `StateFusion.fuse` says."""
        pairs = zip(self.project, states, strict=True)
        values = torch.stack([project(state) for project, state in pairs], dim=1)
        scores = self.score(self.features(values).tanh())[:, :, 0]
        # not minus infinity: the softmax of an utterance without modalities would be NaN
        share = scores.masked_fill(~present, -1e4).softmax(dim=1) * present
        return self.output((values * share[:, :, None]).sum(dim=1))


def state_fusion(kind: Fusion, widths: Sequence[int], labels: int) -> StateFusion | None:
    """Build a fusion of states; None if logits are fused, or there is only one modality."""
    if kind == "weighted" or len(widths) == 1:
        return None
    return {"concat": ConcatFusion, "attention": AttentionFusion}[kind](widths, labels)
