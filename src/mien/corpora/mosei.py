"""CMU-MOSEI's raw release (Zadeh et al. 2018): people who speak to a camera, rated by sentence.

Sound and picture lie there by video, named after it; the transcript of a video cuts it into clips,
one a line, ``VIDEO___CLIP___START___END___TEXT``; the labels are the tables of the crowdsourcing
site, a row for each clip and annotator. A video's name is YouTube's: it may begin with ``-`` or
``_`` and hold both. An utterance's id is ``VIDEO_CLIP``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mien.corpora.base import Corpus
from mien.corpora.table import LATEST, RowError, check_text, given, read_table, to_float, to_int
from mien.errors import MienError
from mien.utterance import MAX_SENTIMENT, Skipped, Utterance

EMOTIONS = {
    "happiness": "happy",
    "sadness": "sad",
    "anger": "angry",
    "fear": "fearful",
    "disgust": "disgusted",
    "surprise": "surprised",
}
"""What the label tables call the six emotions, in mien's words."""

FOLDERS = {
    "audio": ("Audio/Full/WAV_16000", "Audio/WAV_16000"),
    "video": ("Videos/Full/Combined",),
    "transcript": ("Transcript/Segmented/Combined", "Transcript/Combined"),
    "labels": ("Labels",),
}
"""Where things lie: in the release as it is downloaded, and as Dai et al.'s code expects it."""

_LAST_CLIP = 10**6
_NUMBER = r"([-+]?\d++(?:\.\d*+)?(?:[eE][-+]?\d++)?)"
# The video's name may hold underscores and the words may hold anything: the numbers show the way.
_LINE = re.compile(rf"(.+?)___(\d+)___{_NUMBER}___{_NUMBER}___(.*)")


@dataclass(frozen=True)
class Line:
    """A clip as a line of a transcript gives it; times in seconds of the video."""

    video: str
    clip: int
    start: float
    end: float
    text: str

    @property
    def id(self) -> str:
        """The id of the utterance, as the published split lists have it."""
        return f"{self.video}_{self.clip}"


@dataclass
class Ratings:
    """What the annotators of one clip answered.

    Parameters
    ----------
    annotators : int
        Rows of the tables.
    strengths : dict of str to float
        The greatest strength, from 0 to 3, that anybody gave to each emotion rated.
    sentiments : list of float
        From -3 to 3.
    """

    annotators: int = 0
    strengths: dict[str, float] = field(default_factory=dict)
    sentiments: list[float] = field(default_factory=list)

    def add(self, answers: Mapping[str, float]) -> None:
        """Take up the answers of one annotator, by the names of the columns without "Answer."."""
        self.annotators += 1
        for name, word in EMOTIONS.items():
            if name in answers:
                self.strengths[word] = max(answers[name], self.strengths.get(word, 0.0))
        if "sentiment" in answers:
            self.sentiments.append(answers["sentiment"])

    @property
    def emotions(self) -> tuple[str, ...] | None:
        """The emotions that anybody saw; None where nobody was asked."""
        if not self.strengths:
            return None
        return tuple(word for word, strength in self.strengths.items() if strength > 0)

    @property
    def sentiment(self) -> float | None:
        """The mean over those who judged it."""
        return sum(self.sentiments) / len(self.sentiments) if self.sentiments else None


def parse_transcript(text: str) -> tuple[list[Line], list[int]]:
    """Read a transcript.

    Parameters
    ----------
    text : str
        The whole file.

    Returns
    -------
    lines : list of Line
        In the order of the file.
    unreadable : list of int
        Numbers (from 1) of the lines that are no clips.

    Examples
    --------
    >>> parse_transcript("-a_b___3___-0.25___4.5___Well ___ yes.")[0]
    [Line(video='-a_b', clip=3, start=-0.25, end=4.5, text='Well ___ yes.')]
    """
    lines: list[Line] = []
    unreadable: list[int] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                lines.append(_line(line.strip()))
            except RowError:
                unreadable.append(number)
    return lines, unreadable


