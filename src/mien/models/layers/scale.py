"""Standardisation of features."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

LEAST = 0.1
"""Smallest standard deviation of a feature, as a share of the median one of its part."""


class Scale(nn.Module):
    """Standardise each feature to mean 0 and standard deviation 1 over the training split.

    Parameters
    ----------
    size : int
        Number of features of a step.
    parts : sequence of int
        Numbers of features, one after the other, that share a unit, such as the states of one
        network. Within each, a standard deviation below `LEAST` of the median one is raised to
        that: a unit that is silent in all training data would otherwise be hundreds of deviations
        from its mean in the first noisy recording, and drown all others.
    """

    mean: Tensor
    sd: Tensor

    def __init__(self, size: int, parts: Sequence[int] = ()) -> None:
        super().__init__()
        self.parts = list(parts)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("sd", torch.ones(size))
        self._sums: Tensor | None = None

    def observe(self, steps: Tensor) -> None:
        """Add steps (n, size) to the data whose mean and deviation `fit` computes."""
        powers = torch.stack([steps.double() ** power for power in range(3)]).sum(dim=1)
        self._sums = powers if self._sums is None else self._sums + powers

    def fit(self) -> None:
        """Compute the mean and deviation; a feature that is almost constant keeps its scale."""
        if self._sums is None:
            return
        count, total, squares = self._sums
        mean = total / count
        sd = (squares / count - mean.square()).clamp(min=0).sqrt()
        self.mean.copy_(mean)
        sd = torch.where(sd > 1e-6 * mean.abs().clamp(min=1), sd, 0.0)
        if self.parts:
            parts = [part.clamp(min=LEAST * part.median()) for part in sd.split(self.parts)]
            sd = torch.cat(parts)
        self.sd.copy_(torch.where(sd > 0, sd, 1.0))
        self._sums = None

    def forward(self, steps: Tensor) -> Tensor:
        """Standardise steps (n, size)."""
        return (steps - self.mean) / self.sd
