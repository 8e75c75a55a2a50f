"""The levels of a voice in four bands of frequency, over time."""

import numpy as np

from mien.utterance import SAMPLE_RATE

BANDS = (100.0, 500.0, 1200.0, 3000.0, 8000.0)
"""Edges in Hz: voice and nasals, first formant of open vowels, second formant, frication."""

BANDS_RATE = 100
"""Values a second."""

_WINDOW = 640  # samples: 40 ms
_HOP = SAMPLE_RATE // BANDS_RATE
_BLOCK = 6_000  # values: a minute
_FAINT = 1e-4  # of the power of loud windows; what is fainter is as good as silence
_SMOOTHING = 3.0  # values, standard deviation: 30 ms


def band_levels(waveform: np.ndarray) -> np.ndarray:
    """Measure the level of each band, block by block.

    Parameters
    ----------
    waveform : array (S,) int16
        At 16 kHz; a file on the disk that is mapped into memory is never read as a whole.

    Returns
    -------
    array (T, 4) float32
        Logarithms of the power relative to that of loud windows, smoothed over 30 ms; value n is
        that around n / 100 s.
    """
    count = len(waveform) // _HOP + 1
    blocks = [
        _powers(waveform, first, min(first + _BLOCK, count)) for first in range(0, count, _BLOCK)
    ]
    powers = np.concatenate(blocks)
    loud = max(float(np.percentile(powers.sum(axis=1), 95)), 1e-9)
    levels = np.log(powers / loud + _FAINT)
    from scipy.ndimage import gaussian_filter1d  # slow to import

    return np.asarray(gaussian_filter1d(levels, _SMOOTHING, axis=0, mode="nearest"), np.float32)


def _powers(waveform: np.ndarray, first: int, last: int) -> np.ndarray:
    """Return the powers (last - first, 4) of the windows around those multiples of the hop."""
    begin, end = first * _HOP - _WINDOW // 2, (last - 1) * _HOP + _WINDOW // 2
    part = waveform[max(begin, 0) : max(end, 0)].astype(np.float32) / 32768
    behind = max(end - len(waveform), 0)
    padded = np.pad(part, (max(-begin, 0), behind))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW).astype(np.float32), axis=1)) ** 2
    edges = np.searchsorted(np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE), BANDS)
    return np.add.reduceat(spectrum[:, : edges[-1]], edges[:-1], axis=1)
