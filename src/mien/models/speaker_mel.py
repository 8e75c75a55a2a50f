"""The input of the pretrained speaker encoder: windows of a mel spectrogram of 40 bands."""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from mien.models.voice_encoder import N_MELS
from mien.utterance import SAMPLE_RATE

WINDOW_LENGTH = 400
"""Samples of one analysis window: 25 ms."""
HOP_LENGTH = 160
"""Samples from one column to the next: 10 ms."""
WINDOW_COLUMNS = 160
"""Columns of one input window of the encoder: 1.6 s."""
WINDOW_STEP = 77
"""Columns from one input window to the next: 1.3 windows a second."""

_COVERED = 0.75
"""Share of the last input window that must be covered, where there is more than one."""

_LOUDNESS = 10 ** (-30 / 20)
"""Root mean square to which quieter audio is amplified: 30 dB below full scale."""


def speaker_mel(waveform: Tensor) -> Tensor:
    """Compute the mel spectrogram that librosa gives by default, with 40 bands.

    Windows of 25 ms (Hann) every 10 ms, centred, zeros beyond the ends; triangular filters on
    Slaney's mel scale, each of unit area; power, not logarithmic.

    Parameters
    ----------
    waveform : Tensor (..., S)
        Floating point in [-1, 1] at 16 kHz.

    Returns
    -------
    Tensor (..., 1 + S // 160, 40) float32

    Examples
    --------
    >>> speaker_mel(torch.zeros(16_000)).shape
    torch.Size([101, 40])
    """
    padded = F.pad(waveform.float(), (WINDOW_LENGTH // 2, WINDOW_LENGTH // 2))
    window = torch.hann_window(WINDOW_LENGTH)
    spectrum = torch.fft.rfft(padded.unfold(-1, WINDOW_LENGTH, HOP_LENGTH) * window)
    return spectrum.abs().square() @ _filters()


def speaker_windows(waveform: Tensor) -> Tensor:
    """Cut an utterance into the overlapping windows that the encoder takes as input.

    Quiet audio is amplified first. Audio shorter than a window is padded with silence, and so is
    the last window if at least three quarters of it are covered; else it is left out.

    Parameters
    ----------
    waveform : Tensor (S,)
        Floating point in [-1, 1] at 16 kHz.

    Returns
    -------
    Tensor (W, 160, 40) float32

    Examples
    --------
    >>> speaker_windows(torch.zeros(48_000)).shape
    torch.Size([3, 160, 40])
    """
    waveform = amplified(waveform)
    starts = _starts(len(waveform))
    missing = (starts[-1] + WINDOW_COLUMNS) * HOP_LENGTH - len(waveform)
    mel = speaker_mel(F.pad(waveform, (0, max(0, missing))))
    return torch.stack([mel[start : start + WINDOW_COLUMNS] for start in starts])


def amplified(waveform: Tensor) -> Tensor:
    """Amplify waveforms (..., S) that are quieter than 30 dB below full scale to that level."""
    loudness = waveform.float().square().mean(dim=-1, keepdim=True).sqrt()
    quiet = (loudness > 0) & (loudness < _LOUDNESS)
    return waveform * torch.where(quiet, _LOUDNESS / loudness, 1.0)


def _starts(samples: int) -> range:
    """Return the first column of each window."""
    columns = samples // HOP_LENGTH + 1
    starts = range(0, max(1, columns - WINDOW_COLUMNS + WINDOW_STEP + 1), WINDOW_STEP)
    covered = (samples / HOP_LENGTH - starts[-1]) / WINDOW_COLUMNS
    return starts if covered >= _COVERED or len(starts) == 1 else starts[:-1]


@cache
def _filters() -> Tensor:
    """Slaney's triangles, (201, 40)."""
    from transformers.audio_utils import mel_filter_bank

    bank = mel_filter_bank(
        WINDOW_LENGTH // 2 + 1,
        N_MELS,
        0.0,
        SAMPLE_RATE / 2,
        SAMPLE_RATE,
        norm="slaney",
        mel_scale="slaney",
    )
    return torch.from_numpy(bank).float()
