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

from mien.errors import MienError
from mien.media import pictures
from mien.media.notes import Report
from mien.media.rgb import to_rgb
from mien.media.sound import read_audio
from mien.media.streams import has_audio, has_video
from mien.media.track import open_track
from mien.utterance import RATE, Clip, Side, Utterance

__all__ = [
    "FRAME_INTERVAL",
    "Span",
    "decode",
    "has_audio",
    "has_video",
    "read_audio",
    "read_frames",
]

FRAME_INTERVAL = 0.5
"""Seconds from one sampled frame to the next, as published (Dai et al. 2021)."""

Span = tuple[float, float | None]

# Some containers round times to a millisecond, so a frame counts as shown that much early.
_TOLERANCE = 1e-3


def read_frames(
    path: Path,
    spans: Sequence[Span],
    *,
    interval: float = FRAME_INTERVAL,
    rate: float | None = None,
    side: Sequence[Side | None] | None = None,
    report: Report = warnings.warn,
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
