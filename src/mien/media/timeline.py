"""What the time stamps of a file mean: joined recordings, stray stamps, holes, broken clocks.

A first pass reads the stamps of all packets and decodes nothing. What it finds holds for the
pictures and the sound alike, so that they stay in step whichever of them is read.
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

from mien.media.limits import LONGEST_HOLE, STANDS
from mien.media.notes import Damage, Note
from mien.media.streams import find_streams, open_media, packets_of
from mien.utterance import Media, MediaBytes

# Stamps this much before the last ones (s) begin another recording. Real ones jitter by less.
_BACK = 0.5
# A stamp this far from the last one (s) is a stray if the next ones are near the last one again.
_STRAY = 1.0
# Strays that may follow each other.
_STRAYS = 3
# Frames that a decoder may put into another order.
_REORDERED = 16
# Seconds between the ends of a track and what follows that count as a hole of it.
_HOLE = 1.0


@dataclass(frozen=True)
class Timeline:
    """The times of the packets of one stream.

    Parameters
    ----------
    shifts : tuple of (int, float)
        From which packet on, counted from 0, how many seconds are added to the stamps, so that
        they count from the beginning of the file. At least one.
    strays : frozenset of int
        Packets whose stamps mean nothing; they follow the one before.
    stop : int or None
        The first packet that is not used.
    end : float
        Seconds from the beginning of the file to the end of the last packet that is used.
    packets : int
        How many there are in all.
    notes : tuple of Note
        What was found.
    """

    shifts: tuple[tuple[int, float], ...] = ((0, 0.0),)
    strays: frozenset[int] = frozenset()
    stop: int | None = None
    end: float = math.inf
    packets: int = 0
    notes: tuple[Note, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether the stamps mean what they say."""
        return len(self.shifts) == 1 and not self.strays and self.stop is None

    def shift(self, packet: int) -> float:
        """Give the seconds to add to the stamps of a packet; NaN where they mean nothing."""
        if packet in self.strays:
            return math.nan
        return self.shifts[bisect_right(self.shifts, packet, key=lambda s: s[0]) - 1][1]


@dataclass(frozen=True)
class Clock:
    """The times of a file.

    Parameters
    ----------
    timelines : dict of int to Timeline
        By index of the stream; the streams of pictures and of sound that count.
    end : float or None
        Seconds to the end of the last packet of any stream, subtitles included. None: no stamps.
    """

    timelines: dict[int, Timeline]
    end: float | None


@dataclass
class _Stamps:
    """The stamps of one stream (s), NaN where there are none, and the places of its packets."""

    pts: "array[float]" = field(default_factory=lambda: array("d"))
    dts: "array[float]" = field(default_factory=lambda: array("d"))
    lasts: "array[float]" = field(default_factory=lambda: array("d"))
    place: "array[int]" = field(default_factory=lambda: array("q"))

    def add(self, packet: Any, place: int) -> None:
        tick = float(packet.time_base or 0)
        self.pts.append(math.nan if packet.pts is None else packet.pts * tick)
        self.dts.append(math.nan if packet.dts is None else packet.dts * tick)
        self.lasts.append(min((packet.duration or 0) * tick, STANDS))
        self.place.append(place)


_IN_MEMORY: WeakKeyDictionary[MediaBytes, Clock] = WeakKeyDictionary()
"""Clocks of files in memory, for as long as somebody holds these."""


