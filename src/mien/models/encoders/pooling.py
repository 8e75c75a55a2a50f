"""Pooling of the states of an utterance over time, and the combination of layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mien.batch import Ragged
from mien.models.layers.temporal import TemporalEncoder

if TYPE_CHECKING:
    from mien.models.encoders.pretrained_settings import PretrainedSettings

ATTENTION = 128
"""Hidden units of the attention in attentive statistics (Okabe et al. 2018)."""


def statistics(states: Tensor, pooling: str) -> Tensor:
    """Pool states (T, depth, D) over time, with "mean" or "mean+std".

    Returns
    -------
    Tensor (depth, D) or (depth, 2 D)
        The mean and, with "mean+std", the population standard deviation of each number.
    """
    mean = states.mean(dim=0)
    if pooling == "mean":
        return mean
    return torch.cat([mean, states.var(dim=0, correction=0).sqrt()], dim=1)


class Branch(nn.Module):
    """The layers of one pretrained network combined and pooled: to one vector for each utterance.

    Parameters
    ----------
    depth, width : int
        Number of states for each step, and their length.
    pooled : bool
        Whether its input is pooled already: one step (depth * width) for each utterance.
    settings : PretrainedSettings
        Combination of layers and pooling.
    """

    def __init__(self, depth: int, width: int, pooled: bool, settings: PretrainedSettings) -> None:
        super().__init__()
        self.depth, self.width = depth, width
        weighted = settings.layer_states == "weighted" and depth > 1
        self.weights = nn.Parameter(torch.zeros(depth)) if weighted else None
        joined = width if weighted else depth * width
        self.pool: nn.Module | None = None
        if not pooled and settings.pooling == "attentive":
            self.pool = AttentiveStatistics(joined)
        elif not pooled:
            self.pool = TemporalPooling(joined, settings)
        self.dim: int = joined if self.pool is None else self.pool.dim

    def forward(self, ragged: Ragged) -> Tensor:
        """Combine and pool states (sum T, depth * width) to vectors (B, dim)."""
        values = ragged.values
        if self.weights is not None:
            shares = self.weights.softmax(dim=0)
            layers = values.unflatten(1, (self.depth, self.width))
            values = torch.einsum("tlw,l->tw", layers, shares)
        return values if self.pool is None else self.pool(values, ragged.counts)


class AttentiveStatistics(nn.Module):
    """Mean and deviation over time, weighted by an attention (Okabe et al. 2018, section 3).

    Parameters
    ----------
    width : int
        Length of a state.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Sequential(
            nn.Linear(width, ATTENTION), nn.Tanh(), nn.Linear(ATTENTION, 1, bias=False)
        )
        self.dim = 2 * width

    def forward(self, values: Tensor, counts: Tensor) -> Tensor:
        """Pool states (sum T, width) of sequences to vectors (B, 2 width)."""
        sequences = values.split(counts.tolist())
        return torch.stack([self._pooled(states) for states in sequences])

    def _pooled(self, states: Tensor) -> Tensor:
        shares = self.score(states).softmax(dim=0)
        mean = (shares * states).sum(dim=0)
        variance = (shares * (states - mean).square()).sum(dim=0)
        # the root of zero, for a single step, has no gradient
        return torch.cat([mean, (variance + 1e-8).sqrt()])


class TemporalPooling(nn.Module):
    """A projection and a temporal encoder, whose class token is the vector of the utterance.

    Parameters
    ----------
    width : int
        Length of a state.
    settings : PretrainedSettings
        Dimensions of the temporal encoder.
    """

    def __init__(self, width: int, settings: PretrainedSettings) -> None:
        super().__init__()
        self.project = nn.Linear(width, settings.temporal_dim)
        self.temporal = TemporalEncoder(
            settings.temporal_dim,
            settings.temporal_layers,
            settings.temporal_heads,
            settings.temporal_feedforward,
            settings.dropout,
            settings.positions,
        )
        self.dim = settings.temporal_dim

    def forward(self, values: Tensor, counts: Tensor) -> Tensor:
        """Pool states (sum T, width) of sequences to vectors (B, dim)."""
        return self.temporal(self.project(values), counts)
