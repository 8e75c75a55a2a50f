"""MELD's raw release (Poria et al. 2019): 13,708 utterances of the series Friends, in dialogues.

A table for each part of the official split says who says what, with which emotion; a clip of each
utterance is called ``dia0_utt0.mp4`` after its numbers in the table. Dialogues are numbered anew in
each part, so an utterance's id is ``train_dia0_utt0``.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mien.corpora.published_split import Part
from mien.errors import MienError
from mien.utterance import Skipped, Utterance

EMOTIONS = {
    "neutral": "neutral",
    "joy": "happy",
    "surprise": "surprised",
    "anger": "angry",
    "sadness": "sad",
    "disgust": "disgusted",
    "fear": "fearful",
}
"""What the tables call the seven emotions, in mien's words."""

# Words that name no person: the waiter of another episode is somebody else.
_ROLE = re.compile(
    r"the .*|.*\b(announcer|assistant|attendant|boy|clerk|customer|director|doctor|fan|fireman|girl"
    r"|guard|guy|host|interviewer|kid|lady|man|nurse|officer|passerby|policeman|producer|professor"
    r"|receptionist|sales(lady|man|woman)|secretary|stranger|student|teacher|tourist|waiter|waitress"
    r"|woman)\W*(no\W*)?\d*",
    re.IGNORECASE,
)
_TOGETHER = re.compile(r"(all|both|everyone|everybody)\b|.*(\band\b|[&,/+])", re.IGNORECASE)
_COLUMNS = ("Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID")
_CLIP = re.compile(r"dia(\d+)_utt(\d+)\.mp4")
_TIME = re.compile(r"(\d+):(\d+):(\d+)[.,](\d+)")

# Windows-1252 signs that were once taken for Latin-1: apostrophes, quotes and dashes.
_SIGNS = {code: bytes([code]).decode("cp1252", "ignore") or None for code in range(0x80, 0xA0)}

Row = Mapping[str, str | None]


@dataclass(frozen=True)
class _Division:
    name: str
    part: Part
    folder: str

    @property
    def table(self) -> str:
        return f"{self.name}_sent_emo.csv"


DIVISIONS = (
    _Division("train", "train", "train_splits"),
    _Division("dev", "valid", "dev_splits_complete"),
    _Division("test", "test", "output_repeated_splits_test"),
)
"""The official split: its tables, and the folders of its clips."""


