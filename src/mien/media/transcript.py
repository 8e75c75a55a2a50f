"""Words with their times: SubRip (.srt) and WebVTT (.vtt) files, or plain text without times."""

import html
import re
from dataclasses import dataclass
from itertools import pairwise, takewhile
from pathlib import Path

from mien.errors import MienError

TIME = r"((?:\d+:)?\d+:\d+(?:[.,]\d+)?)"
TIMES = re.compile(rf"{TIME}\s*-->\s*{TIME}")


@dataclass(frozen=True)
class Cue:
    """Some words and when they are said, in seconds; without times they go for the whole clip."""

    text: str
    start: float | None = None
    end: float | None = None


def read_transcript(path: str | Path) -> list[Cue]:
    """Read a transcript.

    Raises
    ------
    MienError
        The file can't be read as text, holds no words, or has times that make no sense.
    """
    path = Path(path)
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MienError(f"{path} can't be read as UTF-8 text: {error}") from error
    timed = path.suffix.lower() in (".srt", ".vtt")
    cues = _cues(path, content) if timed else [Cue(" ".join(content.split()))]
    cues = sorted((cue for cue in cues if cue.text), key=lambda cue: cue.start or 0.0)
    if not cues:
        raise MienError(f"{path} holds no words")
    return cues


def _cues(path: Path, content: str) -> list[Cue]:
    """Read cues, each from its line of times to the next one's."""
    lines = [line.strip() for line in content.split("\n")]
    if path.suffix.lower() == ".srt":  # where a blank line may stand anywhere
        lines = list(filter(None, lines))
    timed = [i for i, line in enumerate(lines) if "-->" in line]
    counters = _counters(lines, timed)
    cues = []
    for at, following in pairwise([*timed, len(lines)]):
        start, end = _times(path, lines[at])
        said = [lines[i] for i in range(at + 1, following) if i not in counters]
        # after a blank line come the notes and the names of cues that WebVTT has
        words = html.unescape(re.sub(r"<[^>]*>", "", " ".join(takewhile(bool, said))))
        cues.append(Cue(" ".join(words.split()), start, end))
    return cues


def _counters(lines: list[str], timed: list[int]) -> set[int]:
    """Find the lines that number the cues; without numbers, a number above a cue is a word."""
    above = [at - 1 for at in timed]
    if not above or above[0] < 0 or not lines[above[0]].isdecimal():
        return set()
    return {at for at in above if lines[at].isdecimal()}


def _times(path: Path, line: str) -> tuple[float, float]:
    times = TIMES.search(line)
    if times is None:
        raise MienError(f"{path}: the times {line!r} can't be read")
    start, end = (_seconds(time) for time in times.groups())
    if end <= start:
        raise MienError(f"{path}: the cue {line!r} ends before it begins")
    return start, end


def _seconds(time: str) -> float:
    parts = [float(part) for part in time.replace(",", ".").split(":")]
    return sum(part * 60**power for power, part in enumerate(reversed(parts)))
