"""Mixup of the states of utterances in training."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Mixing:
    """With which other utterance of the batch each is mixed, and in which proportion.

    States are mixed instead of input, since utterances differ in length (manifold mixup, Verma et
    al. 2019; mixup, Zhang et al. 2018).

    Parameters
    ----------
    partners : Tensor (B,) int64
        The other utterance.
    shares : Tensor (B,) float32
        The share of the utterance itself, from 0 to 1.
    """

    partners: Tensor
    shares: Tensor

    @classmethod
    def draw(
        cls, size: int, concentration: float, device: torch.device, generator: torch.Generator
    ) -> "Mixing":
        """Draw partners at random, and one share from Beta(concentration, concentration)."""
        # torch's Beta takes no generator; a ratio of gamma variables is beta distributed
        rate = torch.full((2,), concentration, dtype=torch.float64)
        one, other = torch._standard_gamma(rate, generator=generator).tolist()
        share = max(one, other) / (one + other) if one + other > 0 else 1.0
        partners = torch.randperm(size, generator=generator)
        return cls(partners.to(device), torch.full((size,), share, device=device))

    def mix(self, states: Tensor, present: Tensor) -> Tensor:
        """Mix the states (n, D) of the utterances `present`, bool (B,), with those of partners.

        An utterance whose partner lacks the modality keeps its state.
        """
        every = scatter(states, present)
        shares = torch.where(present[self.partners], self.shares, 1.0)[:, None].to(states)
        return (shares * every + (1 - shares) * every[self.partners])[present]

    def mix_targets(self, targets: Tensor) -> Tensor:
        """Mix targets (B, C) in the same proportion; NaN where one of both is not known."""
        shares = self.shares[:, None].to(targets)
        return shares * targets + (1 - shares) * targets[self.partners]


def scatter(values: Tensor, rows: Tensor) -> Tensor:
    """Scatter the n rows that exist among zeros: (n, D) and bool (B,) -> (B, D)."""
    out = values.new_zeros(len(rows), values.shape[1])
    out[rows] = values
    return out
