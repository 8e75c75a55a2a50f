"""Parse CMU-MOSEI's text files: the transcripts, and the label tables."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mien.corpora.table import (
    RowError,
    cell_value,
    check_text,
    read_table,
    to_float,
    to_int,
)
from mien.utterance import MAX_SENTIMENT, MAX_TIME, Skipped

EMOTIONS = {
    "happiness": "happy",
    "sadness": "sad",
    "anger": "angry",
    "fear": "fearful",
    "disgust": "disgusted",
    "surprise": "surprised",
}
"""The six emotions by their names in the label tables."""

_LAST_CLIP = 10**6
_NUMBER = r"([-+]?\d++(?:\.\d*+)?(?:[eE][-+]?\d++)?)"
# The name of the video may contain underscores and the text anything: the numbers delimit them.
_LINE = re.compile(rf"(.+?)___(\d+)___{_NUMBER}___{_NUMBER}___(.*)")


@dataclass(frozen=True)
class ClipLine:
    """A line of a transcript, which describes a clip; times in seconds of the video."""

    video: str
    clip: int
    start: float
    end: float
    text: str

    @property
    def id(self) -> str:
        """The id of the utterance, as in the lists of the published splits."""
        return f"{self.video}_{self.clip}"


@dataclass
class Ratings:
    """The ratings of one clip by its annotators.

    Parameters
    ----------
    annotators : int
        Number of annotators, each with a row of the tables.
    strengths : dict of str to float
        The greatest strength, from 0 to 3, that any annotator gave to each rated emotion.
    sentiments : list of float
        From -3 to 3.
    """

    annotators: int = 0
    strengths: dict[str, float] = field(default_factory=dict)
    sentiments: list[float] = field(default_factory=list)

    def add(self, ratings: Mapping[str, float]) -> None:
        """Add the ratings of one annotator, by the names of the columns without "Answer."."""
        self.annotators += 1
        for name, word in EMOTIONS.items():
            if name in ratings:
                self.strengths[word] = max(ratings[name], self.strengths.get(word, 0.0))
        if "sentiment" in ratings:
            self.sentiments.append(ratings["sentiment"])

    @property
    def emotions(self) -> tuple[str, ...] | None:
        """The emotions that any annotator saw; None where emotions were not rated."""
        if not self.strengths:
            return None
        return tuple(word for word, strength in self.strengths.items() if strength > 0)

    @property
    def sentiment(self) -> float | None:
        """The mean over the annotators who rated it."""
        return sum(self.sentiments) / len(self.sentiments) if self.sentiments else None


def parse_transcript(text: str) -> tuple[list[ClipLine], list[int]]:
    """Read a transcript.

    Parameters
    ----------
    text : str
        The whole file.

    Returns
    -------
    lines : list of ClipLine
        In the order of the file.
    unreadable : list of int
        Numbers (from 1) of the lines that describe no clip.

    Examples
    --------
    >>> parse_transcript("-a_b___3___-0.25___4.5___Well ___ yes.")[0]
    [ClipLine(video='-a_b', clip=3, start=-0.25, end=4.5, text='Well ___ yes.')]
    """
    lines: list[ClipLine] = []
    unreadable: list[int] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                lines.append(_line(line.strip()))
            except RowError:
                unreadable.append(number)
    return lines, unreadable


def _line(line: str) -> ClipLine:
    """Read a line. Raises `RowError`."""
    check_text(line)
    match = _LINE.fullmatch(line)
    if match is None:
        raise RowError("no clip")
    video, clip, start, end, words = match.groups()
    return ClipLine(
        _video(video),
        to_int(clip, "clip", high=_LAST_CLIP),
        to_float(start, "start", low=-MAX_TIME),
        to_float(end, "end", low=-MAX_TIME),
        words.strip(),
    )


def parse_labels(text: str, name: str) -> Iterator[tuple[str, dict[str, float]] | Skipped]:
    """Read a label table.

    Parameters
    ----------
    text : str
        A CSV table with a header.
    name : str
        What to call it in messages.

    Yields
    ------
    tuple of str and dict, or Skipped
        For each row the id of the clip and its ratings by name; or why the row, or the table, can't
        be used.
    """
    try:
        names, rows = read_table(text, lenient=True)
    except RowError as error:
        yield Skipped(name, f"no label table: its first line {error}", name, "no label table")
        return
    if not {"Input.VIDEO_ID", "Input.CLIP"} <= set(names):
        reason = "no label table: it lacks a column Input.VIDEO_ID or Input.CLIP"
        yield Skipped(name, reason, name, "no label table")
        return
    for line, row in rows:
        try:
            if isinstance(row, RowError):
                raise row
            yield _clip(row), dict(_row_ratings(row))
        except RowError as error:
            where, kind = f"{name}:{line}", "label row that cannot be used"
            yield Skipped(where, f"{kind}: {error}", where, kind)


def _clip(row: Mapping[str, str]) -> str:
    video, clip = _video(row.get("Input.VIDEO_ID", "")), row.get("Input.CLIP", "")
    try:
        number = to_int(clip, "clip", high=_LAST_CLIP)
    except RowError:
        number = None
    if not video or number is None:
        raise RowError(f"it names no clip (video {video[:40]!r}, clip {clip[:40]!r})")
    return f"{video}_{number}"


def _row_ratings(row: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    for name in (*EMOTIONS, "sentiment"):
        low = -MAX_SENTIMENT if name == "sentiment" else 0.0
        cell = cell_value(row, f"Answer.{name}")
        if cell is not None:
            yield name, to_float(cell, f"Answer.{name}", low, MAX_SENTIMENT)


def _video(name: str) -> str:
    """Return a video's name without the folder before it, which some tables have."""
    return name.strip().rpartition("/")[2]
