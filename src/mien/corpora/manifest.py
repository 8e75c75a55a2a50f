"""Your own clips, listed in a CSV file (with a header) or in a JSONL file (an object a line).

======================  ==========================================================================
column                  meaning
======================  ==========================================================================
id                      unique; made from the file's name where it is empty
video, audio            files, relative to the list's own folder or absolute
media                   one file for both
text                    the words
person                  who speaks
session, dialogue       recording units that a split may hold out
start, end              seconds within the files
emotions (or emotion)   words separated by ``;``, ``,``, ``|`` or ``/`` (JSONL: or a list); empty:
                        not labelled; a lone ``;`` (JSONL: or ``[]``): labelled, none of them
sentiment               from -3 (negative) to 3 (positive); empty: not judged
valence, arousal,       numbers on one scale of your own, such as 1 to 5; empty: not rated
dominance
label:NAME              a label NAME for another task: a number, or else a word; empty: none
split                   train, valid or test
sentence                which sentence it is, where several clips say the same one; else the words
                        themselves tell
audio_channel           which channel holds the voice, from 0; empty: all, averaged
video_side              left or right: the half of the picture that shows the person
video_rate              pictures a second, where video is not a file but a pattern of numbered
                        pictures such as ``talk/image_%d.jpg``
any other               kept as an attribute
======================  ==========================================================================

Every column may be left out, but one of video, audio, media and text must be there. A cell that is
empty or says so (`mien.corpora.table.MISSING`) is not given. Names of persons, sessions and
dialogues are spelled one way, whatever marks they hold that nobody sees.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args

from mien.corpora.base import Corpus
from mien.corpora.columns import COLUMNS, CONTENT, LABEL, column, misnamed, separator
from mien.corpora.further_labels import read_labels
from mien.corpora.table import (
    MISSING,
    MOST_COLUMNS,
    RowError,
    check_text,
    given,
    read_table,
    to_float,
    to_int,
)
from mien.encoding import decode
from mien.errors import MienError
from mien.names import normalise_name
from mien.utterance import MAX_SENTIMENT, SPLITS, Side, Skipped, Utterance

LAST_CHANNEL = 1023
HIGHEST_RATE = 1000

_SOUND_ONLY = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac"}

Row = Mapping[str, Any]
Rows = list[tuple[int, Row | RowError]]
Choice = TypeVar("Choice", bound=str)


def read(source: Path) -> Iterator[Utterance | Skipped]:
    r"""Read a list of clips.

    Parameters
    ----------
    source : Path
        A ``.csv`` or ``.jsonl`` file in UTF-8, or with the mark of UTF-16.

    Yields
    ------
    Utterance or Skipped
        In the order of the list. A row that cannot be used is skipped; `Skipped.source` is
        ``file:line``.

    Raises
    ------
    MienError
        If the file is missing, empty, not a list of clips, or cannot be read; or a column seems to
        be meant for another (`mien.corpora.columns.misnamed`).

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     clips = Path(folder) / "clips.csv"
    ...     _ = clips.write_text("id,text,emotion\na,I am glad,happy\n")
    ...     [(item.id, item.emotions) for item in read(clips)]
    [('a', ('happy',))]
    """
    readers = {".csv": _csv_rows, ".jsonl": _jsonl_rows}
    if source.suffix.lower() not in readers:
        raise MienError(f"{source} must be a .csv or a .jsonl file that lists your clips")
    try:
        text = decode(source.read_bytes(), "surrogateescape")
    except OSError as error:
        raise MienError(f"{source} cannot be opened: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MienError(f"{source} is not UTF-8 text; save it as UTF-8") from error
    rows = readers[source.suffix.lower()](text, source)
    if not rows:
        raise MienError(f"{source} lists no clip: there is no row in it")
    readable = [row for _, row in rows if not isinstance(row, RowError)]
    if not readable:
        line, fault = rows[0]
        raise MienError(f"{source} has no row that can be read. Line {line}: {fault}")
    _check_columns(readable, source)
    return _read_rows(rows, source)


def _check_columns(rows: list[Row], source: Path) -> None:
    """Refuse a list without content, or with columns that would not be read. Raises `MienError`."""
    found = list(dict.fromkeys(chain.from_iterable(rows)))
    if len(found) > MOST_COLUMNS:
        raise MienError(f"{source} has {len(found):,} columns, more than {MOST_COLUMNS:,}")
    wrong: dict[str, str] = {}
    for names in dict.fromkeys(tuple(row) for row in rows):
        wrong |= misnamed(names)
    if wrong:
        meant = " ".join(f"{name}: did you mean {known}?" for name, known in wrong.items())
        raise MienError(
            f"{source} has columns that would not be read. {meant} Rename them; to keep one as an"
            f" attribute, add the column that is meant. Found: {', '.join(found)}."
            f" Known: {', '.join(COLUMNS)}"
        )
    if not set(found) & set(CONTENT):
        raise MienError(
            f"{source} has none of the columns {', '.join(CONTENT)}. "
            f"Found: {', '.join(found)}. Known: {', '.join(COLUMNS)}"
        )


def _csv_rows(text: str, source: Path) -> Rows:
    try:
        header, lines = read_table(text)
    except RowError as error:
        raise MienError(f"{source}:1 the names of the columns can't be read: {error}") from error
    if len(header) == 1 and (sign := separator(header[0])):
        raise MienError(f"{source} is separated by {sign}: save it with commas")
    names = [column(name) for name in header]
    if twice := sorted(name for name, times in Counter(names).items() if times > 1):
        raise MienError(f"{source} has more than one column {', '.join(twice)}; keep one")
    rows = [(line, row) for line, row in lines if isinstance(row, RowError) or any(row.values())]
    cells = [row for _, row in rows if not isinstance(row, RowError)]
    # a spreadsheet writes columns that were once used; other rows may lack their last cells
    nameless = [f"column {at}" for at in range(1, len(header) + 1)]
    empty = {name for name in nameless if not any(given(row, name) for row in cells)}
    kept = [pair for pair in zip(header, names, strict=True) if pair[0] not in empty]
    return [
        (line, row if isinstance(row, RowError) else {to: row.get(name, "") for name, to in kept})
        for line, row in rows
    ]


def _jsonl_rows(text: str, source: Path) -> Rows:
    lines = enumerate(text.split("\n"), start=1)
    return [(number, _json_row(line)) for number, line in lines if line.strip()]


def _json_row(line: str) -> Row | RowError:
    try:
        row = json.loads(line, parse_constant=_refuse)
        # Half of a surrogate pair is legal here but could not be stored later, nor could 1e400.
        json.dumps(row, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        return RowError(f"not JSON: {error}", "not JSON")
    if not isinstance(row, dict):
        return RowError("not a JSON object")
    columns = {column(name): value for name, value in row.items()}
    if len(columns) < len(row):
        return RowError("one column under two names")
    try:
        for value in row.values():
            check_text(value if isinstance(value, str) else "")
    except RowError as error:
        return error
    return columns


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _read_rows(rows: Rows, source: Path) -> Iterator[Utterance | Skipped]:
    # A made id must not be one that a later row gives.
    readable = (row for _, row in rows if not isinstance(row, RowError))
    taken = {normalise_name(str(row.get("id"))) for row in readable}
    used: set[str] = set()
    for line, row in rows:
        name = None
        try:
            if isinstance(row, RowError):
                raise row
            name = _name(row, "id")
            if name in used:
                raise RowError("another row has this id; the first is kept")
            utterance = _utterance(row, source.parent)
        except RowError as error:
            yield error.skipped(name or f"line {line}", f"{source}:{line}")
            continue
        if name is None:
            media = utterance.video or utterance.audio
            name = _unused(media.stem if media else f"{source.stem}-{line}", taken)
            taken.add(name)
        used.add(name)
        yield replace(utterance, id=name)


def _unused(stem: str, taken: Collection[str]) -> str:
    names = chain([stem], (f"{stem}-{number}" for number in count(2)))
    return next(name for name in names if name not in taken)


def _utterance(row: Row, folder: Path) -> Utterance:
    """Make an utterance, still without its id."""
    rate = _number(row, "video_rate", high=HIGHEST_RATE)
    media = _file(row, "media", folder)
    picture = media if media and media.suffix.lower() not in _SOUND_ONLY else None
    utterance = Utterance(
        id="",
        corpus="manifest",
        person=_name(row, "person"),
        session=_name(row, "session"),
        dialogue=_name(row, "dialogue"),
        start=_number(row, "start"),
        end=_number(row, "end"),
        text=_word(row, "text"),
        emotions=_emotions(row),
        sentiment=_number(row, "sentiment", -MAX_SENTIMENT, MAX_SENTIMENT),
        labels=read_labels(row),
        video=_pictures(row, folder) if rate else _file(row, "video", folder) or picture,
        video_rate=rate,
        video_side=_choice(row, "video_side", get_args(Side)),
        audio=_file(row, "audio", folder) or media,
        audio_channel=_channel(row),
        split=_choice(row, "split", SPLITS),
        attributes={n: _plain(row, n) for n in row if _is_attribute(n)},
    )
    if not (utterance.video or utterance.audio or utterance.text):
        raise RowError("no video, no audio and no text")
    if utterance.end is not None and utterance.end <= (utterance.start or 0):
        reason = f"end {utterance.end} is not after start {utterance.start or 0}"
        raise RowError(reason, "end is not after start")
    return utterance


def _is_attribute(name: str) -> bool:
    return name == "sentence" or not (name in COLUMNS or name.startswith(LABEL))


def _plain(row: Row, name: str) -> str | int | float | bool | None:
    value = row.get(name)
    if isinstance(value, list | dict):
        raise RowError(f"{name} must be one value, not a list or an object")
    return given(row, name) if isinstance(value, str) else value


def _word(row: Row, name: str) -> str | None:
    value = _plain(row, name)
    return None if value is None else str(value)


def _name(row: Row, name: str) -> str | None:
    word = normalise_name(_word(row, name) or "")
    return None if word in MISSING else word


def _number(row: Row, name: str, *limits: float, **high: float) -> float | None:
    word = _word(row, name)
    return None if word is None else to_float(word, name, *limits, **high)


def _channel(row: Row) -> int | None:
    word = _word(row, "audio_channel")
    return None if word is None else to_int(word, "audio_channel", high=LAST_CHANNEL)


def _choice(row: Row, name: str, choices: tuple[Choice, ...]) -> Choice | None:
    word = _word(row, name)
    for choice in choices:
        if word == choice:
            return choice
    if word is not None:
        allowed = f"must be one of: {', '.join(choices)}"
        raise RowError(f"{name} is {word!r} and {allowed}", f"{name} {allowed}")
    return None


def _emotions(row: Row) -> tuple[str, ...] | None:
    value = row.get("emotions")
    if isinstance(value, list):
        cells = value
        if not all(isinstance(cell, str) for cell in cells):
            raise RowError("emotions must be words")
    elif (word := _word(row, "emotions")) is None:
        return None
    else:
        cells = [word]
    if all(set(cell) <= {";", " "} for cell in cells):
        return ()
    parts = [part.strip() for cell in cells for part in re.split(r"[;,|]", cell)]
    labels = chain.from_iterable(part.split("/") for part in parts if part not in MISSING)
    words = dict.fromkeys(filter(None, (normalise_name(word).lower() for word in labels)))
    if not words and not any(part in MISSING for part in parts if part):
        raise RowError(f"emotions is {value!r}: there is no word in it", "emotions without a word")
    return tuple(words) or None


def _pictures(row: Row, folder: Path) -> Path:
    pattern = folder / (_word(row, "video") or "")
    if "%" not in pattern.name:
        raise RowError("video_rate needs a video such as talk/image_%d.jpg")
    if not os.path.isdir(pattern.parent):
        raise RowError(f"video folder missing: {pattern.parent}", "video folder missing")
    return pattern


def _file(row: Row, name: str, folder: Path) -> Path | None:
    word = _word(row, name)
    if word is None:
        return None
    path = folder / word
    # os.path answers False where Path.is_file raises, as for a name that is too long.
    if not os.path.isfile(path):
        raise RowError(f"{name} file missing: {path}", f"{name} file missing")
    return path


CORPUS = Corpus(about="your own clips, listed in a .csv or .jsonl file", read=read)
