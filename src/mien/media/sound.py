"""The sound of any media file: mono, 16 kHz, 16 bit, in bounded memory."""

import itertools
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from mien.errors import MienError
from mien.media.notes import Report
from mien.media.track import open_track
from mien.utterance import RATE

# Holes in the sound of this length (s) are filled with silence to keep later times right.
# Shorter ones are jitter, longer ones broken time stamps.
_HOLE = (0.1, 60.0)


def read_audio(
    path: Path,
    *,
    channel: int | None = None,
    start: float | None = None,
    end: float | None = None,
    report: Report = warnings.warn,
) -> np.ndarray:
    """Read the sound of any media file as mono, 16 kHz, 16 bit.

    Parameters
    ----------
    path : Path
        A sound file or a video with sound, of any rate, sample format and number of channels.
    channel : int, optional
        The channel to keep, from 0. None: the mean of all.
    start, end : float, optional
        Seconds from the beginning of the file. What lies outside the file is not made up.
    report : callable
        Receives a `Damage` where part of the file is unreadable; by default Python's warning.

    Returns
    -------
    array (S,) int16
        Empty where the file ends before `start`.

    Raises
    ------
    MienError
        The file is missing or unreadable, holds no sound, or has no such channel.
    """
    with open_track(path, "audio") as track:
        frames = track.frames(report)
        first = next(frames)
        rate = first.sample_rate
        waves = (
            (frame.time, _mono(frame, rate, channel, path))
            for frame in itertools.chain([first], frames)
        )
        pieces = _cut(waves, rate, track.origin, max(start or 0.0, 0.0), end)
        parts = [_int16(piece) for piece in _resampled(pieces, rate)]
    return np.concatenate(parts) if parts else np.empty(0, np.int16)


def _mono(frame: Any, rate: int, channel: int | None, path: Path) -> np.ndarray:
    """One channel of a sound frame, or the mean of all, as float32 in [-1, 1]."""
    count = frame.layout.nb_channels
    if frame.sample_rate != rate:
        raise MienError(f"{path}: changes its sampling rate half-way; convert it to one rate")
    if channel is not None and not 0 <= channel < count:
        raise MienError(f"{path}: has no channel {channel}; it has {count}, counted from 0")
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, count).T
    zero, full = 0.0, 1.0
    if samples.dtype.kind == "u":
        zero = full = 128.0
    elif samples.dtype.kind == "i":
        full = 2.0 ** (8 * samples.dtype.itemsize - 1)
    else:
        # One of these would spread over all that comes after it in the resampler.
        samples = np.nan_to_num(samples, posinf=1.0, neginf=-1.0)
    wave = samples.mean(axis=0, dtype=np.float64) if channel is None else samples[channel]
    return ((wave - zero) / full).astype(np.float32)


def _cut(
    waves: Iterable[tuple[float | None, np.ndarray]],
    rate: int,
    origin: float,
    start: float,
    end: float | None,
) -> Iterator[np.ndarray]:
    """Yield the sound between two times (s) from consecutive pieces and their time stamps."""
    begin = round(start * rate)
    stop = None if end is None else round(end * rate)
    position = 0
    for time, wave in waves:
        late = 0 if time is None else round((time - origin) * rate) - position
        if _HOLE[0] * rate < late < _HOLE[1] * rate:
            wave = np.concatenate([np.zeros(late, np.float32), wave])
        upto = None if stop is None else max(stop - position, 0)
        yield wave[max(begin - position, 0) : upto]
        position += len(wave)
        if stop is not None and position >= stop:
            return


def _resampled(chunks: Iterable[np.ndarray], rate: int) -> Iterator[np.ndarray]:
    if rate == RATE:
        yield from chunks
        return
    resampler = soxr.ResampleStream(rate, RATE, 1, dtype="float32")
    for chunk in chunks:
        yield resampler.resample_chunk(chunk)
    yield resampler.resample_chunk(np.empty(0, np.float32), last=True)


def _int16(wave: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(wave * 32768), -32768, 32767).astype(np.int16)
