"""Frames of a video with the times at which they are on the screen."""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.media.limits import MAX_PIXELS_PER_BYTE, MAX_STILL_SECONDS, MAX_VIDEO_PIXELS
from mien.media.notes import Damage, Note, Reporter
from mien.media.rgb import to_rgb
from mien.media.streams import byte_size, media_errors
from mien.media.track import Track, open_track
from mien.utterance import Media, Side


@dataclass
class TimedFrame:
    """A frame and the times at which it is on the screen.

    Parameters
    ----------
    begin, until : float
        Seconds from the beginning of the file.
    to_pixels : callable
        Decodes the frame to an array (H, W, 3) uint8; None where that fails.
    """

    begin: float
    until: float
    to_pixels: Callable[[], np.ndarray | None]
    _views: dict[Side | None, np.ndarray | None] = field(default_factory=dict)

    def image(self, side: Side | None) -> np.ndarray | None:
        """Return the whole frame or one half of it, the same object each time."""
        if None not in self._views:
            self._views[None] = self.to_pixels()
        whole = self._views[None]
        if side not in self._views and whole is not None:
            middle = whole.shape[1] // 2
            half = whole[:, :middle] if side == "left" else whole[:, middle:]
            self._views[side] = np.ascontiguousarray(half)
        return self._views.get(side)


def video_frames(path: Media, report: Reporter) -> Generator[TimedFrame]:
    """Yield the frames of a video, each until the next one, but no longer than the limit.

    Parameters
    ----------
    path : Path or MediaBytes
        The file.
    report : callable
        Receives notes on what is odd about the file.

    Raises
    ------
    MienError
        The file holds no video.
    """
    with open_track(path, "video") as track:
        audio_end, reported = track.audio_end, False
        for frame, begin, until in _timed(_bounded(track, report), track.frame_period):
            longest = max(begin + MAX_STILL_SECONDS, audio_end)
            if until > longest and not reported:
                reported = True
                span = f"{begin:.2f} s to {until:.2f} s"
                what = f"shows one frame from {span}; {MAX_STILL_SECONDS:g} s are used"
                report(Note(path, longest, "still frame", what))
            convert = partial(_convert, track, frame, begin, report)
            yield TimedFrame(begin, min(until, longest), convert)


def _convert(track: Track, frame: Any, begin: float, report: Reporter) -> np.ndarray | None:
    try:
        with media_errors(track.path):
            return to_rgb(frame, track.stream.sample_aspect_ratio)
    except MienError as error:
        report(Damage(track.path, begin, str(error).removeprefix(f"{track.path}: ")))
        return None


def _bounded(track: Track, report: Reporter) -> Iterator[tuple[float | None, Any]]:
    """Yield the frames of a track, but no more than a file of its size can hold."""
    most = max(MAX_VIDEO_PIXELS, MAX_PIXELS_PER_BYTE * byte_size(track.path))
    pixels = 0
    for time, frame in track.frames(report):
        pixels += frame.width * frame.height
        if pixels > most:
            why = f"more than {most:.2g} pixels in a file of its size"
            report(Damage(track.path, time or 0.0, why, "more video than fits"))
            return
        yield time, frame


def _timed(
    frames: Iterable[tuple[float | None, Any]], period: float
) -> Iterator[tuple[Any, float, float]]:
    """Pair each frame with the times at which it appears and disappears."""
    held, begin = None, -period
    for stamp, frame in frames:
        # Raw streams have no timestamps; some AVI files have them out of order.
        time = begin + period if stamp is None else max(stamp, begin)
        if held is not None:
            yield held, begin, time
        held, begin = frame, time
    if held is not None:
        lasts = float(held.duration * held.time_base) if held.duration else period
        yield held, begin, begin + lasts
