"""MELD's raw release (Poria et al. 2019): 13,708 utterances of the series Friends, in dialogues.

A table for each official split says who says what, with which emotion; a clip of each utterance is
called ``dia0_utt0.mp4`` after its numbers in the table. Dialogues are numbered anew in each split,
so an utterance's id is ``train_dia0_utt0``.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mien.corpora.base import Corpus
from mien.corpora.table import ParsedTable, Row, RowError, cell_value, read_table, to_int
from mien.errors import MienError
from mien.names import normalise_name
from mien.utterance import Skipped, SplitName, Utterance

EMOTIONS = {
    "neutral": "neutral",
    "joy": "happy",
    "surprise": "surprised",
    "anger": "angry",
    "sadness": "sad",
    "disgust": "disgusted",
    "fear": "fearful",
}
"""The seven emotions by their names in the tables."""

# Roles, which name no person: the waiter of another episode is somebody else.
_ROLE = re.compile(
    r".*\b(announcer|assistant|attendant|boy|clerk|customer|director|doctor|fan|fireman|girl"
    r"|guard|guy|host|interviewer|kid|lady|man|nurse|officer|passerby|policeman|producer|professor"
    r"|receptionist|sales(lady|man|woman)|secretary|stranger|student|teacher|tourist|waiter|waitress"
    r"|woman)",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"the\b", re.IGNORECASE)
_NUMBERED = re.compile(r"(.*?)\W*(?:\b(?:no|nr|number)\W*)?(\d{0,3})\W*", re.IGNORECASE)
_TOGETHER = re.compile(r"(all|both|everyone|everybody)\b|.*(\band\b|[&,/+])", re.IGNORECASE)
_COLUMNS = ("Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID")
_LONGEST_ROLE = 60
_CLIP = re.compile(r"dia(\d+)_utt(\d+)\.mp4")
_HIGHEST = 10**6
_TIME = re.compile(r"(\d{1,3}):(\d{1,2}):(\d{1,2})[.,](\d{1,6})", re.ASCII)

# Windows-1252 characters that were decoded as Latin-1: apostrophes, quotes and dashes.
_SIGNS = {code: bytes([code]).decode("cp1252", "ignore") or None for code in range(0x80, 0xA0)}


@dataclass(frozen=True)
class _SplitFiles:
    name: str
    split: SplitName
    folder: str

    @property
    def table(self) -> str:
        return f"{self.name}_sent_emo.csv"


SPLIT_FILES = (
    _SplitFiles("train", "train", "train_splits"),
    _SplitFiles("dev", "valid", "dev_splits_complete"),
    _SplitFiles("test", "test", "output_repeated_splits_test"),
)
"""The official splits: their tables, and the folders of their clips."""


def parse_table(content: bytes) -> ParsedTable:
    """Read a table.

    Parameters
    ----------
    content : bytes
        The file, in UTF-8 or Windows-1252. Punctuation that a wrong decoding has turned into
        control characters is restored.

    Returns
    -------
    ParsedTable
        The names of its columns, and its rows.

    Raises
    ------
    RowError
        The header can't be read.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    return read_table(text.translate(_SIGNS), lenient=True)


def person(speaker: str, session: str | None) -> str | None:
    """Return the person for an entry of the column Speaker.

    Parameters
    ----------
    speaker : str
        As in the table.
    session : str or None
        The episode, since the "Waiter" of another one is another person.

    Returns
    -------
    str or None
        None where several speak at once. Roles are normalised: without an article, each word
        capitalised, a number as "#2".

    Examples
    --------
    >>> person("Rachel", "s08e21"), person("The interviewer", "s08e21"), person("All", "s08e21")
    ('Rachel', 'Interviewer (s08e21)', None)
    >>> person("Fireman No. 3", None) == person("fireman #3", None) == "Fireman #3"
    True
    """
    name = normalise_name(speaker)
    if not name or _TOGETHER.match(name):
        return None
    role = _role(name)
    if role is None:
        return name
    return f"{role} ({session})" if session else role


def _role(name: str) -> str | None:
    """Return the normalised role, or None for the name of a person."""
    if len(name) > _LONGEST_ROLE:
        return None
    article = _ARTICLE.match(name)
    numbered = _NUMBERED.fullmatch(name[article.end() :] if article else name)
    what, number = numbered.groups() if numbered else (name, "")
    if not (article or _ROLE.fullmatch(what.strip())):
        return None
    words = " ".join(word.capitalize() for word in what.split())
    return f"{words} #{int(number)}" if words and number else words or None


