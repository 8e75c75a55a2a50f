"""A speaker encoder: one vector for each window of a mel spectrogram."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

N_MELS = 40
"""Bands of the mel spectrogram."""
DIM = 256
"""Size of an embedding."""


class VoiceEncoder(nn.Module):
    """Three LSTM layers and a projection, the network of the package resemblyzer.

    It was trained with the generalised end-to-end loss of Wan et al. (2018, ICASSP, "Generalized
    end-to-end loss for speaker verification").

    Examples
    --------
    >>> VoiceEncoder()(torch.zeros(2, 160, N_MELS)).shape
    torch.Size([2, 256])
    """

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(N_MELS, DIM, num_layers=3, batch_first=True)
        self.linear = nn.Linear(DIM, DIM)

    def forward(self, windows: Tensor) -> Tensor:
        """Encode mel windows (B, T, 40) as non-negative vectors (B, 256) of unit length."""
        _, (hidden, _) = self.lstm(windows)
        return F.normalize(torch.relu(self.linear(hidden[-1])), dim=1)

    def load_published(self, weights: Mapping[str, Tensor]) -> None:
        """Load the published state dict, without its two parameters of the loss.

        Raises
        ------
        RuntimeError
            The weights are of another network.
        """
        own = self.state_dict()
        self.load_state_dict({k: v for k, v in weights.items() if k in own})
