"""One stream of a media file, decoded in order, past damage where there is some."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from mien.errors import MienError
from mien.media.notes import Damage, Report
from mien.media.streams import Kind, claimed_duration, find_stream, open_media

_CONTENT = {"video": "picture", "audio": "sound"}
# Files end a little before their header says as a matter of course; later than this is damage.
_SHORTFALL = 1.0


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