def _line(line: str) -> Line:
    """Read a line. Raises `RowError`."""
    check_text(line)
    match = _LINE.fullmatch(line)
    if match is None:
        raise RowError("no clip")
    video, clip, start, end, words = match.groups()
    return Line(
        _video(video),
        to_int(clip, "clip", high=_LAST_CLIP),
        to_float(start, "start", low=-LATEST),
        to_float(end, "end", low=-LATEST),
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
        For each row the id of the clip and the answers that were given, by name; or why the row,
        or the table, can't be used.
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
            yield _clip(row), dict(_answers(row))
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


def _answers(row: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    for name in (*EMOTIONS, "sentiment"):
        low = -MAX_SENTIMENT if name == "sentiment" else 0.0
        cell = given(row, f"Answer.{name}")
        if cell is not None:
            yield name, to_float(cell, f"Answer.{name}", low, MAX_SENTIMENT)


def _video(name: str) -> str:
    """Take a video's name without the folder that stands before it in some tables."""
    return name.strip().rpartition("/")[2]


def read(source: Path) -> Iterator[Utterance | Skipped]:
    """Read the release, whole or in part.

    An emotion counts where any annotator gave it a strength above 0; there may be several, or none,
    which is a label too. Sentiment is the mean over the annotators. The release does not say who
    speaks, so there are no persons; a video is a dialogue. A clip that begins before its video, as
    some do by fractions of a second, is taken from the video's beginning; the attribute ``start``
    keeps what the transcript says.

    Parameters
    ----------
    source : Path
        The folder ``Raw`` of the release, or the one above.

    Yields
    ------
    Utterance or Skipped
        Video by video and by time within each, so that a video can be decoded in one pass. What
        there is no label for, or no clip, or no media, is a `Skipped`; of a clip that lacks its
        sound or its picture alone, the other is used.

    Raises
    ------
    MienError
        `source` has no transcripts or no labels.
    """
    root = source / "Raw" if (source / "Raw").is_dir() else source
    places = {what: _place(root, choice) for what, choice in FOLDERS.items()}
    transcripts, tables = _files(places["transcript"], ".txt"), _files(places["labels"], ".csv")
    for what, files in (("transcript", transcripts), ("labels", tables)):
        if not files:
            wanted = " or ".join(FOLDERS[what])
            raise MienError(
                f"{source} is not the raw release of CMU-MOSEI: it has no files in {wanted}."
                " Give the folder that holds Audio, Labels, Transcript and Videos."
            )
    return _Reader(places["audio"], places["video"]).corpus(transcripts, tables)


def _place(root: Path, choice: Iterable[str]) -> Path:
    """Choose the first folder that is there, or else the last."""
    paths = [root / name for name in choice]
    return next((path for path in paths if path.is_dir()), paths[-1])


def _files(folder: Path, suffix: str) -> list[Path]:
    return sorted(path for path in folder.glob(f"*{suffix}") if not path.name.startswith("._"))


@dataclass(frozen=True)
class _Reader:
    audio: Path
    video: Path
    ratings: dict[str, Ratings] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def corpus(self, transcripts: list[Path], tables: list[Path]) -> Iterator[Utterance | Skipped]:
        for table in tables:
            yield from self.rate(table)
        for transcript in transcripts:
            yield from self.clips(transcript)
        for name in sorted(self.ratings.keys() - self.seen):
            yield Skipped(name, "labelled, but in no transcript")

    def rate(self, table: Path) -> Iterator[Skipped]:
        # a stray byte must not cost the table
        text = table.read_bytes().decode("utf-8-sig", errors="replace")
        for item in parse_labels(text, table.name):
            if isinstance(item, Skipped):
                yield item
            else:
                name, answers = item
                self.ratings.setdefault(name, Ratings()).add(answers)

    def clips(self, transcript: Path) -> Iterator[Utterance | Skipped]:
        # a stray byte must not cost the video
        text = transcript.read_text("utf-8-sig", errors="replace")
        lines, unreadable = parse_transcript(text)
        for number in unreadable:
            yield Skipped(
                transcript.stem, "transcript line that is no clip", f"{transcript}:{number}"
            )
        for line in sorted(lines, key=lambda line: (line.video, line.start, line.end, line.clip)):
            if reason := self.fault(line):
                yield Skipped(line.id, reason, str(transcript))
            else:
                yield from self.utterance(line)
            self.seen.add(line.id)

    def fault(self, line: Line) -> str | None:
        """Say why a clip cannot be used, or None."""
        ratings = self.ratings.get(line.id)
        if line.id in self.seen:
            return "twice in the transcripts; the earlier clip is kept"
        if ratings is None:
            return "not labelled"
        if ratings.emotions is None and ratings.sentiment is None:
            return "labelled without any answer"
        if not max(line.start, 0.0) < line.end:
            return "does not end after it begins"
        return None

    def utterance(self, line: Line) -> Iterator[Utterance | Skipped]:
        """Make an utterance of a clip, and note the media that it lacks."""
        wav, mp4 = self.audio / f"{line.video}.wav", self.video / f"{line.video}.mp4"
        lacking = {
            kind: path for kind, path in (("video", mp4), ("audio", wav)) if not path.is_file()
        }
        if len(lacking) == 2:
            yield Skipped(line.id, "files missing: neither sound nor picture", str(wav))
            return
        for kind, path in lacking.items():
            yield Skipped(line.id, f"{kind}: file missing", str(path))
        ratings = self.ratings[line.id]
        facts: dict[str, float] = {"annotators": ratings.annotators}
        yield Utterance(
            id=line.id,
            corpus="mosei",
            dialogue=line.video,
            start=max(line.start, 0.0),
            end=line.end,
            text=line.text or None,
            emotions=ratings.emotions,
            sentiment=ratings.sentiment,
            video=None if "video" in lacking else mp4,
            audio=None if "audio" in lacking else wav,
            attributes=facts | ({"start": line.start} if line.start < 0 else {}),
        )


CORPUS = Corpus(
    about="CMU-MOSEI's raw release: the folder that holds Audio, Labels, Transcript and Videos",
    read=read,
    emotions=tuple(EMOTIONS.values()),
)