def read(source: Path) -> Iterator[Utterance | Skipped]:
    """Read the release, whole or in part, wherever in `source` its archives were unpacked.

    Parameters
    ----------
    source : Path
        The folder ``MELD.Raw``, with the tables and the clips in it or in folders of it.

    Yields
    ------
    Utterance or Skipped
        Dialogue by dialogue. An utterance whose clip is missing keeps its text. Clips that no row
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
    found = [split_files for split_files in SPLIT_FILES if split_files.table in tables]
    if not found:
        wanted = ", ".join(split_files.table for split_files in SPLIT_FILES)
        raise MienError(f"{source} is not MELD's raw release: it holds none of {wanted}")
    packed = [path.name for path in files if path.name.endswith(".tar.gz")]
    if packed and not any(clips[split_files.folder] for split_files in found):
        raise MienError(f"{source} holds no clips: unpack {', '.join(packed)} there first")
    return _read(source, tables, clips)


def _read(
    source: Path, tables: Mapping[str, Path], clips: Mapping[str, dict[str, Path]]
) -> Iterator[Utterance | Skipped]:
    for split_files in SPLIT_FILES:
        if split_files.table not in tables:
            reason = f"table missing: {split_files.table}"
            yield Skipped(split_files.name, reason, str(source), "table missing")
            continue
        table = tables[split_files.table]
        yield from _Reader(split_files, table, clips[split_files.folder]).items()


@dataclass(frozen=True)
class _Reader:
    files: _SplitFiles
    table: Path
    clips: dict[str, Path]

    def items(self) -> Iterator[Utterance | Skipped]:
        try:
            names, found = parse_table(self.table.read_bytes())
        except RowError as error:
            reason = f"table whose columns can't be read: {error}"
            yield Skipped(self.files.name, reason, str(self.table), "table that can't be read")
            return
        if missing := [name for name in _COLUMNS if name not in names]:
            reason = f"table without the columns {', '.join(missing)}"
            yield Skipped(self.files.name, reason, str(self.table), "table without its columns")
            return
        named = set()
        for line, row in sorted(found, key=_order):
            try:
                checked = _checked(row, names)
            except RowError as error:
                yield error.skipped(f"{self.files.name} line {line}", f"{self.table}:{line}")
                continue
            clip = f"dia{_number(checked, 'Dialogue_ID')}_utt{_number(checked, 'Utterance_ID')}.mp4"
            named.add(clip)
            yield from self.utterance(checked, clip)
        for name in sorted(self.clips.keys() - named):
            # numbers begin anew in each split
            stray = f"{self.files.name}_{Path(name).stem}"
            yield Skipped(stray, _stray(name), str(self.clips[name]), _stray(name))

    def utterance(self, row: Row, clip: str) -> Iterator[Utterance | Skipped]:
        """Yield what an utterance lacks, then the utterance."""
        name = f"{self.files.name}_{Path(clip).stem}"
        path = self.clips.get(clip)
        if path is None:
            wanted = f"{self.files.folder}/{clip}"
            for kind in ("video", "audio"):
                reason = f"{kind}: file missing: {wanted}"
                yield Skipped(name, reason, str(self.table), f"{kind}: file missing")
        season, episode = _number(row, "Season"), _number(row, "Episode")
        session = None if season is None or episode is None else f"s{season:02}e{episode:02}"
        speaker = _cell(row, "Speaker")
        yield Utterance(
            id=name,
            corpus="meld",
            person=person(speaker, session),
            session=session,
            dialogue=f"{self.files.name}_dia{_number(row, 'Dialogue_ID')}",
            text=_cell(row, "Utterance") or None,
            emotions=(EMOTIONS[_cell(row, "Emotion").lower()],),
            video=path,
            audio=path,
            split=self.files.split,
            attributes={
                "speaker": speaker,
                "sentiment": _cell(row, "Sentiment").lower() or None,
                "start_time": _seconds(_cell(row, "StartTime")),
                "end_time": _seconds(_cell(row, "EndTime")),
            },
        )


def _order(item: tuple[int, Row | RowError]) -> tuple[int, int, int]:
    line, row = item
    if isinstance(row, RowError):
        return -1, -1, line
    numbers = _number(row, "Dialogue_ID"), _number(row, "Utterance_ID")
    return (-1, -1, line) if None in numbers else (numbers[0] or 0, numbers[1] or 0, line)


def _checked(row: Row | RowError, names: list[str]) -> Row:
    """Refuse a row that cannot be used. Raises `RowError`."""
    if isinstance(row, RowError):
        raise row
    if len(row) < len(set(names)):
        kind = "row with another number of cells than columns"
        raise RowError(f"{len(row)} cells under {len(names)} columns", kind)
    if _number(row, "Dialogue_ID") is None or _number(row, "Utterance_ID") is None:
        raise RowError("row without the numbers of dialogue and utterance")
    emotion = _cell(row, "Emotion")
    if emotion.lower() not in EMOTIONS:
        kind = "emotion that is none of MELD's seven"
        raise RowError(f"emotion {emotion[:40]!r} is none of MELD's seven", kind)
    return row


def _stray(clip: str) -> str:
    """Return why a clip is not used."""
    if _CLIP.fullmatch(clip):
        return "clip that no row of the table names"
    if _CLIP.search(clip):
        return "another cut of a clip"
    return "not called as a clip is, such as dia0_utt0.mp4"


def _cell(row: Row, column: str) -> str:
    return (row.get(column) or "").strip()


def _number(row: Row, column: str) -> int | None:
    try:
        return to_int(cell_value(row, column) or "", column, high=_HIGHEST)
    except RowError:
        return None


def _seconds(time: str) -> float | None:
    match = _TIME.fullmatch(time)
    if match is None:
        return None
    hours, minutes, seconds = (int(part) for part in match.groups()[:3])
    return 3600 * hours + 60 * minutes + seconds + int(match[4]) / 1000


CORPUS = Corpus(
    about="MELD's raw release: the folder MELD.Raw, its archives unpacked",
    read=read,
    emotions=tuple(EMOTIONS.values()),
)
