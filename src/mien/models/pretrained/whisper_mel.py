"""The log mel spectrogram that Whisper was trained on, of clips in their true length."""

import math
from functools import cache

import torch
from torch import Tensor

from mien.models.encoders.spectrogram import WINDOW, power_spectrum, triangular_filters
from mien.utterance import SAMPLE_RATE

N_MELS = 80
HOP_LENGTH = 160
"""Samples from one window to the next, 10 ms."""

_FLOOR = 1e-10
# Whisper limits the spectrogram to 80 dB below the loudest band, and then scales it like this
_RANGE, _OFFSET, _SCALE = 8, 4, 4
# Slaney's mel scale: linear below 1 kHz, with 200/3 Hz a mel, and logarithmic above
_BREAK, _HERTZ_PER_MEL, _LOG_STEP = 1000, 200 / 3, math.log(6.4) / 27


def whisper_log_mel(waveform: Tensor, bands: int = N_MELS) -> Tensor:
    """Compute Whisper's log mel spectrogram of a whole clip, without filling it up to 30 s.

    Hann windows of 25 ms every 10 ms, centred. At both ends of the clip its samples are reflected,
    as Whisper does at the ends of its 30 s; the window centred on the very end is left out, as
    there. So the numbers are those that Whisper computes, except in the last frame: its window may
    reach up to 40 samples beyond the clip, where Whisper sees zeros.

    Parameters
    ----------
    waveform : Tensor (S,)
        Floating point in [-1, 1] at 16 kHz. One shorter than a window (400) is filled with zeros.
    bands : int
        Number of mel bands: 80, or 128 for the third version of the large model.

    Returns
    -------
    Tensor (bands, S // 160) float32

    Examples
    --------
    >>> whisper_log_mel(torch.zeros(16_000)).shape
    torch.Size([80, 100])
    """
    power = power_spectrum(waveform, HOP_LENGTH)[:-1] @ _filters(bands).to(waveform.device)
    energy = power.clamp(min=_FLOOR).log10().T
    return (energy.clamp(min=energy.max() - _RANGE) + _OFFSET) / _SCALE


@cache
def _filters(bands: int) -> Tensor:
    """Return triangular filters of equal area, (201, bands), on Slaney's mel scale."""
    linear = _BREAK / _HERTZ_PER_MEL
    top = linear + math.log(SAMPLE_RATE / 2 / _BREAK) / _LOG_STEP
    mels = torch.linspace(0, top, bands + 2, dtype=torch.float64)
    above = _BREAK * torch.exp((mels - linear) * _LOG_STEP)
    corners = torch.where(mels < linear, mels * _HERTZ_PER_MEL, above)
    return (triangular_filters(corners, WINDOW) * 2 / (corners[2:] - corners[:-2])).float()
