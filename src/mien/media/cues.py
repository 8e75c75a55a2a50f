"""Cues: timed passages of a transcript, as they are used and as a file has them."""

from dataclasses import dataclass
from typing import NamedTuple

from mien.utterance import MAX_TIME


@dataclass(frozen=True)
class Cue:
    """A passage of text and when it is spoken, in seconds; without times it is the whole clip.

    `speaker` is the name that the transcript gives, if any; several are joined by commas.
    """

    text: str
    start: float | None = None
    end: float | None = None
    speaker: str | None = None


class Transcript(NamedTuple):
    """The cues of a transcript in order of time, and notes on those that were left out."""

    cues: list[Cue]
    notes: list[str]


@dataclass(frozen=True, kw_only=True)
class RawCue:
    """A cue as a file has it, before speakers and repetitions are removed.

    Parameters
    ----------
    lines : list of str
        Without tags; some may be empty.
    start, end : float or None
        Seconds. None: the file has no times.
    speakers : tuple of str
        Names from a field of the format.
    place : str
        The times as the file writes them, for messages.
    fault : str
        Why the cue can't be used; empty where it can.
    """

    lines: list[str]
    start: float | None = None
    end: float | None = None
    speakers: tuple[str, ...] = ()
    place: str = ""
    fault: str = ""

    @property
    def words(self) -> list[str]:
        """All words of the lines."""
        return " ".join(self.lines).split()


def timed_cue(
    lines: list[str],
    start: float | None,
    end: float | None,
    place: str,
    speakers: tuple[str, ...] = (),
) -> RawCue:
    """Make a cue with times; it has a fault where these make no sense or, None, can't be read."""
    fault = ""
    if start is None or end is None or not (0 <= start <= MAX_TIME and 0 <= end <= MAX_TIME):
        fault = "its times can't be read"
    elif end < start:
        fault = "it ends before it begins"
    elif end == start:
        fault = "it has no length"
    return RawCue(lines=lines, start=start, end=end, speakers=speakers, place=place, fault=fault)