def parse_table(content: bytes) -> tuple[list[str], list[tuple[int, Row]]]:
    """Read a table.

    Parameters
    ----------
    content : bytes
        The file, in UTF-8 or Windows-1252. Punctuation that a wrong decoding has turned into
        control characters is restored.

    Returns
    -------
    names : list of str
        Of the columns.
    rows : list of (int, dict)
        The number of the line where each ends, and its cells by column.

    Raises
    ------
    csv.Error
        From some line on it is no CSV.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    reader = csv.DictReader(io.StringIO(text.translate(_SIGNS), newline=""))
    return list(reader.fieldnames or ()), [(reader.line_num, row) for row in reader]


def person(speaker: str, session: str | None) -> str | None:
    """Name the person behind an entry of the column Speaker.

    Parameters
    ----------
    speaker : str
        As in the table.
    session : str or None
        The episode, which tells one episode's "Waiter" from another's.

    Returns
    -------
    str or None
        None where several speak at once.

    Examples
    --------
    >>> person("Rachel", "s08e21"), person("The Interviewer", "s08e21"), person("All", "s08e21")
    ('Rachel', 'The Interviewer (s08e21)', None)
    """
    if not speaker or _TOGETHER.match(speaker):
        return None
    return f"{speaker} ({session})" if session and _ROLE.fullmatch(speaker) else speaker


def read(source: Path) -> Iterator[Utterance | Skipped]:
    """Read the release, whole or in part, wherever in `source` its archives were unpacked.

    Parameters
    ----------
    source : Path
        The folder ``MELD.Raw``, with the tables and the clips in it or in folders of it.

    Yields
    ------
    Utterance or Skipped
        Dialogue by dialogue. An utterance whose clip is missing keeps its words. Clips that no row
        names, of which the release has some, are skipped.

    Raises
    ------
    MienError
        `source` holds none of the tables, or the archives in it are still packed.
    """
    if not source.is_dir():
        raise MienError(f"{source} is not a folder; give the one that MELD.Raw was unpacked to")
    files = sorted(path for path in source.rglob("*") if not path.name.startswith("._"))
    tables: dict[str, Path] = {}
    clips: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in files:
        tables.setdefault(path.name, path)
        if path.suffix.lower() == ".mp4":
            clips[path.parent.name].setdefault(path.name.lower(), path)
    found = [division for division in DIVISIONS if division.table in tables]
    if not found:
        wanted = ", ".join(division.table for division in DIVISIONS)
        raise MienError(f"{source} is not MELD's raw release: it holds none of {wanted}")
    packed = [path.name for path in files if path.name.endswith(".tar.gz")]
    if packed and not any(clips[division.folder] for division in found):
        raise MienError(f"{source} holds no clips: unpack {', '.join(packed)} there first")
    return _read(source, tables, clips)


def _read(
    source: Path, tables: Mapping[str, Path], clips: Mapping[str, dict[str, Path]]
) -> Iterator[Utterance | Skipped]:
    for division in DIVISIONS:
        if division.table not in tables:
            yield Skipped(division.name, f"table missing: {division.table}", str(source))
            continue
        yield from _Reader(division, tables[division.table], clips[division.folder]).items()


@dataclass(frozen=True)
class _Reader:
    division: _Division
    table: Path
    clips: dict[str, Path]

    def items(self) -> Iterator[Utterance | Skipped]:
        try:
            names, rows = parse_table(self.table.read_bytes())
        except csv.Error as error:
            yield Skipped(self.division.name, f"table that is no CSV: {error}", str(self.table))
            return
        if missing := [name for name in _COLUMNS if name not in names]:
            reason = f"table without the columns {', '.join(missing)}"
            yield Skipped(self.division.name, reason, str(self.table))
            return
        named = set()
        for line, row in sorted(rows, key=_order):
            if fault := _fault(row):
                yield Skipped(f"{self.division.name} line {line}", fault, f"{self.table}:{line}")
                continue
            clip = f"dia{_number(row, 'Dialogue_ID')}_utt{_number(row, 'Utterance_ID')}.mp4"
            named.add(clip)
            yield from self.utterance(row, clip)
        for name in sorted(self.clips.keys() - named):
            yield Skipped(Path(name).stem, _stray(name), str(self.clips[name]))

    def utterance(self, row: Row, clip: str) -> Iterator[Utterance | Skipped]:
        """Make an utterance, after what it lacks."""
        name = f"{self.division.name}_{Path(clip).stem}"
        path = self.clips.get(clip)
        if path is None:
            wanted = f"{self.division.folder}/{clip}"
            yield Skipped(name, f"video: file missing: {wanted}", str(self.table))
            yield Skipped(name, f"audio: file missing: {wanted}", str(self.table))
        season, episode = _number(row, "Season"), _number(row, "Episode")
        session = None if season is None or episode is None else f"s{season:02}e{episode:02}"
        speaker = _cell(row, "Speaker")
        yield Utterance(
            id=name,
            corpus="meld",
            person=person(speaker, session),
            session=session,
            dialogue=f"{self.division.name}_dia{_number(row, 'Dialogue_ID')}",
            text=_cell(row, "Utterance") or None,
            emotions=(EMOTIONS[_cell(row, "Emotion").lower()],),
            video=path,
            audio=path,
            split=self.division.part,
            attributes={
                "speaker": speaker,
                "sentiment": _cell(row, "Sentiment").lower() or None,
                "start_time": _seconds(_cell(row, "StartTime")),
                "end_time": _seconds(_cell(row, "EndTime")),
            },
        )


def _order(item: tuple[int, Row]) -> tuple[int, int, int]:
    line, row = item
    numbers = _number(row, "Dialogue_ID"), _number(row, "Utterance_ID")
    return (-1, -1, line) if None in numbers else (numbers[0] or 0, numbers[1] or 0, line)


def _fault(row: Row) -> str | None:
    """Say why a row cannot be used, or None."""
    if None in row or None in row.values():
        return "row with another number of cells than columns"
    if _number(row, "Dialogue_ID") is None or _number(row, "Utterance_ID") is None:
        return "row without the numbers of dialogue and utterance"
    emotion = _cell(row, "Emotion")
    return None if emotion.lower() in EMOTIONS else f"emotion {emotion!r} is none of MELD's seven"


def _stray(clip: str) -> str:
    if _CLIP.fullmatch(clip):
        return "clip that no row of the table names"
    if _CLIP.search(clip):
        return "another cut of a clip"
    return "not called as a clip is, such as dia0_utt0.mp4"


def _cell(row: Row, column: str) -> str:
    return (row.get(column) or "").strip()


def _number(row: Row, column: str) -> int | None:
    cell = _cell(row, column)
    return int(cell) if cell.isdecimal() else None


def _seconds(time: str) -> float | None:
    match = _TIME.fullmatch(time)
    if match is None:
        return None
    hours, minutes, seconds, thousandths = map(int, match.groups())
    return 3600 * hours + 60 * minutes + seconds + thousandths / 1000
