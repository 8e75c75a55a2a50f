"""One stream of a media file, decoded in order, past damage where there is some."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import isnan
from typing import Any, Literal

import av

from mien.errors import MienError
from mien.media.appended_recording import note_appended
from mien.media.limits import MAX_PIXELS
from mien.media.mp3_header import stated_seconds
from mien.media.notes import Damage, Note, Reporter
from mien.media.rgb import HDR
from mien.media.streams import Kind, demux, find_streams, limit_fault, open_media
from mien.media.timestamps import FileTimestamps, StreamTimestamps, read_timestamps
from mien.utterance import Media, MediaBytes

# Files often end a little before their header says; more than this (s) is damage.
_SHORTFALL = 1.0
# Formats without a stated duration: an estimate from the size of the file tells nothing of damage.
_ESTIMATED = {"aac", "ac3", "amr", "dts", "eac3", "loas", "mpeg", "mpegts"}
# A WAV that is written to a pipe can't know its size and states about the greatest that there is.
_PIPED = 0x7FFF0000
# Streams without a container: frames have no timestamps, but their headers may name a rate.
_RAW = {"av1", "dirac", "h263", "h264", "hevc", "m4v", "mjpeg", "mpegvideo", "obu", "vc1", "vvc"}
# Packets before a join that may look incomplete.
_AT_JOIN = 3
# Frames per second where nothing is known, and the bounds of what is believed.
_USUAL_RATE = 25.0
_RATES = (0.1, 1000.0)


@dataclass(frozen=True)
class Track:
    """The video or the audio of an open file."""

    path: Media
    kind: Kind
    container: Any
    stream: Any
    others: int
    """Other streams of the same kind."""
    file_timestamps: FileTimestamps

    @property
    def timestamps(self) -> StreamTimestamps:
        """The corrections of this stream's timestamps."""
        return self.file_timestamps.streams.get(self.stream.index, StreamTimestamps())

    @property
    def audio_end(self) -> float:
        """Seconds from the beginning of the file to the end of its audio; 0 where it has none."""
        audio = find_streams(self.container, "audio")
        stamps = self.file_timestamps.streams.get(audio[0].index) if audio else None
        return stamps.end if stamps else 0.0

    @property
    def frame_period(self) -> float:
        """Seconds that a frame stays on the screen, where the frame itself does not say."""
        return 1 / (self._rate or _USUAL_RATE)

    @property
    def _rate(self) -> float | None:
        rate = self.stream.codec_context.framerate
        if not self._raw:
            rate = self.stream.average_rate or self.stream.guessed_rate or rate
        return float(rate) if rate and _RATES[0] <= rate <= _RATES[1] else None

    @property
    def _raw(self) -> bool:
        return self.container.format.name in _RAW

    def frames(self, report: Reporter) -> Iterator[tuple[float | None, Any]]:
        """Yield every frame that can be decoded; report notes, and the first damage.

        Yields
        ------
        tuple of (float or None, frame)
            Seconds from the beginning of the file, None where it does not say; and the frame.

        Raises
        ------
        MienError
            No frame can be decoded.
        """
        for note in self._notes():
            report(note)
        last: float | None = None
        why: str | None = None
        end, reported = 0.0, False
        for item in self._attempts():
            if isinstance(item, str):
                why = why or item
            else:
                time, frame = item
                if last is None and self.kind == "video" and frame.color_trc in HDR:
                    curve = HDR[frame.color_trc]
                    what = f"is of high dynamic range ({curve}); it is mapped to the standard range"
                    report(Note(self.path, None, "high dynamic range", what))
                last = (last or 0.0) if time is None else time
                end = max(end, last + _lasts(frame))
                yield time, frame
            if why and last is not None and not reported:
                reported = True
                report(Damage(self.path, max(last, 0.0), why))
        if last is None:
            what = f"no {self.kind} in it can be decoded ({self._nothing(why)})"
            raise MienError(f"{self.path}: {what}")
        stated = self._stated_seconds()
        if not reported and stated is not None and end + _SHORTFALL < stated:
            report(Damage(self.path, end, f"it ends there but should last {stated:.2f} s"))

    def _notes(self) -> Iterator[Note]:
        """Yield what is odd about the file before anything is decoded."""
        if self.others:
            what = f"has {self.others + 1} {self.kind} streams; number {self.stream.index} is used"
            yield Note(self.path, None, f"several {self.kind} streams", what)
        if self.kind == "video" and self._raw and self._rate is None:
            what = f"does not state its frame rate: {_USUAL_RATE:g} frames a second are assumed"
            yield Note(self.path, None, "frame rate assumed", what)
        if note := note_appended(self.path, self.container.format.name):
            yield note
        yield from self.timestamps.notes

    def _attempts(self) -> Iterator[Any]:
        """Yield frames, and faults as text: one bad packet does not end the recording."""
        number, first = -1, self.timestamps.shifts[0][1]
        try:
            for packet in demux(self.container, self.stream):
                number += packet.size > 0
                if packet.size and number == self.timestamps.stop:
                    return
                if packet.is_corrupt and not self._harmless(number):
                    yield "data cut short"
                self._correct(packet, number)
                try:
                    for frame in packet.decode():
                        if frame.is_corrupt:
                            yield "data missing"
                        yield None if frame.time is None else frame.time + first, frame
                except av.FFmpegError as error:
                    yield error.strerror or "broken data"
        except av.FFmpegError as error:
            yield error.strerror or "broken data"

    def _correct(self, packet: Any, number: int) -> None:
        """Shift the timestamps of a packet to the first recording; remove stray ones."""
        shift, first = self.timestamps.shift(number), self.timestamps.shifts[0][1]
        if isnan(shift):
            packet.pts = packet.dts = None
        elif shift != first:
            ticks = round((shift - first) / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks

    def _harmless(self, number: int) -> bool:
        """Whether a packet that FFmpeg takes for incomplete is no damage.

        That is the end of a recording to which another was appended, or of a file that can't state
        its size.
        """
        timestamps = self.timestamps
        if any(number < first <= number + _AT_JOIN for first, _ in timestamps.shifts):
            return True
        return number + 1 == timestamps.packets and self._piped

    @property
    def _piped(self) -> bool:
        """Whether the file was written without knowing how long it would be."""
        name = self.container.format.name
        if name == "wav":
            size = _data_size(self.path)
            return size == 0 or size >= _PIPED
        seconds = float((self.stream.duration or 0) * (self.stream.time_base or 0))
        bytes_a_second = (self.stream.codec_context.bit_rate or 0) / 8
        return name in ("aiff", "au") and seconds * bytes_a_second >= _PIPED

    def _stated_seconds(self) -> float | None:
        """Return the duration that a file states, None where it can't be relied on."""
        name = self.container.format.name
        if not self.timestamps.unchanged or self._piped:
            return None
        if name == "mp3":  # FFmpeg does not tell a stated duration from its own estimate
            return stated_seconds(self.path)
        if name in _ESTIMATED | _RAW:
            return None
        if self.stream.duration is not None and "matroska" not in name:
            return float(self.stream.duration * (self.stream.time_base or 0))
        # This is the duration of the longest stream, of which the others may fall short.
        longest = self.container.duration and self.container.duration / av.time_base
        end = self.file_timestamps.end
        return longest if end is not None and longest and end + _SHORTFALL < longest else None

    def _nothing(self, why: str | None) -> str:
        if self.timestamps.stop == 0:
            return "its timestamps are hours after the beginning"
        if self.kind == "video" and not self.stream.codec_context.width:
            return f"its frames have no size, or more than {MAX_PIXELS} pixels"
        return why or "it is empty"


def _data_size(path: Media) -> int:
    """Read the size of the samples that a WAV states; FFmpeg tells how many there are."""
    with path.open() if isinstance(path, MediaBytes) else path.open("rb") as file:
        order: Literal["big", "little"] = "big" if file.read(12)[:4] == b"RIFX" else "little"
        while len(header := file.read(8)) == 8:
            size = int.from_bytes(header[4:], order)
            if header[:4] == b"data":
                return size
            file.seek(size + size % 2, 1)
    return 0


def _lasts(frame: Any) -> float:
    """Return the duration that a frame states for itself."""
    if frame.duration and frame.time_base:
        return float(frame.duration * frame.time_base)
    return frame.samples / frame.sample_rate if hasattr(frame, "samples") else 0.0


@contextmanager
def open_track(path: Media, kind: Kind) -> Iterator[Track]:
    """Open the video or the audio of a file; `MienError` where it has none that can be read."""
    with open_media(path) as container:
        streams = find_streams(container, kind)
        if not streams:
            raise MienError(f"{path}: holds no {kind}")
        stream, *others = streams
        fault = limit_fault(stream)
        if fault is not None:
            raise MienError(f"{path}: {fault}")
        # There is a process for each core; a decoder's own threads would only hold more frames.
        stream.codec_context.thread_count = 1
        if kind == "video":
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        stamps = FileTimestamps({}, None) if _is_image(container) else read_timestamps(path)
        yield Track(path, kind, container, stream, len(others), stamps)


def _is_image(container: Any) -> bool:
    name = container.format.name
    return name.endswith("_pipe") or name in ("image2", "ico")
