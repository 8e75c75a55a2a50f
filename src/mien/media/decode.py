"""Video frames and audio of any media file, in one pass and in bounded memory."""

import heapq
import itertools
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from mien.errors import MienError
from mien.media.audio import read_audio
from mien.media.frames import video_frames
from mien.media.image_sequence import image_frames
from mien.media.limits import MAX_SECONDS, TOO_LONG, Span, clamp_span
from mien.media.notes import Note, Reporter
from mien.media.streams import has_audio, has_video
from mien.utterance import SAMPLE_RATE, Clip, Media, Side, Utterance

__all__ = ["FRAME_INTERVAL", "decode", "has_audio", "has_video", "read_audio", "read_frames"]

FRAME_INTERVAL = 0.5
"""Seconds from one sampled frame to the next, as published (Dai et al. 2021)."""

# Some containers round times to a millisecond, so a frame may be taken that much early.
_TOLERANCE = 1e-3
# Video often begins that much (s) after the audio; its first frame counts from the beginning.
_EARLY = 0.25


def read_frames(
    path: Media,
    spans: Sequence[Span],
    *,
    interval: float = FRAME_INTERVAL,
    rate: float | None = None,
    side: Sequence[Side | None] | None = None,
    max_seconds: float = MAX_SECONDS,
    report: Reporter = warnings.warn,
    ended: Callable[[float], object] | None = None,
) -> Iterator[tuple[int, float, np.ndarray]]:
    """Sample the frames of many spans of one video in a single pass.

    Each span gets the frame on the screen at its start, at start + interval, and so on before its
    end. There is none before the first frame, after the last, and once a frame has stayed longer
    than `mien.media.limits.MAX_STILL_SECONDS` and than the audio of the file.

    Frames are decoded in order and dropped where not wanted: seeking to each one is eight times
    slower. One frame is held at a time, whatever the length of the video.

    Parameters
    ----------
    path : Path or MediaBytes
        The video, or a single image; with `rate` a pattern of numbered images such as
        ``image_%d.jpg``.
    spans : sequence of (start, end)
        Seconds from the beginning of the file, in any order, overlapping or not. A negative start
        counts as 0; an end of None is the end of the video.
    interval : float
        Seconds between two frames of a span. A numbered image is never taken twice, however short
        the interval.
    rate : float, optional
        Images per second, where `path` is such a pattern.
    side : sequence of {"left", "right", None}, optional
        For each span, the half of a split-screen frame to keep. None: the whole frame.
    max_seconds : float
        Longest span that is used; what comes after is reported and left out.
    report : callable
        Receives a `Note` of what is odd, and a `Damage` where part of the file is unreadable; by
        default Python's warning.
    ended : callable, optional
        Receives the time, in seconds, at which the last frame goes off the screen, where the file
        ends before the spans do.

    Yields
    ------
    tuple of (int, float, array (H, W, 3) uint8)
        Index of the span, time in seconds, and the RGB image, in order of time. As long as the
        image, or its side, stays the same it is the same object: search it for faces once.

    Raises
    ------
    MienError
        The file is missing or unreadable, or holds no video.

    Examples
    --------
    >>> for span, time, image in read_frames(Path("talk.mp4"), [(0, 2), (1.2, None)]):
    ...     print(span, time, image.shape)  # doctest: +SKIP
    """
    if not interval > 0:
        raise MienError(f"the frame interval must be above 0 seconds, not {interval}")
    if rate is not None and not 0 < rate < math.inf:
        raise MienError(f"{path}: the rate must be above 0 images a second, not {rate:g}")
    step = interval if rate is None else max(interval, 1 / rate)
    bounds = [clamp_span(span, max_seconds) for span in spans]
    wanted = heapq.merge(*(_times(i, *bound, step) for i, bound in enumerate(bounds)))
    target = next(wanted, None)
    # Where the limit cuts a span short, go on to see whether there is more, which is reported.
    cut = min(
        (bound[1] for bound, (_, end) in zip(bounds, spans, strict=True) if bound[1] != end),
        default=None,
    )
    pattern = Path(str(path))  # numbered images are files on the disk
    frames = video_frames(path, report) if rate is None else image_frames(pattern, rate, report)
    early, until = _EARLY, 0.0
    latest: dict[Side | None, np.ndarray] = {}
    with closing(frames):
        for frame in frames:
            while target is not None and target[0] < frame.until - _TOLERANCE:
                time, index = target
                if time >= frame.begin - early:
                    view = side[index] if side else None
                    image = frame.image(view)
                    if image is not None:
                        before = latest.get(view)
                        if before is None or not np.array_equal(image, before):
                            latest[view] = image
                        yield index, time, latest[view]
                target = next(wanted, None)
            early, until = _TOLERANCE, frame.until
            if cut is not None and frame.until > cut + _TOLERANCE:
                what = f"is longer than {max_seconds:g} s, the most that is used of one utterance"
                report(Note(path, cut, TOO_LONG, what))
                cut = None
            if target is None and cut is None:
                return
        if ended is not None:
            ended(until)


def decode(
    utterance: Utterance,
    frame_interval: float = FRAME_INTERVAL,
    max_seconds: float = MAX_SECONDS,
) -> Clip:
    """Decode the video and the audio of one utterance.

    Parameters
    ----------
    utterance : Utterance
        Names the media files.
    frame_interval : float
        Seconds between two frames.
    max_seconds : float
        Longest stretch that is used where the utterance has no end.

    Returns
    -------
    Clip
        All frames are in memory at once: meant for one clip, not for a corpus.

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
            utterance.video,
            [span],
            interval=frame_interval,
            rate=utterance.video_rate,
            side=sides,
            max_seconds=max_seconds,
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
            max_seconds=max_seconds,
        )
    if len({frame.shape for frame in frames}) > 1:
        raise MienError(
            f"{utterance.video}: changes its frame size half-way; convert it to one size"
        )
    return Clip(
        frames=np.stack(frames) if frames else None,
        times=np.array(times, np.float32) if frames else None,
        waveform=wave.astype(np.float32) / 32768 if len(wave) else None,
        rate=SAMPLE_RATE if len(wave) else None,
        text=utterance.text,
    )


def _times(index: int, start: float, end: float, interval: float) -> Iterator[tuple[float, int]]:
    for step in itertools.count():
        time = start + step * interval
        # Sums of decimal fractions miss a round end by a rounding error.
        if time > end - 1e-6:
            return
        yield time, index
