"""Encoders of sequences on padded tensors: the temporal encoder, RNNs, feature transformers."""

import math
from typing import cast

import torch
from torch import Tensor, nn

from mien.models.encoders.recurrent import FeatureTransformer, RecurrentEncoder
from mien.models.layers.temporal import TemporalEncoder


def valid_steps(counts: Tensor, length: int) -> Tensor:
    """Tell which of `length` steps are not padding, (B, length) bool, given counts (B,)."""
    return torch.arange(length, device=counts.device) < counts[:, None]


class PaddedTemporal(nn.Module):
    """The `TemporalEncoder` on padded vectors.

    Parameters
    ----------
    temporal : TemporalEncoder
        Whose weights it uses.
    """

    def __init__(self, temporal: TemporalEncoder) -> None:
        super().__init__()
        self.temporal = temporal

    def forward(self, vectors: Tensor, kept: Tensor) -> Tensor:
        """Encode the vectors (B, L, D) that are kept, (B, L) bool, as states (B, D)."""
        if self.temporal.positions:
            vectors = vectors + _sinusoids_at(kept.long().cumsum(dim=1) - 1, vectors.shape[2])
        token = self.temporal.cls.expand(vectors.shape[0], 1, -1)
        hidden = torch.cat([torch.zeros_like(kept[:, :1]), ~kept], dim=1)
        states = torch.cat([token, vectors], dim=1)
        encoded: Tensor = self.temporal.encoder(states, src_key_padding_mask=hidden)
        return encoded[:, 0]


def _sinusoids_at(places: Tensor, dim: int) -> Tensor:
    """Compute `mien.models.layers.temporal.sinusoids` at places (B, L): (B, L, dim)."""
    rate = torch.exp(torch.arange(0, dim, 2, device=places.device) * (-math.log(10_000.0) / dim))
    angle = places[:, :, None] * rate
    return torch.stack([angle.sin(), angle.cos()], dim=3).flatten(2)[:, :, :dim]


class PaddedFeatureTransformer(nn.Module):
    """The `FeatureTransformer` on padded features."""

    def __init__(self, encoder: FeatureTransformer) -> None:
        super().__init__()
        self.encoder = encoder
        self.temporal = PaddedTemporal(encoder.temporal)

    def forward(self, values: Tensor, counts: Tensor, guide: Tensor | None) -> Tensor:
        """Encode features (B, L, size) as states (B, dim)."""
        state: Tensor = self.temporal(
            self.encoder.scaled(values), valid_steps(counts, values.shape[1])
        )
        return state


class PaddedRecurrent(nn.Module):
    """The `RecurrentEncoder` on padded features, each layer and direction by itself.

    The backward direction reads each sequence turned round, so that padding comes last for both.

    Parameters
    ----------
    encoder : RecurrentEncoder
        Whose weights it uses.
    """

    def __init__(self, encoder: RecurrentEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        rnn = cast(nn.RNNBase, encoder.rnn)
        self.parts = nn.ModuleList(
            _part(rnn, layer, direction)
            for layer in range(rnn.num_layers)
            for direction in range(encoder.directions)
        )

    def forward(self, values: Tensor, counts: Tensor, guide: Tensor | None) -> Tensor:
        """Encode features (B, L, size) as states (B, dim)."""
        steps, directions = self.encoder.scaled(values), self.encoder.directions
        last = (counts - 1).clamp(min=0)
        turned = (last[:, None] - torch.arange(values.shape[1], device=counts.device)).clamp(min=0)
        finals: list[Tensor] = []
        for first in range(0, len(self.parts), directions):
            forward = self.parts[first](steps)[0]
            outputs, finals = [forward], [_step(forward, last)]
            if directions == 2:
                backward = self.parts[first + 1](_steps(steps, turned))[0]
                outputs.append(_steps(backward, turned))
                finals.append(_step(backward, last))
            steps = torch.cat(outputs, dim=2)
        return _step(steps, last) if self.encoder.last_step else torch.cat(finals, dim=1)


def _part(rnn: nn.RNNBase, layer: int, direction: int) -> nn.RNNBase:
    """Make one layer of an RNN in one direction, which shares its weights."""
    width = rnn.input_size if layer == 0 else rnn.hidden_size * (2 if rnn.bidirectional else 1)
    kind = nn.LSTM if isinstance(rnn, nn.LSTM) else nn.GRU
    part = kind(width, rnn.hidden_size, batch_first=True)
    end = f"l{layer}" + ("_reverse" if direction else "")
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        setattr(part, f"{name}_l0", getattr(rnn, f"{name}_{end}"))
    return part


def _step(states: Tensor, place: Tensor) -> Tensor:
    """Take the state (B, D) at a place (B,) of each sequence (B, L, D)."""
    return _steps(states, place[:, None])[:, 0]


def _steps(states: Tensor, places: Tensor) -> Tensor:
    """Take the states (B, P, D) at places (B, P) of each sequence (B, L, D)."""
    return states.gather(1, places[:, :, None].expand(-1, -1, states.shape[2]))
