"""Cues: timed passages of a transcript, as they are used and as a file has them."""

from dataclasses import dataclass, field

from mien.media.timed_words import TimedWord
from mien.utterance import MAX_TIME


@dataclass(frozen=True)
class Cue:
    """A passage of text and when it is spoken, in seconds; without times it is the whole clip.

    `speaker` is the name that the transcript gives, if any; several are joined by commas.
    `timed_words` are the words with their times, where these are known; otherwise it is empty.
    """

    text: str
    start: float | None = None
    end: float | None = None
    speaker: str | None = None
    timed_words: tuple[TimedWord, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Transcript:
    """What is said in a recording.

    Parameters
    ----------
    cues : list of Cue
        In order of time.
    notes : list of str
        On what was left out, and why.
    language : str or None
        Code of the language that is spoken, where it was told by the sound.
    """

    cues: list[Cue]
    notes: list[str] = field(default_factory=list)
    language: str | None = None


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
    timed_words : tuple of TimedWord or None
        The words with their times, where the file has them. None: it has, but they can't be read.
    """

    lines: list[str]
    start: float | None = None
    end: float | None = None
    speakers: tuple[str, ...] = ()
    place: str = ""
    fault: str = ""
    timed_words: tuple[TimedWord, ...] | None = ()

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
    timed_words: tuple[TimedWord, ...] | None = (),
) -> RawCue:
    """Make a cue with times; it has a fault where these make no sense or, None, can't be read."""
    fault = ""
    if start is None or end is None or not (0 <= start <= MAX_TIME and 0 <= end <= MAX_TIME):
        fault = "its times can't be read"
    elif end < start:
        fault = "it ends before it begins"
    elif end == start:
        fault = "it has no length"
    return RawCue(
        lines=lines,
        start=start,
        end=end,
        speakers=speakers,
        place=place,
        fault=fault,
        timed_words=timed_words,
    )
