"""Mel spectrograms of utterances, split into chunks of 0.4 s: the input of audio encoders."""

import math
from functools import cache
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from mien.utterance import SAMPLE_RATE

N_MELS = 128
WINDOW = 400
"""Samples of one analysis window, 25 ms."""
HOP_LENGTH = 200
"""Samples from one window to the next, 12.5 ms."""
COLUMNS = 32
"""Spectrogram columns of one chunk, 0.4 s."""
CHUNK = (1, N_MELS, COLUMNS)
"""Shape of one chunk."""

SpectrogramType = Literal["log", "published"]

# With 400 points four of the lowest mel filters fall between two frequencies at 16 kHz and stay
# empty; 1024 is the smallest power of two that fills all of them.
_LOG_POINTS = 1024
# About the energy that rounding to 16 bits adds to a band; lower energies carry no signal.
_FLOOR = 1e-7
# Energies 60 dB below the loudest band come from the room and the recorder, not from the speaker.
# Without this limit, digital silence at an end of a clip would dominate the normalisation.
_RANGE = 1e-6
# Log energies have a deviation this small only in silence.
_FLAT = 1e-3


def mel_spectrogram(waveform: Tensor, points: int = WINDOW) -> Tensor:
    """Compute the published power mel spectrogram (Dai et al. 2021).

    Hann windows of 25 ms every 12.5 ms, centred, with reflected edges; 128 triangular filters on
    the HTK mel scale, not normalised; power, not logarithmic.

    Parameters
    ----------
    waveform : Tensor (S,)
        Floating point in [-1, 1] at 16 kHz. One shorter than a window is padded with zeros.
    points : int
        Size of the Fourier transform; more points than the window's 400 interpolate the spectrum.

    Returns
    -------
    Tensor (128, 1 + S // 200) float32

    Examples
    --------
    >>> mel_spectrogram(torch.zeros(16_000)).shape
    torch.Size([128, 81])
    """
    return (power_spectrum(waveform, HOP_LENGTH, points) @ _filters(points).to(waveform.device)).T


def power_spectrum(waveform: Tensor, hop: int, points: int = WINDOW) -> Tensor:
    """Compute the power of centred Hann windows of 25 ms, with reflected edges.

    Parameters
    ----------
    waveform : Tensor (S,)
        Floating point in [-1, 1] at 16 kHz. One shorter than a window is padded with zeros.
    hop : int
        Samples from one window to the next.
    points : int
        Size of the Fourier transform, at least the window's 400.

    Returns
    -------
    Tensor (1 + S // hop, points // 2 + 1) float32
    """
    waveform = waveform.float()
    if len(waveform) < WINDOW:
        waveform = F.pad(waveform, (0, WINDOW - len(waveform)))
    mirrored = F.pad(waveform[None], (WINDOW // 2, WINDOW // 2), mode="reflect")[0]
    window = torch.hann_window(WINDOW, device=waveform.device)
    spectrum = torch.fft.rfft(mirrored.unfold(0, WINDOW, hop) * window, n=points)
    return spectrum.real.square() + spectrum.imag.square()


def log_mel_spectrogram(waveform: Tensor) -> Tensor:
    """Compute the logarithmic mel spectrogram, normalised over the utterance.

    Power spans many orders of magnitude, from which a network trained from scratch learns badly.
    Energies more than 60 dB below the loudest are clamped. The mean is 0 and the standard
    deviation 1 over all bands and columns; silence gives zeros.

    Parameters
    ----------
    waveform : Tensor (S,)
        Floating point in [-1, 1] at 16 kHz.

    Returns
    -------
    Tensor (128, 1 + S // 200) float32
    """
    power = mel_spectrogram(waveform, _LOG_POINTS)
    energy = power.clamp(min=max(_FLOOR, _RANGE * float(power.max()))).log()
    spread, mean = torch.std_mean(energy)
    return (energy - mean) / spread if spread > _FLAT else torch.zeros_like(energy)


def chunks(waveform: Tensor, kind: SpectrogramType = "log") -> Tensor:
    """Split the spectrogram of one utterance into chunks of 32 columns.

    Parameters
    ----------
    waveform : Tensor (S,)
        Floating point in [-1, 1] at 16 kHz.
    kind : {"log", "published"}
        `log_mel_spectrogram` or `mel_spectrogram`.

    Returns
    -------
    Tensor (P, 1, 128, 32) float32
        The last chunk is padded with zeros on the right.

    Examples
    --------
    >>> chunks(torch.zeros(16_000)).shape
    torch.Size([3, 1, 128, 32])
    """
    spectrogram = {"log": log_mel_spectrogram, "published": mel_spectrogram}[kind](waveform)
    filled = F.pad(spectrogram, (0, -spectrogram.shape[1] % COLUMNS))
    return filled.unflatten(1, (-1, COLUMNS)).transpose(0, 1).unsqueeze(1).contiguous()


@cache
def _filters(points: int) -> Tensor:
    """Return triangular filters of equal width in mel, (points // 2 + 1, 128)."""
    top = 2595 * math.log10(1 + SAMPLE_RATE / 2 / 700)
    corners = 700 * (10 ** (torch.linspace(0, top, N_MELS + 2, dtype=torch.float64) / 2595) - 1)
    return triangular_filters(corners, points).float()


def triangular_filters(corners: Tensor, points: int) -> Tensor:
    """Return triangular filters of height 1 over the frequencies of a Fourier transform.

    Parameters
    ----------
    corners : Tensor (M + 2,)
        In Hz, ascending. Filter m rises from corner m to m + 1, and falls to m + 2.
    points : int
        Size of the Fourier transform.

    Returns
    -------
    Tensor (points // 2 + 1, M) of the corners' type
    """
    frequencies = torch.linspace(0, SAMPLE_RATE / 2, points // 2 + 1, dtype=corners.dtype)
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    rising = (frequencies[:, None] - left) / (centre - left)
    falling = (right - frequencies[:, None]) / (right - centre)
    return torch.minimum(rising, falling).clamp(min=0)
