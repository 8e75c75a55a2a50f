"""Mix samples of any format and number of channels to one channel in [-1, 1]."""

from typing import Any

import av
import numpy as np

from mien.errors import MienError
from mien.utterance import Media

CANCELLING = 0.1
"""Channels cancel if their mean has less than this share of the power that it has if they differ.

That is 10 dB less; the mean of a voice in one channel and silence in the others has all of it."""

# Floating point samples beyond this are more than an overdriven recording. ...
_BEYOND = 2.0
# ... This share of them is more than a few clicks: the scale is another, such as that of integers.
_MAX_CLICKS = 0.01
# Full scale is then that of integers of 8, 16, 24 or 32 bit, the first that holds all samples but
# this share; or else the power of two that does.
_ABOVE_SCALE = 0.001
_SCALES = (7, 15, 23, 31)
# Samples are clipped to this before they are resampled, so that a click stays short.
_CLIP = 8.0
_EXPONENTS = 64
# PyAV 18 reads beyond the end of a planar frame that has more channels than this.
_MAX_PLANES = 7
_HIGHEST = 2.0 ** (_EXPONENTS - 2)


def samples_of(frame: Any) -> np.ndarray:
    """Return the samples of a decoded frame as they are, (C, S)."""
    channels = frame.layout.nb_channels
    if frame.format.is_planar and channels > _MAX_PLANES:
        (frame,) = av.AudioResampler(format=frame.format.packed).resample(frame)
    samples: np.ndarray = frame.to_ndarray()
    return samples if frame.format.is_planar else samples.reshape(-1, channels).T


def scaled(samples: np.ndarray) -> np.ndarray:
    """Scale integers to [-1, 1]; floating point samples stay as they are."""
    samples = np.ascontiguousarray(samples)
    if samples.dtype.kind == "u":
        return (samples - 128.0) / 128.0
    if samples.dtype.kind == "i":
        return samples / 2.0 ** (8 * samples.dtype.itemsize - 1)
    return samples


class Mixer:
    """Mixes several channels to one, and measures whether they cancel or exceed full scale.

    Parameters
    ----------
    channel : int, optional
        The channel to keep, from 0. None: the mean of all.
    full : float
        The value of full scale.
    """

    def __init__(self, channel: int | None, full: float = 1.0) -> None:
        self._channel = channel
        self._full = full
        self._count = 0
        self._beyond = np.zeros(_EXPONENTS, np.int64)
        """Samples beyond full scale, by the power of two above them."""
        self._power = np.zeros(0)
        self._mean_power = 0.0

    def check(self, channels: int, path: Media) -> None:
        """Raise `MienError` where there is no such channel."""
        if self._channel is not None and not 0 <= self._channel < channels:
            count = f"it has {channels}, counted from 0"
            raise MienError(f"{path}: has no channel {self._channel}; {count}")

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Mix (C, S) to (S,) float32."""
        if self._channel is not None:
            samples = samples[self._channel][None]
        # Written so that NaN is caught too: it would spread in the resampler.
        if not (samples.max() <= _BEYOND and samples.min() >= -_BEYOND):
            samples = np.clip(np.nan_to_num(samples), -_HIGHEST, _HIGHEST)
            far = np.abs(samples[np.abs(samples) > _BEYOND])
            exponents = np.ceil(np.log2(far)).astype(int)
            self._beyond += np.bincount(exponents, minlength=_EXPONENTS)
        mean = samples.mean(axis=0, dtype=np.float64)
        self._measure_power(samples, mean)
        return np.clip(mean / self._full, -_CLIP, _CLIP).astype(np.float32)

    def _measure_power(self, samples: np.ndarray, mean: np.ndarray) -> None:
        self._count += samples.size
        if len(self._power) != len(samples):
            # Where the number of channels changes, the measurement starts again.
            self._power, self._mean_power = np.zeros(len(samples)), 0.0
        self._power += np.einsum("cs,cs->c", samples, samples, dtype=np.float64)
        self._mean_power += float(mean @ mean)

    def corrected(self) -> "tuple[Mixer, list[tuple[str, str]]]":
        """Return a mixer that fits the samples so far, and this one's faults: kind and text."""
        full, channel, faults = self._full, self._channel, []
        if self._beyond.sum() > _MAX_CLICKS * self._count:
            above = self._beyond[::-1].cumsum()[::-1] - self._beyond
            power = int(np.argmax(above <= _ABOVE_SCALE * self._count))
            full = 2.0 ** next((scale for scale in _SCALES if scale >= power), power)
            what = f"has samples far beyond full scale; they are divided by {full:g}"
            faults.append(("samples beyond full scale", what))
        channels = len(self._power)
        if channels > 1 and self._mean_power < CANCELLING * self._power.sum() / channels**2:
            channel = int(np.argmax(self._power))
            what = f"has channels that cancel each other; the loudest, number {channel}, is used"
            faults.append(("channels cancel", what))
        return Mixer(channel, full), faults
