"""Timestamps of a file, corrected for joined recordings, stray values, gaps and broken clocks.

A first pass reads the timestamps of all packets and decodes nothing. Its corrections are the same
for video and audio, so that they stay in step whichever of them is read.
"""

import math
from array import array
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import av
import numpy as np

from mien.media.limits import MAX_GAP_SECONDS, MAX_STILL_SECONDS
from mien.media.notes import Damage, Note
from mien.media.streams import demux, find_streams, open_media
from mien.utterance import Media, MediaBytes

# Timestamps this much before the last ones (s) begin another recording. Real ones jitter by less.
_BACK = 0.5
# A timestamp this far from the last one (s) is a stray if the next ones are near it again.
_STRAY = 1.0
# Strays that may follow each other.
_STRAYS = 3
# Frames that a decoder may reorder.
_REORDERED = 16
# Seconds without a packet that count as a gap of a track.
_GAP = 1.0


@dataclass(frozen=True)
class StreamTimestamps:
    """How to correct the timestamps of the packets of one stream.

    Parameters
    ----------
    shifts : tuple of (int, float)
        From which packet on, counted from 0, how many seconds are added to its timestamp, so
        that it counts from the beginning of the file. At least one.
    strays : frozenset of int
        Packets with a stray timestamp; they are placed after the packet before.
    stop : int or None
        The first packet that is not used.
    end : float
        Seconds from the beginning of the file to the end of the last packet that is used.
    packets : int
        Number of packets in all.
    notes : tuple of Note
        What was corrected.
    """

    shifts: tuple[tuple[int, float], ...] = ((0, 0.0),)
    strays: frozenset[int] = frozenset()
    stop: int | None = None
    end: float = math.inf
    packets: int = 0
    notes: tuple[Note, ...] = ()

    @property
    def unchanged(self) -> bool:
        """Whether the timestamps need no correction."""
        return len(self.shifts) == 1 and not self.strays and self.stop is None

    def shift(self, packet: int) -> float:
        """Return the seconds to add to the timestamp of a packet; NaN for a stray."""
        if packet in self.strays:
            return math.nan
        return self.shifts[bisect_right(self.shifts, packet, key=lambda s: s[0]) - 1][1]


@dataclass(frozen=True)
class FileTimestamps:
    """The corrected timestamps of a file.

    Parameters
    ----------
    streams : dict of int to StreamTimestamps
        By index of the stream; the video and audio streams that are used.
    end : float or None
        Seconds to the end of the last packet of any stream, subtitles included. None: the file has
        no timestamps.
    """

    streams: dict[int, StreamTimestamps]
    end: float | None


@dataclass
class _Stamps:
    """The raw timestamps of one stream (s), NaN for none, and the positions of its packets."""

    pts: "array[float]" = field(default_factory=lambda: array("d"))
    dts: "array[float]" = field(default_factory=lambda: array("d"))
    lasts: "array[float]" = field(default_factory=lambda: array("d"))
    position: "array[int]" = field(default_factory=lambda: array("q"))

    def add(self, packet: Any, position: int) -> None:
        tick = float(packet.time_base or 0)
        self.pts.append(math.nan if packet.pts is None else packet.pts * tick)
        self.dts.append(math.nan if packet.dts is None else packet.dts * tick)
        self.lasts.append(min((packet.duration or 0) * tick, MAX_STILL_SECONDS))
        self.position.append(position)


_IN_MEMORY: WeakKeyDictionary[MediaBytes, FileTimestamps] = WeakKeyDictionary()
"""Timestamps of files in memory, for as long as these are referenced."""


def read_timestamps(path: Media) -> FileTimestamps:
    """Read the timestamps of a file; cached until the file changes or is no longer in memory.

    Raises
    ------
    MienError
        The file cannot be read.
    """
    if isinstance(path, MediaBytes):
        if path not in _IN_MEMORY:
            _IN_MEMORY[path] = _read(path)
        return _IN_MEMORY[path]
    try:
        state = path.stat()
    except OSError:
        return _read_file(path, 0, 0)
    return _read_file(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=8)
