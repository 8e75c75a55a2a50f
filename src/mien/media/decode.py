"""Pictures and sound out of any media file, in one pass and in bounded memory."""

import heapq
import itertools
import math
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from mien.errors import MienError
from mien.media import pictures
from mien.media.track import Report, find_stream, open_media, open_track, to_rgb
from mien.utterance import RATE, Clip, Side, Utterance

FRAME_INTERVAL = 0.5
"""Seconds from one sampled frame to the next, as published (Dai et al. 2021)."""

Span = tuple[float, float | None]

# Some containers round times to a millisecond, so a frame counts as shown that much early.
_TOLERANCE = 1e-3
# Holes in the sound of this length (s) are filled with silence to keep later times right.
# Shorter ones are jitter, longer ones broken time stamps.
_HOLE = (0.1, 60.0)


def read_frames(
    path: Path,
    spans: Sequence[Span],
    *,
    interval: float = FRAME_INTERVAL,
    rate: float | None = None,
    side: Sequence[Side | None] | None = None,
    report: Report = warnings.warn,
    ended: Callable[[float], object] | None = None,
) -> Iterator[tuple[int, float, np.ndarray]]:
    """Sample the pictures of many spans of one video in a single pass.

    Each span gets the frame shown at its start, at start + interval, and so on before its end.
    Frames are decoded in order and dropped where not wanted: seeking to each one is eight times
    slower. One frame is held at a time, whatever the length of the video.

    Parameters
    ----------
    path : Path
        The video, or a single image; with `rate` a pattern of numbered pictures such as
        ``image_%d.jpg``.
    spans : sequence of (start, end)
        Seconds from the beginning of the file, in any order, overlapping or not. A negative start
        counts as 0; an end of None is the end of the video.
    interval : float
        Seconds between two frames of a span. Of numbered pictures none is taken twice, however
        short the interval.
    rate : float, optional
        How many of the numbered pictures belong to a second.
    side : sequence of {"left", "right", None}, optional
        For each span, the half of a split-screen picture to keep. None: the whole picture.
    report : callable
        Receives a `Damage` where part of the file is unreadable; by default Python's warning.
    ended : callable, optional
        Receives the time, in seconds, at which the last frame goes off the screen, where the file
        ends before the spans do.

    Yields
    ------
    tuple of (int, float, array (H, W, 3) uint8)
        Index of the span, time in seconds, and the RGB picture, in order of time.

    Raises
    ------
    MienError
        The file is missing or unreadable, or holds no picture.

    Examples
    --------
    >>> for span, time, picture in read_frames(Path("talk.mp4"), [(0, 2), (1.2, None)]):
    ...     print(span, time, picture.shape)  # doctest: +SKIP
    """
    if not interval > 0:
        raise MienError(f"the frame interval must be above 0 seconds, not {interval}")
    if rate is not None and not 0 < rate < math.inf:
        raise MienError(f"{path}: {rate:g} pictures a second make no video")
    step = interval if rate is None else max(interval, 1 / rate)
    wanted = heapq.merge(*(_times(i, span, step) for i, span in enumerate(spans)))
    target = next(wanted, None)
    shown = _video(path, report) if rate is None else pictures.shown(path, rate, report)
    with closing(shown):
        for to_pixels, until in shown:
            pixels: np.ndarray | None = None
            while target is not None and target[0] < until - _TOLERANCE:
                time, index = target
                pixels = to_pixels() if pixels is None else pixels
                if pixels is not None:
                    yield index, time, _half(pixels, side[index] if side else None)
                target = next(wanted, None)
            if target is None:
                return
        if ended is not None:
            ended(until)


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


def decode(utterance: Utterance, frame_interval: float = FRAME_INTERVAL) -> Clip:
    """Decode the pictures and the sound of one utterance.

    Parameters
    ----------
    utterance : Utterance
        Says where the media lie.
    frame_interval : float
        Seconds between two frames.

    Returns
    -------
    Clip
        All frames of the utterance are in memory at once: meant for one clip, not for a corpus.

    Raises
    ------
    MienError
        A file that the utterance names cannot be read.
    """
    frames: list[np.ndarray] = []
    times: list[float] = []
    if utterance.video is not None:
        span = (utterance.start or 0.0, utterance.end)
        sides = [utterance.video_side]
        for _, time, frame in read_frames(
            utterance.video, [span], interval=frame_interval, rate=utterance.video_rate, side=sides
        ):
            times.append(time)
            frames.append(frame)
    wave = np.empty(0, np.int16)
    if utterance.audio is not None:
        wave = read_audio(
            utterance.audio,
            channel=utterance.audio_channel,
            start=utterance.start,
            end=utterance.end,
        )
    if len({frame.shape for frame in frames}) > 1:
        raise MienError(f"{utterance.video}: changes its picture size half-way; convert it first")
    return Clip(
        frames=np.stack(frames) if frames else None,
        times=np.array(times, np.float32) if frames else None,
        waveform=wave.astype(np.float32) / 32768 if len(wave) else None,
        rate=RATE if len(wave) else None,
        text=utterance.text,
    )


def has_video(path: Path) -> bool:
    """Tell whether a file holds pictures (the cover of a song does not count)."""
    with open_media(path) as container:
        return find_stream(container, "video") is not None


def has_audio(path: Path) -> bool:
    """Tell whether a file holds sound."""
    with open_media(path) as container:
        return find_stream(container, "audio") is not None


def _times(index: int, span: Span, interval: float) -> Iterator[tuple[float, int]]:
    start, end = max(span[0], 0.0), span[1]
    for step in itertools.count():
        time = start + step * interval
        # Sums of decimal fractions miss a round end by a rounding error.
        if end is not None and time > end - 1e-6:
            return
        yield time, index


def _video(path: Path, report: Report) -> Generator[tuple[Callable[[], np.ndarray], float]]:
    """Pair what converts each frame of a video with the time until which it is on the screen."""
    with open_track(path, "video") as track:
        for frame, until in _shown(track.frames(report), track.origin, track.frame_period):
            yield partial(to_rgb, frame), until


def _shown(frames: Iterable[Any], origin: float, period: float) -> Iterator[tuple[Any, float]]:
    """Pair each frame with the time until which it is on the screen."""
    held, begin = None, -period
    for frame in frames:
        # Raw streams have no time stamps; some AVI files have them out of order.
        time = begin + period if frame.time is None else max(frame.time - origin, begin)
        if held is not None:
            yield held, time
        held, begin = frame, time
    if held is not None:
        lasts = float(held.duration * held.time_base) if held.duration else period
        yield held, begin + lasts


def _half(pixels: np.ndarray, side: Side | None) -> np.ndarray:
    middle = pixels.shape[1] // 2
    if side is None:
        return pixels
    return np.ascontiguousarray(pixels[:, :middle] if side == "left" else pixels[:, middle:])


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
