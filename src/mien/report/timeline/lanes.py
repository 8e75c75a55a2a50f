"""The segments of a timeline by speaker, in lanes where none covers another."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mien.inference.answered import speakers_of
from mien.inference.timeline import Timeline, TimelineSegment
from mien.report.timeline.plain_text import plain_text

UNKNOWN = "unknown speaker"
"""Stands for the speaker of segments that have none."""


@dataclass(frozen=True)
class Stretch:
    """A segment with its times in whole milliseconds, the end after the start."""

    start: int
    end: int
    segment: TimelineSegment


def stretch(segment: TimelineSegment) -> Stretch:
    """Round the times of a segment; one without length gets a millisecond."""
    start = max(round(segment.start * 1000), 0)
    return Stretch(start, max(round(segment.end * 1000), start + 1), segment)


def lanes(timeline: Timeline) -> dict[str, list[TimelineSegment]]:
    """Group segments by the name of the speaker, by when they first speak; unknown ones last."""
    found: dict[str, list[TimelineSegment]] = {}
    for speaker, own in speakers_of(timeline.segments).items():
        found[distinct_name(speaker, found)] = own
    if unknown := [segment for segment in timeline.segments if segment.speaker is None]:
        found[distinct_name(UNKNOWN, found)] = unknown
    return found


@dataclass(frozen=True)
class Tier:
    """A tier of annotation: its name, whose it is, and segments that don't overlap."""

    name: str
    speaker: str
    row: list[Stretch]


def tiers(timeline: Timeline) -> list[Tier]:
    """Make a tier for each speaker, and more, which are numbered, where their segments overlap."""
    by_name, found = lanes(timeline), dict[str, Tier]()
    for speaker, segments in by_name.items():
        for number, row in enumerate(_rows(segments)):
            name = speaker if number == 0 else distinct_name(speaker, {*by_name, *found})
            found[name] = Tier(name, speaker, row)
    return list(found.values())


def distinct_name(name: str, taken: Collection[str]) -> str:
    """Give a name of one line that is not taken: if need be with a number behind it.

    Examples
    --------
    >>> distinct_name("Anna", ["Anna", "Ben"])
    'Anna (2)'
    """
    plain = plain_text(name) or UNKNOWN
    count, chosen = 1, plain
    while chosen in taken:
        count += 1
        chosen = f"{plain} ({count})"
    return chosen


def _rows(segments: Sequence[TimelineSegment]) -> list[list[Stretch]]:
    """Lay segments into as few rows as it takes for none to cover another, so that none is cut."""
    found: list[list[Stretch]] = []
    for one in sorted(map(stretch, segments), key=lambda one: (one.start, one.end)):
        for row in found:
            if row[-1].end <= one.start:
                row.append(one)
                break
        else:
            found.append([one])
    return found
