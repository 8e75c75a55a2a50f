"""Audio effects for augmentation and for evaluation: noise, reverberation, telephone, gain, speed.

Waveforms are mono float32 in [-1, 1] at 16 kHz. No effect leaves this range: where a peak would
exceed 1, the whole waveform is scaled down until it is 1, which keeps its shape and the
signal-to-noise ratio. What is random depends on the generator alone.
"""

from collections.abc import Sequence

import numpy as np
import soxr

from mien.errors import MienError
from mien.utterance import SAMPLE_RATE

NOISE_RMS = 0.1
"""Root mean square of the noises: 20 dB below full scale, so that their peaks stay below 1."""

LOWEST_HEARD = 20.0
"""Pink noise has nothing below this frequency, Hz: half of its power would be inaudible."""

TELEPHONE_BAND = (300.0, 3400.0)
"""Edges of the telephone's band, Hz, where the level is 3 dB down."""

TELEPHONE_ORDER = 8
"""Order of the slopes beyond the edges: 48 dB per octave."""


def from_int16(waveform: np.ndarray) -> np.ndarray:
    """Convert a waveform int16 to float32 in [-1, 1]."""
    return waveform.astype(np.float32) / np.float32(32768)


def to_int16(waveform: np.ndarray) -> np.ndarray:
    """Convert a waveform in [-1, 1] to int16; 1 becomes 32767."""
    return np.clip(np.rint(waveform * 32768), -32768, 32767).astype(np.int16)


def white(length: int, random: np.random.Generator) -> np.ndarray:
    """Make white noise: Gaussian, with the same power at every frequency.

    Parameters
    ----------
    length : int
        Samples.
    random : numpy Generator
        What it is drawn from.

    Returns
    -------
    array (length,) float32
        Of the level `NOISE_RMS`, as all noises here.
    """
    return _levelled(random.standard_normal(length, np.float32))


def pink(length: int, random: np.random.Generator) -> np.ndarray:
    """Make pink noise, whose power falls by 3 dB per octave from 20 Hz on; as `white` otherwise."""
    size = _fast_size(length)
    frequencies = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    amplitudes = np.where(frequencies < LOWEST_HEARD, 0, np.maximum(frequencies, 1) ** -0.5)
    parts = random.standard_normal((2, len(frequencies)), np.float32)
    spectrum = (parts[0] + 1j * parts[1]) * amplitudes.astype(np.float32)
    return _levelled(np.fft.irfft(spectrum, size)[:length])


def babble(voices: Sequence[np.ndarray], length: int, random: np.random.Generator) -> np.ndarray:
    """Sum voices of the same level, each from a random place on and repeated as often as needed.

    Parameters
    ----------
    voices : sequence of array (S,)
        Waveforms of other clips, int16 or float32; silent ones are left out.
    length : int
        Samples.
    random : numpy Generator
        Where each begins.

    Returns
    -------
    array (length,) float32
        As `white` returns it.

    Raises
    ------
    MienError
        There are no voices, or only silent ones.
    """
    total = np.zeros(length, np.float32)
    for voice in voices:
        first = int(random.integers(len(voice)))
        if (rms := _rms(voice)) > 0:
            places = np.arange(first, first + length)
            total += np.take(voice, places, mode="wrap") / np.float32(rms)
    if not total.any():
        raise MienError("babble is made of other voices, and there are none")
    return _levelled(total)


