"""One stream of a media file, decoded in order, past damage where there is some."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np

from mien.errors import MienError

Kind = Literal["video", "audio"]

_CONTENT = {"video": "picture", "audio": "sound"}
# Files end a little before their header says as a matter of course; later than this is damage.
_SHORTFALL = 1.0


class Damage(UserWarning):
    """Part of a media file cannot be read; what could be read is used.

    Attributes
    ----------
    at : float
        Seconds from the beginning of the file to where the damage was met.
    """

    def __init__(self, path: Path, at: float, why: str) -> None:
        super().__init__(f"{path}: damaged at {at:.2f} s ({why}); the rest of it is used")
        self.at = at


Report = Callable[[Damage], object]


@dataclass(frozen=True)
class Track:
    """The pictures or the sound of an open file."""

    path: Path
    kind: Kind
    container: Any
    stream: Any

    @property
    def origin(self) -> float:
        """Time stamp of the file's beginning: broadcast formats do not start at zero."""
        return (self.container.start_time or 0) / av.time_base

    @property
    def frame_period(self) -> float:
        """Seconds that a picture stays, where the picture itself does not say."""
        return 1 / float(self.stream.average_rate or self.stream.guessed_rate or 25)

    def frames(self, report: Report) -> Iterator[Any]:
        """Yield every frame that can be decoded; report the first damage.

        Raises
        ------
        MienError
            There is none.
        """
        last: float | None = None
        why: str | None = None
        reported = False
        for item in self._attempts():
            if isinstance(item, str):
                why = why or item
            else:
                last = (last or 0.0) if item.time is None else item.time - self.origin
                yield item
            if why and last is not None and not reported:
                reported = True
                report(Damage(self.path, last, why))
        if last is None:
            what = f"no {_CONTENT[self.kind]} in it can be decoded ({why or 'it is empty'})"
            raise MienError(f"{self.path}: {what}")
        claimed = self._claimed()
        if not reported and claimed is not None and last + _SHORTFALL < claimed:
            report(Damage(self.path, last, f"it ends there but should last {claimed:.2f} s"))

    def _attempts(self) -> Iterator[Any]:
        """Yield frames, and what is wrong as words: one bad packet does not end the recording."""
        try:
            for packet in self.container.demux(self.stream):
                if packet.is_corrupt:
                    yield "data cut short"
                try:
                    for frame in packet.decode():
                        if frame.is_corrupt:
                            yield "data missing"
                        yield frame
                except av.FFmpegError as error:
                    yield error.strerror or "broken data"
        except av.FFmpegError as error:
            yield error.strerror or "broken data"

    def _claimed(self) -> float | None:
        if self.stream.duration is not None:
            return float(self.stream.duration * self.stream.time_base)
        return claimed_duration(self.container)


@contextmanager
def open_track(path: Path, kind: Kind) -> Iterator[Track]:
    """Open the pictures or the sound of a file; `MienError` where it has none."""
    with open_media(path) as container:
        stream = find_stream(container, kind)
        if stream is None:
            raise MienError(f"{path}: holds no {_CONTENT[kind]}")
        # Preparing runs one process a core; a decoder's own threads would only hold more frames.
        stream.codec_context.thread_count = 1
        yield Track(path, kind, container, stream)


@contextmanager
def open_media(path: Path) -> Iterator[Any]:
    """Open a file with PyAV; `MienError` where it is missing or unreadable."""
    try:
        # "file:" keeps a colon in a name from being read as a protocol; the white list keeps a
        # playlist that poses as a clip from fetching anything over the network.
        container = av.open(
            f"file:{path}", metadata_errors="replace", options={"protocol_whitelist": "file"}
        )
    except FileNotFoundError:
        raise MienError(f"{path}: no such file") from None
    except (av.FFmpegError, OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise MienError(f"{path}: cannot be read as a media file ({why})") from error
    with container:
        yield container


def find_stream(container: Any, kind: Kind) -> Any:
    """Find the first stream of a kind that has a decoder; the cover of a song is no video."""
    cover = av.stream.Disposition.attached_pic
    for stream in container.streams:
        if stream.type == kind and stream.codec_context and not stream.disposition & cover:
            return stream
    return None


def claimed_duration(container: Any) -> float | None:
    """Give the length in seconds that a file claims, or None where it does not say."""
    return None if container.duration is None else container.duration / av.time_base


def to_rgb(frame: Any) -> np.ndarray:
    """Turn a frame of any pixel format into RGB, upright as the phone was held."""
    pixels = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))
