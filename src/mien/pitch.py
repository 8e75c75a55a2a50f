"""Voicing and pitch, by the autocorrelation of short windows (Boersma 1993)."""

import numpy as np

from mien.utterance import SAMPLE_RATE

VOICED = 0.5
"""Autocorrelation at the best lag from which on a window is voiced.

Noise reaches a third of full correlation somewhere in the range; vowels stay above a half."""

PITCHES = (75.0, 600.0)
"""Range of `pitches`, Hz: that of Praat."""

PITCH_WINDOW = 640
"""Samples of a window of `pitches`: 40 ms, three periods of the lowest pitch."""

_FLOOR = 1e-7
# Two periods correlate as well as one.
_OCTAVE_COST = 0.02
_POINTS = 1024
_HIGHEST = 2000.0  # Hz


def lags_of(lowest: float, highest: float) -> tuple[int, int]:
    """Return the shortest and the longest lag, in samples, of pitches between two in Hz.

    Examples
    --------
    >>> lags_of(80, 400)
    (40, 200)
    """
    return round(SAMPLE_RATE / highest), round(SAMPLE_RATE / lowest)


def autocorrelation(power: np.ndarray, window: np.ndarray, longest: int) -> np.ndarray:
    """Compute the normalised autocorrelation of windows of a sound.

    The autocorrelation of the window function is divided out (Boersma 1993).

    Parameters
    ----------
    power : array (C, F)
        Power spectra of the windows, of 2 (F - 1) points: enough for a window and the longest lag.
    window : array (W,)
        The window function.
    longest : int
        The longest lag, samples.

    Returns
    -------
    array (C, longest + 1)
        1 at lag 0, unless the window is silent.
    """
    points = 2 * (power.shape[1] - 1)
    shape = np.fft.irfft(np.abs(np.fft.rfft(window, points)) ** 2)
    raw = np.fft.irfft(power)[:, : longest + 1]
    correlation: np.ndarray = (
        raw / np.maximum(raw[:, :1], _FLOOR) / (shape[: longest + 1] / shape[0])
    )
    return correlation


def best_lags(correlation: np.ndarray, shortest: int) -> np.ndarray:
    """Return the lag (C,) in samples at which each window correlates best with itself.

    Parameters
    ----------
    correlation : array (C, L)
        As `autocorrelation` computes it.
    shortest : int
        The shortest lag, samples.
    """
    octaves = np.log2(np.arange(shortest, correlation.shape[1]) / shortest)
    best: np.ndarray = (correlation[:, shortest:] - _OCTAVE_COST * octaves).argmax(axis=1)
    return best + shortest


def pitches(frames: np.ndarray) -> np.ndarray:
    """Measure the pitch of windows of a sound.

    Parameters
    ----------
    frames : array (C, 640)
        Windows in [-1, 1] at 16 kHz.

    Returns
    -------
    array (C,)
        Hz; NaN where a window is not voiced.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 220 * np.arange(640) / 16_000)
    >>> pitches(np.stack([tone, np.zeros(640)])).round().tolist()
    [220.0, nan]
    """
    shortest, longest = lags_of(*PITCHES)
    window = np.hanning(PITCH_WINDOW + 1)[:-1].astype(frames.dtype)
    power = np.abs(np.fft.rfft(frames * window, _POINTS)) ** 2
    # The peaks of a sound without high frequencies are so wide that they can't fall between two
    # lags: else a multiple of the period that is a whole number of samples may win.
    power[:, round(_HIGHEST / SAMPLE_RATE * _POINTS) :] = 0
    correlation = autocorrelation(power, window, longest + 1)
    best = best_lags(correlation[:, :-1], shortest)
    rows = np.arange(len(best))
    before, peak, after = (correlation[rows, best + step] for step in (-1, 0, 1))
    curve = np.minimum(before - 2 * peak + after, -_FLOOR)
    lags = best + ((before - after) / curve / 2).clip(-0.5, 0.5)
    return np.where(peak >= VOICED, SAMPLE_RATE / lags, np.nan)
