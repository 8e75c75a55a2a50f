"""SpecAugment on the waveform, so that it serves any audio encoder (Park et al. 2019)."""

import numpy as np

WINDOW, HOP = 400, 160
"""Window and hop of the spectrum, in samples: 25 and 10 ms."""

BANDS, MAX_BAND = 2, 0.14
"""Number of bands that are masked, and their largest width as a share of the spectrum."""

SPANS, MAX_SPAN = 2, 0.1
"""Number of spans of time that are masked, and their longest length as a share of the clip."""


def mask_spectrum(waveform: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Remove bands of frequencies and spans of time from a waveform (S,) int16, at random."""
    from scipy.signal import ShortTimeFFT  # slow to import

    transform = ShortTimeFFT(np.hanning(WINDOW + 1)[:-1], HOP, 16_000)
    spectrum = transform.stft(waveform.astype(np.float64))
    for axis, number, largest in ((0, BANDS, MAX_BAND), (1, SPANS, MAX_SPAN)):
        size = spectrum.shape[axis]
        for _ in range(number):
            width = int(random.integers(0, max(1, round(largest * size)) + 1))
            first = int(random.integers(0, size - width + 1))
            index = [slice(None), slice(None)]
            index[axis] = slice(first, first + width)
            spectrum[tuple(index)] = 0
    masked = transform.istft(spectrum, k1=len(waveform))
    return np.clip(np.rint(masked), -32768, 32767).astype(np.int16)
