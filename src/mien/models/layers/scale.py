"""Standardisation of features."""

import torch
from torch import Tensor, nn


class Scale(nn.Module):
    """Standardise each feature to mean 0 and standard deviation 1 over the training split.

    Parameters
    ----------
    size : int
        Number of features of a step.
    """

    mean: Tensor
    sd: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
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
        self.sd.copy_(torch.where(sd > 1e-6 * mean.abs().clamp(min=1), sd, 1.0))
        self._sums = None

    def forward(self, steps: Tensor) -> Tensor:
        """Standardise steps (n, size)."""
        return (steps - self.mean) / self.sd