def _read_file(path: Path, _size: int, _changed: int) -> FileTimestamps:
    return _read(path)


def _read(path: Media) -> FileTimestamps:
    with open_media(path) as container:
        stamps = _scan(container)
        origin = None if container.start_time is None else container.start_time / av.time_base
        kinds = [find_streams(container, kind)[:1] for kind in ("video", "audio")]
        followed = {s.index: stamps[s.index] for kind in kinds for s in kind if s.index in stamps}
        ends = [_end(stream) for stream in stamps.values()]
    end = max((end for end in ends if not math.isnan(end)), default=None)
    return FileTimestamps(
        streams=_align(path, followed, origin),
        end=None if end is None else end - (origin or 0.0),
    )


def _scan(container: Any) -> dict[int, _Stamps]:
    stamps: dict[int, _Stamps] = defaultdict(_Stamps)
    try:
        for position, packet in enumerate(demux(container)):
            if packet.size:
                stamps[packet.stream.index].add(packet, position)
    except av.FFmpegError:
        # Decoding meets the same fault, and reports it.
        return stamps
    return stamps


def _end(stamps: _Stamps) -> float:
    ends = _times(stamps) + np.asarray(stamps.lasts)
    return float(np.nanmax(ends)) if np.isfinite(ends).any() else math.nan


def _times(stamps: _Stamps) -> np.ndarray:
    pts, dts = np.asarray(stamps.pts), np.asarray(stamps.dts)
    return np.where(np.isnan(pts), dts, pts)


@dataclass
class _Stream:
    """One stream while its corrections are worked out."""

    stamps: _Stamps
    strays: list[int]
    recordings: list[tuple[int, int]]
    """The first packet and the number of each recording in it."""

    def __post_init__(self) -> None:
        self.times = _times(self.stamps)
        self.times[self.strays] = math.nan
        self.ends = self.times + np.asarray(self.stamps.lasts)
        self.shifts: list[tuple[int, float]] = []
        self.notes: list[Note] = []
        self.stop: int | None = None
        self.end = 0.0
        self.empty = 0.0

    def packets(self, recording: int) -> slice:
        """Return the packets that belong to a recording."""
        firsts = [first for first, _ in self.recordings]
        for (first, number), following in zip(self.recordings, [*firsts[1:], None], strict=True):
            if number == recording and self.stop is None:
                return slice(first, following)
        return slice(0, 0)

    def place(self, packets: slice, begin: float, shift: float, path: Media) -> None:
        """Place the packets of a recording that begins at `begin`, up to a jump in time."""
        times, ends = self.times[packets] + shift, self.ends[packets] + shift
        used = np.flatnonzero(~np.isnan(times))
        if not len(times):
            return
        self.shifts.append((packets.start, shift))
        if not len(used):
            return
        before = np.maximum.accumulate(np.concatenate([[max(begin, self.end)], ends[used][:-1]]))
        gaps = times[used] - before
        empty = self.empty + np.cumsum(np.where(gaps > _GAP, gaps, 0.0))
        beyond = np.flatnonzero(empty > MAX_GAP_SECONDS)
        if len(beyond):
            first = int(beyond[0])
            self.stop = packets.start + int(used[first])
            hours = gaps[first] / 3600
            why = f"its timestamps jump by {hours:.3g} hours; what follows is left out"
            self.notes.append(Damage(path, float(before[first]), why, "timestamps jump"))
            used, empty = used[:first], empty[:first]
        if len(used):
            self.end = max(self.end, float(ends[used].max()))
            self.empty = float(empty[-1])

    def timestamps(self, path: Media) -> StreamTimestamps:
        if self.strays:
            first = self.strays[0]
            known = self.times[:first][~np.isnan(self.times[:first])]
            at = max(float(known[-1]) + self.shifts[0][1], 0.0) if len(known) else 0.0
            unit = "timestamp" if len(self.strays) == 1 else "timestamps"
            what = f"{len(self.strays)} {unit} after {at:.2f} s far off and ignored"
            self.notes.append(Note(path, at, "stray timestamps", what))
        return StreamTimestamps(
            shifts=tuple(self.shifts) or ((0, 0.0),),
            strays=frozenset(self.strays),
            stop=self.stop,
            end=self.end,
            packets=len(self.times),
            notes=tuple(self.notes),
        )


