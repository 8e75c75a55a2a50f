"""Whisper's encoder on padded waveforms, with its spectrogram inside the graph."""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.models.encoders.spectrogram import WINDOW
from mien.models.export.sequences import valid_steps
from mien.models.pretrained import whisper_mel
from mien.models.pretrained.whisper import WhisperTrunk

LONGEST = 480_000
"""Samples of a waveform at most: 30 s, for which Whisper has positions."""


SPECTROGRAM = ((WINDOW, WINDOW + 2), (WINDOW // 2 + 1, 80), (WINDOW // 2 + 1, 128))
"""Shapes of the matrices of `PaddedLogMel`, which need their full precision."""


class PaddedLogMel(nn.Module):
    """`mien.models.pretrained.whisper_mel.whisper_log_mel` on padded waveforms.

    The Fourier transform is a product with a matrix, which every runtime computes.

    Parameters
    ----------
    bands : int
        Number of mel bands.
    """

    waves: Tensor
    filters: Tensor

    def __init__(self, bands: int) -> None:
        super().__init__()
        angle = (
            2
            * math.pi
            / WINDOW
            * torch.outer(torch.arange(WINDOW), torch.arange(WINDOW // 2 + 1)).double()
        )
        window = torch.hann_window(WINDOW, dtype=torch.float64)[:, None]
        waves = torch.cat([angle.cos() * window, angle.sin() * window], dim=1).float()
        self.register_buffer("waves", waves, persistent=False)
        filters = whisper_mel._filters(bands).clone()
        self.register_buffer("filters", filters, persistent=False)

    def forward(self, waveforms: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the spectrograms (B, bands, F) of waveforms (B, S), and their lengths (B,)."""
        waveforms = F.pad(waveforms, (0, WINDOW)) * valid_steps(counts, waveforms.shape[1] + WINDOW)
        counts = counts.clamp(min=WINDOW)
        frames = (waveforms.shape[1] - WINDOW) // whisper_mel.HOP_LENGTH + 2
        starts = torch.arange(frames, device=counts.device) * whisper_mel.HOP_LENGTH - WINDOW // 2
        places = (starts[:, None] + torch.arange(WINDOW, device=counts.device)).flatten()
        heard = waveforms.gather(1, _reflected(places, counts)).unflatten(1, (-1, WINDOW))
        real, imaginary = (heard @ self.waves).chunk(2, dim=2)
        energy = (real.square() + imaginary.square()) @ self.filters
        energy = energy.clamp(min=whisper_mel._FLOOR).log10()
        lengths = counts // whisper_mel.HOP_LENGTH
        valid = valid_steps(lengths, frames)[:, :, None]
        loudest = energy.masked_fill(~valid, -math.inf).amax(dim=(1, 2), keepdim=True)
        limited = torch.maximum(energy, loudest - whisper_mel._RANGE)
        mel = (limited + whisper_mel._OFFSET) / whisper_mel._SCALE
        return mel.masked_fill(~valid, 0.0).transpose(1, 2), lengths


def _reflected(places: Tensor, counts: Tensor) -> Tensor:
    """Reflect places (P,) at both ends of sequences of lengths (B,): (B, P) within them."""
    last = counts[:, None] - 1
    inside = places.abs().expand(counts.shape[0], -1)
    inside = torch.where(inside > last, 2 * last - inside, inside)
    return torch.minimum(inside.clamp(min=0), last)


class PaddedWhisper(nn.Module):
    """A `WhisperTrunk` on padded waveforms.

    Parameters
    ----------
    trunk : WhisperTrunk
        Whose weights it uses.
    """

    def __init__(self, trunk: WhisperTrunk) -> None:
        super().__init__()
        self.trunk = trunk
        self.mel = PaddedLogMel(trunk.encoder.num_mel_bins)

    def forward(self, waveforms: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """Encode waveforms (B, S) as states (B, T, depth, width), of which (B, T) are valid."""
        encoder = self.trunk.encoder
        mel, lengths = self.mel(waveforms, counts)
        x = F.gelu(encoder.conv1(mel)) * valid_steps(lengths, mel.shape[2])[:, None]
        x = F.gelu(encoder.conv2(x)).transpose(1, 2)
        x = x + encoder.embed_positions.weight[: x.shape[1]]
        valid = valid_steps((lengths + 1) // 2, x.shape[1])
        hidden = torch.zeros_like(x[:, :, 0]).masked_fill(~valid, torch.finfo(x.dtype).min)
        states = [x]
        for layer in encoder.layers:
            x = layer(x, hidden[:, None, None, :].expand(-1, 1, x.shape[1], -1))
            states.append(x)
        return torch.stack(self._chosen(states), dim=2), valid

    def _chosen(self, states: list[Tensor]) -> list[Tensor]:
        """Choose the states that the trunk returns, as its `LayerChoice` says."""
        if self.trunk.final_norm:
            return [cast(Tensor, self.trunk.encoder.layer_norm(states[-1]))]
        return states[len(states) - self.trunk.depth :]
