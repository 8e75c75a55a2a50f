"""Level, pitch and probability of speech of a recording, every tenth of a second."""

from collections.abc import Iterator

import numpy as np

from mien.models.pretrained.voice_activity import FRAME_SAMPLES
from mien.pitch import PITCH_WINDOW, pitches
from mien.silence import SILENT
from mien.utterance import SAMPLE_RATE

AUDIO_STEP = 0.1
"""Seconds of a row."""

_SAMPLES = round(SAMPLE_RATE * AUDIO_STEP)
_ROWS = 100
"""Rows that are computed together: ten seconds."""
_WINDOWS = 10
"""Windows of the pitch in a row, one every 10 ms."""
_HOP = _SAMPLES // _WINDOWS
_BEFORE = (PITCH_WINDOW - _HOP) // 2
"""Samples by which the first window of a row begins before it."""


def audio_frames(waveform: np.ndarray, speech: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Measure a recording, block by block.

    Parameters
    ----------
    waveform : array (S,) int16
        At 16 kHz.
    speech : array (T,)
        The probability of speech in each 32 ms.

    Yields
    ------
    tuple of (int, array (R, 3) float)
        The number of the first row, and for each of up to 100 rows: the level in decibels relative
        to full scale, -96 for digital silence, without the constant offset; the pitch in Hz, the
        median of that of windows of 40 ms, NaN where not half of them are voiced or the level is
        below what can be heard; the mean probability of speech, NaN where it is not given.
    """
    count = -(-len(waveform) // _SAMPLES)
    for first in range(0, count, _ROWS):
        last = min(first + _ROWS, count)
        levels = _levels(waveform[first * _SAMPLES : last * _SAMPLES])
        pitch = np.where(levels >= SILENT, _pitches(waveform, first, last), np.nan)
        likely = _probabilities(speech, len(waveform), first, last)
        yield first, np.stack([levels, pitch, likely], axis=1)


def _levels(part: np.ndarray) -> np.ndarray:
    """Return the level of each row; the last one may be shorter."""
    rows = [part[begin : begin + _SAMPLES] for begin in range(0, len(part), _SAMPLES)]
    # below the rounding error of 16 bits a level means nothing
    powers = np.array([np.var(row.astype(float) / 32768) for row in rows]) + 2**-32
    levels: np.ndarray = 10 * np.log10(powers)
    return levels


def _pitches(waveform: np.ndarray, first: int, last: int) -> np.ndarray:
    """Return the pitch of each row, NaN where it has none."""
    begin = first * _SAMPLES - _BEFORE
    end = last * _SAMPLES - _HOP - _BEFORE + PITCH_WINDOW
    part = waveform[max(begin, 0) : end].astype(np.float32) / 32768
    padded = np.pad(part, (max(-begin, 0), max(end - len(waveform), 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, PITCH_WINDOW)[::_HOP]
    found = np.sort(pitches(windows).reshape(-1, _WINDOWS), axis=1)  # NaN come last
    voiced = np.isfinite(found).sum(axis=1)
    rows = np.arange(len(found))
    low, high = np.maximum(voiced - 1, 0) // 2, voiced // 2
    middle = (found[rows, low] + found[rows, np.minimum(high, _WINDOWS - 1)]) / 2
    return np.where(voiced >= _WINDOWS // 2, middle, np.nan)


def _probabilities(speech: np.ndarray, samples: int, first: int, last: int) -> np.ndarray:
    """Average the probabilities over each row."""
    edges = np.minimum(np.arange(first, last + 1) * _SAMPLES, samples) / FRAME_SAMPLES
    begin, end = int(edges[0]), min(int(np.ceil(edges[-1])), len(speech))
    if end <= begin:
        return np.full(last - first, np.nan)
    total = np.concatenate([[0.0], np.cumsum(speech[begin:end], dtype=float)])
    inside = np.interp(edges - begin, np.arange(len(total)), total)
    known = edges[1:] <= len(speech)
    means: np.ndarray = np.where(known, np.diff(inside) / np.diff(edges), np.nan)
    return means
