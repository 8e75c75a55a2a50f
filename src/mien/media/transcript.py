"""Words with their times: SubRip (.srt) and WebVTT (.vtt) files, or plain text without times."""

import html
import re
from dataclasses import dataclass
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
    cues = []
    for block in re.split(r"\n\s*\n", content.replace("\r\n", "\n")):
        lines = block.strip().split("\n")
        at = next((i for i, line in enumerate(lines) if "-->" in line), None)
        if at is None:
            continue
        times = TIMES.search(lines[at])
        if times is None:
            raise MienError(f"{path}: the times {lines[at]!r} can't be read")
        start, end = (_seconds(time) for time in times.groups())
        if end <= start:
            raise MienError(f"{path}: the cue {lines[at]!r} ends before it begins")
        words = html.unescape(re.sub(r"<[^>]*>", "", " ".join(lines[at + 1 :])))
        cues.append(Cue(" ".join(words.split()), start, end))
    return cues


def _seconds(time: str) -> float:
    parts = [float(part) for part in time.replace(",", ".").split(":")]
    return sum(part * 60**power for power, part in enumerate(reversed(parts)))
