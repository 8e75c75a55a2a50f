"""The temporal encoder: the vectors of an utterance's face crops or chunks to one vector."""

import math

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence


def sinusoids(length: int, dim: int) -> Tensor:
    """Compute sinusoidal positional encodings (length, dim) (Vaswani et al. 2017, section 3.5)."""
    rate = torch.exp(torch.arange(0, dim, 2) * (-math.log(10_000.0) / dim))
    angle = torch.arange(length)[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)[:, :dim]


class TemporalEncoder(nn.Module):
    """A transformer encoder with a learned class token in front, whose output is the state.

    Parameters
    ----------
    dim, layers, heads, feedforward, dropout
        Dimensions of the post-norm encoder.
    positions : bool
        Add sinusoidal positional encodings. The published model has none, so the order of the
        frames does not affect its predictions.
    """

    def __init__(
        self,
        dim: int,
        layers: int,
        heads: int,
        feedforward: int = 2048,
        dropout: float = 0.1,
        positions: bool = False,
    ) -> None:
        super().__init__()
        self.cls = nn.Parameter(torch.randn(dim))
        layer = nn.TransformerEncoderLayer(dim, heads, feedforward, dropout, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.positions = positions
        self.dim = dim

    def forward(self, vectors: Tensor, counts: Tensor) -> Tensor:
        """Encode ragged sequences.

        Parameters
        ----------
        vectors : Tensor (sum T, dim)
            All sequences, concatenated.
        counts : Tensor (B,) int64
            Their lengths, each at least 1.

        Returns
        -------
        Tensor (B, dim)
        """
        padded = pad_sequence(vectors.split(counts.tolist()), batch_first=True)
        if self.positions:
            padded = padded + sinusoids(*padded.shape[1:]).to(padded)
        steps = torch.arange(padded.shape[1] + 1, device=padded.device)
        padded = torch.cat([self.cls.expand(len(counts), 1, -1).to(padded), padded], dim=1)
        states = self.encoder(padded, src_key_padding_mask=steps > counts[:, None])
        return states[:, 0]
