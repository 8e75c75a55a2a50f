"""The last seconds of a stream of audio, at 16 kHz, in bounded memory."""

from typing import Any

import numpy as np
import soxr

from mien.utterance import SAMPLE_RATE

GAP = 0.1
"""Seconds by which a chunk begins late before it counts as a gap; less is jitter."""


class RecentAudio:
    """Resamples chunks of audio as they come, and keeps the last of them.

    Parameters
    ----------
    seconds : float
        How much is kept.

    Examples
    --------
    >>> audio = RecentAudio(1.0)
    >>> for _ in range(30):
    ...     audio.add(np.full(1_600, 0.5, np.float32), 16_000)
    >>> audio.position, audio.between(47_998, 48_000)
    (48000, array([16384, 16384], dtype=int16))
    """

    def __init__(self, seconds: float) -> None:
        self.position = 0
        """Samples at 16 kHz since the beginning of the stream."""
        self._kept = round(seconds * SAMPLE_RATE)
        self._samples = np.zeros(0, np.int16)
        self._received = 0.0
        """Seconds since the beginning, with what the resampler still holds."""
        self._rate = SAMPLE_RATE
        self._resampler: Any = None

    def add(self, wave: np.ndarray, rate: int, time: float | None = None) -> None:
        """Append a chunk.

        Parameters
        ----------
        wave : array (S,) float32
            Mono, in [-1, 1].
        rate : int
            Its sample rate, Hz.
        time : float, optional
            When it begins, in seconds from the beginning of the stream: what is missing before it
            is silence. A chunk that begins earlier, or without a time, follows the one before.
        """
        if time is not None and time - self._received > GAP:
            self.silence(time)
        if rate != self._rate:
            self.flush()
            self._rate = rate
        self._received += len(wave) / rate
        if rate != SAMPLE_RATE:
            if self._resampler is None:
                self._resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
            wave = self._resampler.resample_chunk(wave)
        self._append(wave)

    def silence(self, until: float) -> None:
        """Append silence up to a time in seconds, where no audio came until then."""
        if until <= self._received:
            return
        self.flush()
        missing = round(until * SAMPLE_RATE) - self.position
        self.position += max(missing - self._kept, 0)
        self._append(np.zeros(min(max(missing, 0), self._kept), np.float32))
        self._received = until

    def flush(self) -> None:
        """Append what the resampler still holds, some hundredths of a second."""
        if self._resampler is not None:
            self._append(self._resampler.resample_chunk(np.empty(0, np.float32), last=True))
            self._resampler = None

    def between(self, first: int, last: int) -> np.ndarray:
        """Return the samples between two positions, int16, as far as they are kept."""
        begin = self.position - len(self._samples)
        return self._samples[max(first - begin, 0) : max(last - begin, 0)]

    def _append(self, wave: np.ndarray) -> None:
        samples = np.clip(np.rint(wave * 32768), -32768, 32767).astype(np.int16)
        self._samples = np.concatenate([self._samples, samples])[-self._kept :]
        self.position += len(samples)
