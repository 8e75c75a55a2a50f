"""Samples of any format and number of channels as one channel in [-1, 1]."""

from typing import Any

import av
import numpy as np

from mien.errors import MienError
from mien.utterance import Media

CANCELLING = 0.1
"""Channels cancel if their mean has less than this share of the power of unrelated channels' mean.

That is 10 dB less; the mean of a voice in one channel and silence in the others has all of it."""

# Floating point samples beyond this are more than a hot recording. ...
_BEYOND = 2.0
# ... This share of them is more than a few clicks: the scale is another, such as that of integers.
_CLICKS = 0.01
# Full scale is then that of integers of 8, 16, 24 or 32 bit, the first that holds all samples but
# this share; or else the power of two that does.
_ABOVE_SCALE = 0.001
_SCALES = (7, 15, 23, 31)
# What samples are cut to before they are resampled, so that a click stays one.
_LOUDEST = 8.0
_EXPONENTS = 64
# PyAV 18 reads beyond the end of a frame that has more channels than this, each in a plane.
_PLANES = 7
_HIGHEST = 2.0 ** (_EXPONENTS - 2)


def samples_of(frame: Any) -> np.ndarray:
    """Give the samples of a decoded frame as they are, (C, S)."""
    channels = frame.layout.nb_channels
    if frame.format.is_planar and channels > _PLANES:
        (frame,) = av.AudioResampler(format=frame.format.packed).resample(frame)
    samples: np.ndarray = frame.to_ndarray()
    return samples if frame.format.is_planar else samples.reshape(-1, channels).T


def scaled(samples: np.ndarray) -> np.ndarray:
    """Bring integers into [-1, 1]; floating point samples stay as they are."""
    samples = np.ascontiguousarray(samples)
    if samples.dtype.kind == "u":
        return (samples - 128.0) / 128.0
    if samples.dtype.kind == "i":
        return samples / 2.0 ** (8 * samples.dtype.itemsize - 1)
    return samples


class Mixer:
    """Makes one channel of several, and watches whether that went well.

    Parameters
    ----------
    channel : int, optional
        The channel to keep, from 0. None: the mean of all.
    full : float
        The value that is full scale.
    """

    def __init__(self, channel: int | None, full: float = 1.0) -> None:
        self._channel = channel
        self._full = full
        self._count = 0
        self._beyond = np.zeros(_EXPONENTS, np.int64)
        """Samples by the power of two above them, of those beyond full scale."""
        self._power = np.zeros(0)
        self._mean_power = 0.0

    def check(self, channels: int, path: Media) -> None:
        """Raise `MienError` where there is no such channel."""
        if self._channel is not None and not 0 <= self._channel < channels:
            count = f"it has {channels}, counted from 0"
            raise MienError(f"{path}: has no channel {self._channel}; {count}")

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Make (S,) float32 of (C, S)."""
        if self._channel is not None:
            samples = samples[self._channel][None]
        # Written so that NaN is caught, too: it would spread in the resampler.
        if not (samples.max() <= _BEYOND and samples.min() >= -_BEYOND):
            samples = np.clip(np.nan_to_num(samples), -_HIGHEST, _HIGHEST)
            far = np.abs(samples[np.abs(samples) > _BEYOND])
            exponents = np.ceil(np.log2(far)).astype(int)
            self._beyond += np.bincount(exponents, minlength=_EXPONENTS)
        mean = samples.mean(axis=0, dtype=np.float64)
        self._weigh(samples, mean)
        return np.clip(mean / self._full, -_LOUDEST, _LOUDEST).astype(np.float32)

    def _weigh(self, samples: np.ndarray, mean: np.ndarray) -> None:
        self._count += samples.size
        if len(self._power) != len(samples):
            # Where the number of channels changes, all counts anew.
            self._power, self._mean_power = np.zeros(len(samples)), 0.0
        self._power += np.einsum("cs,cs->c", samples, samples, dtype=np.float64)
        self._mean_power += float(mean @ mean)

    def better(self) -> "tuple[Mixer, list[tuple[str, str]]]":
        """Give a mixer that fits what was heard, and what this one did not: kinds and words."""
        full, channel, faults = self._full, self._channel, []
        if self._beyond.sum() > _CLICKS * self._count:
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
