"""What a transcript is made of: cues, and the lines that its file has for each of them."""

from dataclasses import dataclass
from typing import NamedTuple

LATEST = 1e7
"""Seconds, some 115 days: a later time is a fault of the file."""


@dataclass(frozen=True)
class Cue:
    """Some words and when they are said, in seconds; without times they go for the whole clip.

    `speaker` is who says them, where the transcript names somebody; several are joined by commas.
    """

    text: str
    start: float | None = None
    end: float | None = None
    speaker: str | None = None


class Transcript(NamedTuple):
    """The cues of a transcript in order of time, and notes on what was left out of it."""

    cues: list[Cue]
    notes: list[str]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a file says at one place, before it is made a cue.

    Parameters
    ----------
    lines : list of str
        Without tags; some may be empty.
    start, end : float or None
        Seconds. None: the words have no times.
    speakers : tuple of str
        Whom the format itself names.
    place : str
        As the file writes the times, for messages.
    fault : str
        Why it can't be used; empty where it can.
    """

    lines: list[str]
    start: float | None = None
    end: float | None = None
    speakers: tuple[str, ...] = ()
    place: str = ""
    fault: str = ""

    @property
    def words(self) -> list[str]:
        """All words of its lines."""
        return " ".join(self.lines).split()


def timed(
    lines: list[str],
    start: float | None,
    end: float | None,
    place: str,
    speakers: tuple[str, ...] = (),
) -> Entry:
    """Make an entry with times, at fault where these make no sense; None is one not readable."""
    fault = ""
    if start is None or end is None or not (0 <= start <= LATEST and 0 <= end <= LATEST):
        fault = "its times can't be read"
    elif end < start:
        fault = "it ends before it begins"
    elif end == start:
        fault = "it has no length"
    return Entry(lines=lines, start=start, end=end, speakers=speakers, place=place, fault=fault)
