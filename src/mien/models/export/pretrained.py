"""Encoders made of pretrained networks, on padded input."""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from mien.errors import MienError
from mien.models.encoders.pooling import AttentiveStatistics, Branch, TemporalPooling
from mien.models.encoders.pretrained import PretrainedEncoder
from mien.models.export.sequences import PaddedTemporal
from mien.models.export.whisper import PaddedWhisper
from mien.models.pretrained.trunk import Trunk
from mien.models.pretrained.whisper import WhisperTrunk

TRUNKS: dict[type[Trunk], Callable[[Any], nn.Module]] = {WhisperTrunk: PaddedWhisper}
"""What computes each family of pretrained networks on padded input: states (B, T, depth, width),
and which of them (B, T) are no padding."""


class PaddedPretrained(nn.Module):
    """A `PretrainedEncoder` on padded input; other clips of a speaker are no input of it.

    Parameters
    ----------
    encoder : PretrainedEncoder
        Whose weights it uses.

    Raises
    ------
    MienError
        A network has no form on padded input.
    """

    def __init__(self, encoder: PretrainedEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.trunks = nn.ModuleList(_padded(cast(Trunk, trunk)) for trunk in encoder.trunks)
        self.branches = nn.ModuleList(
            PaddedBranch(cast(Branch, branch), encoder.settings.pooling)
            for branch in encoder.branches
        )

    def forward(self, values: Tensor, counts: Tensor, guide: Tensor | None) -> Tensor:
        """Encode input (B, L, ...) as states (B, dim)."""
        vectors = [
            branch(*trunk(values, counts))
            for trunk, branch in zip(self.trunks, self.branches, strict=True)
        ]
        state: Tensor = self.encoder.scale(torch.cat(vectors, dim=1))
        return state


class PaddedBranch(nn.Module):
    """A `Branch` on padded states.

    Parameters
    ----------
    branch : Branch
        Whose weights it uses.
    pooling : str
        How states are pooled over time.
    """

    def __init__(self, branch: Branch, pooling: str) -> None:
        super().__init__()
        self.branch, self.pooling = branch, pooling
        pool = branch.pool
        self.temporal = PaddedTemporal(pool.temporal) if isinstance(pool, TemporalPooling) else None

    def forward(self, states: Tensor, valid: Tensor) -> Tensor:
        """Combine and pool states (B, T, depth, width), of which (B, T) are valid: (B, dim)."""
        branch = self.branch
        if branch.pool is None:
            layers = _statistics(states, valid, self.pooling)
            if branch.weights is not None:
                layers = layers * branch.weights.softmax(dim=0)[:, None]
                return layers.sum(dim=1)
            return layers.flatten(1)
        if branch.weights is not None:
            joined = (states * branch.weights.softmax(dim=0)[:, None]).sum(dim=2)
        else:
            joined = states.flatten(2)
        if self.temporal is not None:
            vector: Tensor = self.temporal(
                cast(TemporalPooling, branch.pool).project(joined), valid
            )
            return vector
        return _attended(cast(AttentiveStatistics, branch.pool), joined, valid)


def _statistics(states: Tensor, valid: Tensor, pooling: str) -> Tensor:
    """Compute `mien.models.encoders.pooling.statistics` of (B, T, depth, D): (B, depth, …)."""
    weight = valid[:, :, None, None].to(states)
    count = weight.sum(dim=1).clamp(min=1)
    mean = (states * weight).sum(dim=1) / count
    if pooling == "mean":
        return mean
    variance = ((states - mean[:, None]).square() * weight).sum(dim=1) / count
    return torch.cat([mean, variance.sqrt()], dim=2)


def _attended(pool: AttentiveStatistics, states: Tensor, valid: Tensor) -> Tensor:
    """Compute `AttentiveStatistics` of padded states (B, T, D)."""
    scores = pool.score(states).masked_fill(~valid[:, :, None], torch.finfo(states.dtype).min)
    shares = scores.softmax(dim=1)
    mean = (shares * states).sum(dim=1)
    variance = (shares * (states - mean[:, None]).square()).sum(dim=1)
    return torch.cat([mean, (variance + 1e-8).sqrt()], dim=1)


def _padded(trunk: Trunk) -> nn.Module:
    for kind, make in TRUNKS.items():
        if isinstance(trunk, kind):
            return make(trunk)
    name = trunk.description.get("model_type", type(trunk).__name__)
    raise MienError(
        f"a pretrained network of type {name} can't be exported: mien computes it on one"
        " utterance at a time; use the run with mien itself"
    )
