"""Hand-crafted features of speech: 144 numbers for every tenth of a second."""

from itertools import pairwise

import numpy as np
import torch
from scipy.fft import dct

from mien.models.encoders.spectrogram import HOP_LENGTH, WINDOW, mel_spectrogram
from mien.pitch import VOICED, autocorrelation, best_lags, lags_of
from mien.utterance import SAMPLE_RATE

POOLED = 8
"""Windows averaged to one step: 0.1 s."""

BARK = (
    *(0, 100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480),
    *(1720, 2000, 2320, 2700, 3150, 3700, 4400, 5300, 6400, 7700, 9500),
)
"""Edges of the first 22 critical bands, Hz (Zwicker 1961); at 16 kHz the last ends at 8000."""

CEPSTRUM = 12
"""MFCC from the first on; the zeroth is the energy."""

REGIONS = (0, 300, 800, 1800, 2800, 4000, 8000)
"""Hz: voice bar and nasals, first formant, second of back and of front vowels, third, frication."""

DESCRIPTORS = (
    *("energy", "zero crossings", "voicing", "pitch"),
    *("centroid", "spread", "skewness", "kurtosis", "flatness", "roll-off", "flux", "tilt"),
    *(f"{low}-{high} Hz" for low, high in pairwise(REGIONS)),
)
"""Descriptors of a window: 18, as many as the phonological classes that they replace."""

FUNCTIONALS = ("mean", "deviation", "skewness", "kurtosis", "max", "min")

SIZE = len(BARK) - 1 + CEPSTRUM + len(DESCRIPTORS) * len(FUNCTIONALS) + 2

_POINTS = 1024
_FLOOR = 1e-7
_RANGE = 1e-6
_PITCHES = (80.0, 400.0)


def voice_features(waveform: np.ndarray) -> np.ndarray:
    """Compute the features of a waveform.

    Parameters
    ----------
    waveform : array (S,) float32
        In [-1, 1] at 16 kHz, S >= 400.

    Returns
    -------
    array (L, 144) float32
        One row for each 0.1 s, the last for the remainder. Columns: 22 logarithmic Bark-band
        energies; MFCC 1 to 12; 18 `DESCRIPTORS` × 6 `FUNCTIONALS` over the whole utterance, the
        same in each row, kurtoses as logarithms; logarithmic energy and voicing of the step.

    Notes
    -----
    The published 144 have the posteriors of 18 phonological classes instead of the descriptors, and
    two empty columns at the end. The descriptors are acoustic correlates of such classes: voice,
    manner (energy, zero crossings, flux, flatness) and place (spectral moments, formant regions).

    Examples
    --------
    >>> voice_features(np.zeros(16_000, np.float32)).shape
    (11, 144)
    """
    frames = np.lib.stride_tricks.sliding_window_view(
        np.pad(waveform, WINDOW // 2, mode="reflect"), WINDOW
    )[::HOP_LENGTH]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW + 1)[:-1], _POINTS)) ** 2
    floor = max(_FLOOR, _RANGE * float(power.max()))
    voicing, pitch = _voicing(power)
    described = _descriptors(frames, power, floor, voicing, pitch)
    bark = np.log(_bands(power, BARK) + floor)
    mel = mel_spectrogram(torch.from_numpy(waveform), _POINTS).numpy().T
    cepstrum = dct(np.log(mel + floor), norm="ortho")[:, 1 : CEPSTRUM + 1]
    each = np.concatenate([bark, cepstrum, described[:, [0]], voicing[:, None]], axis=1)
    steps = _pooled(each)
    whole = np.tile(_statistics(described, voicing > VOICED), (len(steps), 1))
    return np.concatenate([steps[:, :-2], whole, steps[:, -2:]], axis=1).astype(np.float32)


def _pooled(each: np.ndarray) -> np.ndarray:
    """Average the windows of each step."""
    starts = np.arange(0, len(each), POOLED)
    lengths = np.diff(np.append(starts, len(each)))
    return np.asarray(np.add.reduceat(each, starts) / lengths[:, None])


def _bands(power: np.ndarray, edges: tuple[int, ...]) -> np.ndarray:
    """Sum the power between edges in Hz, (C, bands)."""
    frequencies = np.linspace(0, SAMPLE_RATE / 2, power.shape[1])
    places = np.searchsorted(frequencies, edges)
    sums = np.concatenate([np.zeros((len(power), 1)), power.cumsum(axis=1)], axis=1)
    return np.asarray(np.clip(np.diff(sums[:, places], axis=1), 0, None))


def _voicing(power: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the voicing of each window, 0 to 1, and its pitch in octaves above 100 Hz."""
    shortest, longest = lags_of(*_PITCHES)
    correlation = autocorrelation(power, np.hanning(WINDOW + 1)[:-1], longest)
    best = best_lags(correlation, shortest)
    voicing = correlation[np.arange(len(best)), best].clip(0, 1)
    return voicing, np.log2(SAMPLE_RATE / best / 100)


def _descriptors(
    frames: np.ndarray, power: np.ndarray, floor: float, voicing: np.ndarray, pitch: np.ndarray
) -> np.ndarray:
    """Describe each window, (C, 18)."""
    kilohertz = np.linspace(0, SAMPLE_RATE / 2000, power.shape[1])
    share = (power + floor) / (power + floor).sum(axis=1, keepdims=True)
    centroid = share @ kilohertz
    offset = kilohertz - centroid[:, None]
    spread = np.sqrt((share * offset**2).sum(axis=1))
    skewness, kurtosis = ((share * offset**n).sum(axis=1) / spread**n for n in (3, 4))
    skewness, kurtosis = np.arcsinh(skewness), np.log(kurtosis)  # a pure tone has thousands
    crossings = (np.diff(np.signbit(frames), axis=1)).mean(axis=1)
    flatness = np.log(share).mean(axis=1) - np.log(share.mean(axis=1))
    rolloff = kilohertz[(share.cumsum(axis=1) < 0.85).sum(axis=1)]
    change = np.diff(np.sqrt(share), axis=0, prepend=np.sqrt(share[:1]))
    low, high = (_bands(power, edges)[:, 0] + floor for edges in ((0, 1000), (1000, 8001)))
    regions = _bands(power, REGIONS) + floor
    columns = (
        *(np.log(power.sum(axis=1) + floor), crossings, voicing, pitch),
        *(centroid, spread, skewness, kurtosis, flatness, rolloff),
        *(np.linalg.norm(change, axis=1), np.log(low / high)),
    )
    shares = np.log(regions / regions.sum(axis=1, keepdims=True))
    return np.concatenate([np.stack(columns, axis=1), shares], axis=1)


def _statistics(described: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """Summarise the windows of an utterance, (108,): six functionals of each descriptor."""
    pitch = described[voiced, 3] if voiced.any() else np.zeros(1)
    columns = [pitch if n == 3 else column for n, column in enumerate(described.T)]
    return np.concatenate([_functionals(column) for column in columns])


def _functionals(values: np.ndarray) -> np.ndarray:
    mean, sd = values.mean(), values.std()
    shape = (values - mean) / max(sd, 1e-6)
    skewness, kurtosis = (shape**3).mean(), np.log1p((shape**4).mean())
    return np.array([mean, sd, skewness, kurtosis, values.max(), values.min()])