def _align(
    path: Media, followed: dict[int, _Stamps], origin: float | None
) -> dict[int, StreamTimestamps]:
    """Place the recordings in a file one after the other, all streams together."""
    found = {index: _irregular(stamps) for index, stamps in followed.items()}
    joins = {index: (followed[index], packets) for index, (_, packets) in found.items()}
    recordings = _recordings(joins)
    streams = {
        index: _Stream(stamps, found[index][0], recordings[index])
        for index, stamps in followed.items()
    }
    begin = 0.0
    for recording in range(1 + max((p[-1][1] for p in recordings.values()), default=0)):
        packets = {index: stream.packets(recording) for index, stream in streams.items()}
        known = [stream.times[packets[index]] for index, stream in streams.items()]
        known = [times[~np.isnan(times)] for times in known]
        start = min((float(times.min()) for times in known if len(times)), default=0.0)
        if recording == 0 and origin is not None and -1 <= start - origin <= MAX_GAP_SECONDS:
            start = origin
        for index, stream in streams.items():
            if recording and packets[index].stop != 0:
                what = f"timestamps go back at {begin:.2f} s: taken for an appended recording"
                stream.notes.append(Note(path, begin, "recordings joined", what))
            stream.place(packets[index], begin, begin - start, path)
        begin = max([begin, *(stream.end for stream in streams.values())])
    return {index: stream.timestamps(path) for index, stream in streams.items()}


def _recordings(joins: dict[int, tuple[_Stamps, list[int]]]) -> dict[int, list[tuple[int, int]]]:
    """Assign numbers to the recordings in a file, the same in all streams.

    Where one stream goes back in time, another that goes back next has come to the same recording.
    """
    events = sorted(
        (stamps.position[packet], index, packet)
        for index, (stamps, packets) in joins.items()
        for packet in packets
    )
    recordings = {index: [(0, 0)] for index in joins}
    latest = 0
    for _, index, packet in events:
        latest = max(latest, recordings[index][-1][1] + 1)
        recordings[index].append((packet, latest))
    return recordings


def _irregular(stamps: _Stamps) -> tuple[list[int], list[int]]:
    """Find the packets with stray timestamps, and those from which time goes back for good."""
    pts, dts = np.asarray(stamps.pts), np.asarray(stamps.dts)
    ordered = np.where(np.isnan(dts), pts, dts)
    steps = np.abs(np.diff(ordered))
    usual = float(np.nanmedian(steps)) if np.isfinite(steps).any() else 0.0
    reach = max(_STRAY, _REORDERED * usual)
    back = _BACK if np.isfinite(dts).any() else reach
    strays, joins = _find_breaks(ordered.tolist(), reach, back)
    ahead = np.flatnonzero(np.abs(pts - dts) > reach)
    return sorted({*strays, *ahead.tolist()}), joins


def _find_breaks(clock: list[float], reach: float, back: float) -> tuple[list[int], list[int]]:
    strays: list[int] = []
    joins: list[int] = []
    last, number, begun = math.nan, 0, 0
    while number < len(clock):
        now = clock[number]
        if now - last > reach or now - last < -back:
            following = range(number + 1, min(number + 1 + _STRAYS, len(clock)))
            again = next((n for n in following if -back <= clock[n] - last <= reach), None)
            if again is not None:
                strays += range(number, again)
                number = again
                continue
            if now < last:
                if number - begun > _STRAYS:
                    joins.append(number)
                else:
                    # So few packets are not a recording.
                    strays += range(begun, number)
                    joins[-1:] = [number] if joins else []
                begun = number
        last = last if math.isnan(now) else now
        number += 1
    return strays, joins
