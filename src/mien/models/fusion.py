"""Late fusion: one answer from the modalities that an utterance has."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

Fusion = Literal["weighted", "concat", "attention"]


class WeightedFusion(nn.Module):
    """A learned weight for each modality; a modality that is missing counts for nothing.

    With every modality present this is the published sum of weighted logits. Where some are
    missing the rest is scaled by all / present, so that the answer keeps its size. One modality
    alone passes as it is.

    Parameters
    ----------
    modalities : int
        Number of modalities of the model.
    published_init : bool
        Start from weights at random, even negative ones, as `torch.nn.Linear` does, instead of
        equal ones.
    """

    def __init__(self, modalities: int, *, published_init: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((modalities,), 1 / modalities))
        if published_init and modalities > 1:
            nn.init.uniform_(self.weight, -(modalities**-0.5), modalities**-0.5)
        self.weight.requires_grad_(modalities > 1)

    def forward(self, logits: Tensor, present: Tensor) -> Tensor:
        """Fuse logits (B, M, C), of which `present` (B, M) bool exist, into (B, C)."""
        if logits.shape[1] == 1:
            return logits[:, 0]
        share = present.sum(dim=1, keepdim=True).clamp(min=1) / present.shape[1]
        weight = self.weight * present / share
        return (logits * weight[:, :, None]).sum(dim=1)


class StateFusion(nn.Module, ABC):
    """A fusion that reads the modalities' states rather than their answers.

    It answers for any set of modalities, so one modality's own answer is the answer to that
    modality alone.
    """

    def forward(self, units: Sequence[Tensor], present: Tensor) -> Tensor:
        """Answer from unit-length states, M of (B, D), of which `present` (B, M) bool exist."""
        # of unit length a state's entries shrink with its width; made 1 on average, they suit
        # layers that start with usual weights
        states = [unit * unit.shape[1] ** 0.5 for unit in units]
        return self.fuse(states, present)

    @abstractmethod
    def fuse(self, states: Sequence[Tensor], present: Tensor) -> Tensor:
        """Answer (B, C) from states of entries about 1."""

    def alone(self, units: Sequence[Tensor], present: Tensor, index: int) -> Tensor:
        """Answer from modality `index` only; zeros where it is missing."""
        only = torch.zeros_like(present)
        only[:, index] = present[:, index]
        return self(units, only) * only[:, index, None]


class ConcatFusion(StateFusion):
    """A small network on the states side by side; zeros and a mark stand for a missing one.

    Parameters
    ----------
    widths : sequence of int
        Width of each modality's state; the hidden layer is as wide as the narrowest.
    labels : int
        Number of answers.
    """

    def __init__(self, widths: Sequence[int], labels: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(sum(widths) + len(widths), min(widths))
        self.output = nn.Linear(min(widths), labels)

    def fuse(self, states: Sequence[Tensor], present: Tensor) -> Tensor:
        """Answer as `StateFusion.fuse` says."""
        there = present.to(states[0])
        seen = [state * there[:, i, None] for i, state in enumerate(states)]
        return self.output(self.hidden(torch.cat([*seen, there], dim=1)).relu())


class AttentionFusion(StateFusion):
    """The mean of the states, each weighted by an additive attention to itself.

    The score is `w . tanh(U x)`, the published form of attention (Dai et al. 2021, section 4.3),
    with a softmax over the modalities that an utterance has.

    Parameters
    ----------
    widths : sequence of int
        Width of each modality's state; they are brought to the width of the narrowest.
    labels : int
        Number of answers.
    """

    def __init__(self, widths: Sequence[int], labels: int) -> None:
        super().__init__()
        width = min(widths)
        self.project = nn.ModuleList([nn.Linear(own, width) for own in widths])
        self.features = nn.Linear(width, width)
        self.score = nn.Linear(width, 1, bias=False)
        self.output = nn.Linear(width, labels)

    def fuse(self, states: Sequence[Tensor], present: Tensor) -> Tensor:
        """Answer as `StateFusion.fuse` says."""
        pairs = zip(self.project, states, strict=True)
        values = torch.stack([project(state) for project, state in pairs], dim=1)
        scores = self.score(self.features(values).tanh())[:, :, 0]
        # not minus infinity: an utterance with nothing has no softmax, and no share either
        share = scores.masked_fill(~present, -1e4).softmax(dim=1) * present
        return self.output((values * share[:, :, None]).sum(dim=1))


def state_fusion(kind: Fusion, widths: Sequence[int], labels: int) -> StateFusion | None:
    """Make a fusion of states; None where the answers are fused, or there is nothing to fuse."""
    if kind == "weighted" or len(widths) == 1:
        return None
    return {"concat": ConcatFusion, "attention": AttentionFusion}[kind](widths, labels)