def add_noise(waveform: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Add noise at a signal-to-noise ratio.

    The ratio is that of the mean power of the waveform, pauses included, to that of the noise, as
    usual in the literature. A waveform of digital silence has no level, and is returned as it is.

    Parameters
    ----------
    waveform : array (S,) float32
        The signal.
    noise : array (S,) float32
        The noise, of any level.
    snr_db : float
        The ratio in decibels.

    Returns
    -------
    array (S,) float32

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> tone = 0.1 * np.sin(np.arange(16_000, dtype=np.float32))
    >>> noise = add_noise(tone, white(16_000, random), 10.0) - tone
    >>> round(float(10 * np.log10(np.mean(tone**2) / np.mean(noise**2))), 1)
    10.0
    """
    level = _rms(waveform) * 10 ** (-snr_db / 20)
    return _in_range(waveform + noise * np.float32(level / (_rms(noise) or 1)))


def reverberate(waveform: np.ndarray, rt60: float, random: np.random.Generator) -> np.ndarray:
    """Add the reverberation of a room.

    The impulse response is the direct sound, and after it exponentially decaying noise of the same
    energy, as at the distance from a speaker where both are equally strong.

    Parameters
    ----------
    waveform : array (S,) float32
        The sound.
    rt60 : float
        Seconds in which the reverberation decays by 60 dB, > 0.
    random : numpy Generator
        What the noise is drawn from.

    Returns
    -------
    array (S,) float32
        As loud as before: with the same energy, unless the peak would exceed 1.
    """
    time = np.arange(1, max(2, round(rt60 * SAMPLE_RATE)), dtype=np.float32) / SAMPLE_RATE
    tail = random.standard_normal(len(time), np.float32) * 10 ** (-3 * time / np.float32(rt60))
    response = np.concatenate([[np.float32(1)], tail / np.linalg.norm(tail)])
    size = _fast_size(len(waveform) + len(tail))
    spectrum = np.fft.rfft(waveform, size) * np.fft.rfft(response, size)
    wet = np.fft.irfft(spectrum, size)[: len(waveform)].astype(np.float32)
    return _in_range(wet * np.float32(_rms(waveform) / (_rms(wet) or 1)))


def telephone(waveform: np.ndarray) -> np.ndarray:
    """Keep the band of a telephone, 300 to 3400 Hz: at 100 Hz 76 dB are lost, at 6 kHz 39.

    The slopes are those of Butterworth filters of order 8, without a delay. Codecs are not
    imitated.
    """
    # a tenth of a second of zeros, so that the end does not ring at the start
    size = _fast_size(len(waveform) + SAMPLE_RATE // 10)
    low, high = TELEPHONE_BAND
    frequencies = np.maximum(np.fft.rfftfreq(size, 1 / SAMPLE_RATE), 1)
    loss = [1 + ratio ** (2 * TELEPHONE_ORDER) for ratio in (low / frequencies, frequencies / high)]
    response = (loss[0] * loss[1]) ** -0.5
    spectrum = np.fft.rfft(waveform, size) * response.astype(np.float32)
    return _in_range(np.fft.irfft(spectrum, size)[: len(waveform)].astype(np.float32))


def gain(waveform: np.ndarray, db: float) -> np.ndarray:
    """Change the level by so many decibels, or by as many as leave the peak at 1."""
    return _in_range(waveform * np.float32(10 ** (db / 20)))


def change_speed(waveform: np.ndarray, factor: float) -> np.ndarray:
    """Play a waveform (S,) faster by a factor: about S / factor samples, and a higher pitch."""
    return _in_range(soxr.resample(waveform, factor * SAMPLE_RATE, SAMPLE_RATE, quality="LQ"))


def _in_range(waveform: np.ndarray) -> np.ndarray:
    """Scale a waveform down if its peak exceeds 1."""
    peak = np.abs(waveform).max(initial=0)
    return waveform / peak if peak > 1 else waveform


def _levelled(noise: np.ndarray) -> np.ndarray:
    """Give noise the level of all noises."""
    return _in_range(noise * np.float32(NOISE_RMS / (_rms(noise) or 1)))


def _rms(waveform: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(waveform, dtype=np.float64)))) if len(waveform) else 0.0


def _fast_size(length: int) -> int:
    """Round a length up to one whose Fourier transform is fast: 4, 5, 6 or 7 times a power of 2."""
    power = 1 << max(0, length.bit_length() - 3)
    return -(-length // power) * power