def read_clock(path: Media) -> Clock:
    """Read the stamps of a file; kept for as long as the file does not change, or is in memory.

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
def _read_file(path: Path, _size: int, _changed: int) -> Clock:
    return _read(path)


def _read(path: Media) -> Clock:
    with open_media(path) as container:
        stamps = _scan(container)
        origin = None if container.start_time is None else container.start_time / av.time_base
        kinds = [find_streams(container, kind)[:1] for kind in ("video", "audio")]
        followed = {s.index: stamps[s.index] for kind in kinds for s in kind if s.index in stamps}
        ends = [_end(stream) for stream in stamps.values()]
    end = max((end for end in ends if not math.isnan(end)), default=None)
    return Clock(
        timelines=_timelines(path, followed, origin),
        end=None if end is None else end - (origin or 0.0),
    )


def _scan(container: Any) -> dict[int, _Stamps]:
    stamps: dict[int, _Stamps] = defaultdict(_Stamps)
    try:
        for place, packet in enumerate(packets_of(container)):
            if packet.size:
                stamps[packet.stream.index].add(packet, place)
    except av.FFmpegError:
        # Whoever decodes the file meets the fault again, and tells.
        return stamps
    return stamps


def _end(stamps: _Stamps) -> float:
    ends = _times(stamps) + np.asarray(stamps.lasts)
    return float(np.nanmax(ends)) if np.isfinite(ends).any() else math.nan


def _times(stamps: _Stamps) -> np.ndarray:
    pts, dts = np.asarray(stamps.pts), np.asarray(stamps.dts)
    return np.where(np.isnan(pts), dts, pts)


@dataclass
class _Line:
    """One stream while its timeline is worked out."""

    stamps: _Stamps
    strays: list[int]
    parts: list[tuple[int, int]]
    """The first packet and the number of each recording that it is part of."""

    def __post_init__(self) -> None:
        self.times = _times(self.stamps)
        self.times[self.strays] = math.nan
        self.ends = self.times + np.asarray(self.stamps.lasts)
        self.shifts: list[tuple[int, float]] = []
        self.notes: list[Note] = []
        self.stop: int | None = None
        self.end = 0.0
        self.empty = 0.0

    def packets(self, part: int) -> slice:
        """Give the packets that are part of a recording."""
        firsts = [first for first, _ in self.parts]
        for (first, number), following in zip(self.parts, [*firsts[1:], None], strict=True):
            if number == part and self.stop is None:
                return slice(first, following)
        return slice(0, 0)

    def lay(self, packets: slice, begin: float, shift: float, path: Media) -> None:
        """Give the packets of a recording that begins at `begin` their times, up to a jump."""
        times, ends = self.times[packets] + shift, self.ends[packets] + shift
        used = np.flatnonzero(~np.isnan(times))
        if not len(times):
            return
        self.shifts.append((packets.start, shift))
        if not len(used):
            return
        before = np.maximum.accumulate(np.concatenate([[max(begin, self.end)], ends[used][:-1]]))
        holes = times[used] - before
        empty = self.empty + np.cumsum(np.where(holes > _HOLE, holes, 0.0))
        beyond = np.flatnonzero(empty > LONGEST_HOLE)
        if len(beyond):
            first = int(beyond[0])
            self.stop = packets.start + int(used[first])
            hours = holes[first] / 3600
            why = f"its time stamps jump by {hours:.3g} hours; what follows is left out"
            self.notes.append(Damage(path, float(before[first]), why, "time stamps jump"))
            used, empty = used[:first], empty[:first]
        if len(used):
            self.end = max(self.end, float(ends[used].max()))
            self.empty = float(empty[-1])

    def timeline(self, path: Media) -> Timeline:
        if self.strays:
            first = self.strays[0]
            known = self.times[:first][~np.isnan(self.times[:first])]
            at = max(float(known[-1]) + self.shifts[0][1], 0.0) if len(known) else 0.0
            many = "time stamps" if len(self.strays) > 1 else "time stamp"
            what = f"{len(self.strays)} {many} after {at:.2f} s far off and not believed"
            self.notes.append(Note(path, at, "time stamps far off", what))
        return Timeline(
            shifts=tuple(self.shifts) or ((0, 0.0),),
            strays=frozenset(self.strays),
            stop=self.stop,
            end=self.end,
            packets=len(self.times),
            notes=tuple(self.notes),
        )


def _timelines(
    path: Media, followed: dict[int, _Stamps], origin: float | None
) -> dict[int, Timeline]:
    """Lay the recordings in a file one after the other, all streams together."""
    found = {index: _irregular(stamps) for index, stamps in followed.items()}
    parts = _parts({index: (followed[index], joins) for index, (_, joins) in found.items()})
    lines = {
        index: _Line(stamps, found[index][0], parts[index]) for index, stamps in followed.items()
    }
    begin = 0.0
    for part in range(1 + max((p[-1][1] for p in parts.values()), default=0)):
        pieces = {index: line.packets(part) for index, line in lines.items()}
        known = [line.times[pieces[index]] for index, line in lines.items()]
        known = [times[~np.isnan(times)] for times in known]
        start = min((float(times.min()) for times in known if len(times)), default=0.0)
        if part == 0 and origin is not None and -1 <= start - origin <= LONGEST_HOLE:
            start = origin
        for index, line in lines.items():
            if part and pieces[index].stop != 0:
                what = f"time stamps go back at {begin:.2f} s: taken for an appended recording"
                line.notes.append(Note(path, begin, "recordings joined", what))
            line.lay(pieces[index], begin, begin - start, path)
        begin = max([begin, *(line.end for line in lines.values())])
    return {index: line.timeline(path) for index, line in lines.items()}


def _parts(joins: dict[int, tuple[_Stamps, list[int]]]) -> dict[int, list[tuple[int, int]]]:
    """Count the recordings that follow each other in a file, the same in all streams.

    Where one stream goes back, another that goes back next has come to the same recording.
    """
    events = sorted(
        (stamps.place[packet], index, packet)
        for index, (stamps, packets) in joins.items()
        for packet in packets
    )
    parts = {index: [(0, 0)] for index in joins}
    latest = 0
    for _, index, packet in events:
        latest = max(latest, parts[index][-1][1] + 1)
        parts[index].append((packet, latest))
    return parts


def _irregular(stamps: _Stamps) -> tuple[list[int], list[int]]:
    """Find the packets whose stamps are strays, and those at which they go back for good."""
    pts, dts = np.asarray(stamps.pts), np.asarray(stamps.dts)
    ordered = np.where(np.isnan(dts), pts, dts)
    steps = np.abs(np.diff(ordered))
    usual = float(np.nanmedian(steps)) if np.isfinite(steps).any() else 0.0
    reach = max(_STRAY, _REORDERED * usual)
    back = _BACK if np.isfinite(dts).any() else reach
    strays, joins = _walk(ordered.tolist(), reach, back)
    ahead = np.flatnonzero(np.abs(pts - dts) > reach)
    return sorted({*strays, *ahead.tolist()}), joins


def _walk(clock: list[float], reach: float, back: float) -> tuple[list[int], list[int]]:
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
                    # So few packets are no recording of their own.
                    strays += range(begun, number)
                    joins[-1:] = [number] if joins else []
                begun = number
        last = last if math.isnan(now) else now
        number += 1
    return strays, joins
