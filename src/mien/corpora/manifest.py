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
emotions (or emotion)   words separated by ``;`` (JSONL: or a list); empty: not labelled; a lone
                        ``;`` (JSONL: or ``[]``): labelled, none of them
sentiment               from -3 (negative) to 3 (positive); empty: not judged
split                   train, valid or test
audio_channel           which channel holds the voice, from 0; empty: all, averaged
video_side              left or right: the half of the picture that shows the person
video_rate              pictures a second, where video is not a file but a pattern of numbered
                        pictures such as ``talk/image_%d.jpg``
any other               kept as an attribute
======================  ==========================================================================

Every column may be left out, but one of video, audio, media and text must be there.
"""

import csv
import io
import json
import math
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar, get_args

from mien.errors import MienError
from mien.utterance import HIGHEST_SENTIMENT, Side, Skipped, Utterance

CONTENT = ("video", "audio", "media", "text")
COLUMNS = (
    *("id", *CONTENT, "person", "session", "dialogue", "start", "end", "emotions", "split"),
    *("sentiment", "audio_channel", "video_side", "video_rate"),
)
"""The columns that mean something; every other becomes an attribute."""

_SOUND_ONLY = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac"}

Row = Mapping[str, Any]
Split = Literal["train", "valid", "test"]
Choice = TypeVar("Choice", bound=str)


def read(source: Path) -> Iterator[Utterance | Skipped]:
    r"""Read a list of clips.

    Parameters
    ----------
    source : Path
        A ``.csv`` or ``.jsonl`` file in UTF-8.

    Yields
    ------
    Utterance or Skipped
        In the order of the list. A row that cannot be used is skipped; `Skipped.source` is
        ``file:line``.

    Raises
    ------
    MienError
        If the file is missing, empty, not a list of clips, or cannot be read.

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
        text = source.read_text("utf-8-sig")
    except OSError as error:
        raise MienError(f"{source} cannot be opened: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MienError(f"{source} is not UTF-8 text; save it as UTF-8") from error
    rows = list(readers[source.suffix.lower()](text, source))
    if not rows:
        raise MienError(f"{source} lists no clip: there is no row in it")
    readable = [row for _, row in rows if not isinstance(row, str)]
    if not readable:
        line, fault = rows[0]
        raise MienError(f"{source} has no row that can be read. Line {line}: {fault}")
    found = dict.fromkeys(chain.from_iterable(readable))
    if found.keys().isdisjoint(CONTENT):
        raise MienError(
            f"{source} has none of the columns {', '.join(CONTENT)}. "
            f"Found: {', '.join(found)}. Known: {', '.join(COLUMNS)}"
        )
    return _read_rows(rows, source)


def _csv_rows(text: str, source: Path) -> Iterator[tuple[int, Row | str]]:
    """Yield a line's number, and its row or what is wrong with it."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = [_column(name) for name in next(lines, [])]
        if twice := {name for name in names if names.count(name) > 1}:
            raise MienError(f"{source} has more than one column {', '.join(twice)}; keep one")
        for cells in lines:
            if len(cells) > len(names):
                yield lines.line_num, f"{len(cells)} cells under {len(names)} columns"
            elif any(cells):
                yield lines.line_num, dict(zip(names, cells, strict=False))
    except csv.Error as error:
        raise MienError(f"{source}:{lines.line_num} is not CSV: {error}") from error


def _jsonl_rows(text: str, source: Path) -> Iterator[tuple[int, Row | str]]:
    """Yield a line's number, and its row or what is wrong with it."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, _json_row(line)


def _json_row(line: str) -> Row | str:
    try:
        row = json.loads(line, parse_constant=_refuse)
        # Half of a surrogate pair is legal here but could not be stored later.
        json.dumps(row, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    if not isinstance(row, dict):
        return "not a JSON object"
    columns = {_column(name): value for name, value in row.items()}
    return columns if len(columns) == len(row) else "one column under two names"


def _column(name: str) -> str:
    """Write a known column one way; leave any other as the user wrote it."""
    plain = name.strip().lower()
    plain = "emotions" if plain == "emotion" else plain
    return plain if plain in COLUMNS else name


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _read_rows(rows: list[tuple[int, Row | str]], source: Path) -> Iterator[Utterance | Skipped]:
    # A made id must not be one that a later row gives.
    taken = {str(row["id"]).strip() for _, row in rows if not isinstance(row, str) and "id" in row}
    used: set[str] = set()
    for line, row in rows:
        name = None
        try:
            if isinstance(row, str):
                raise MienError(row)
            name = _word(row, "id")
            if name in used:
                raise MienError("another row has this id; the first is kept")
            utterance = _utterance(row, source.parent)
        except MienError as error:
            yield Skipped(name or f"line {line}", str(error), f"{source}:{line}")
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
    rate = _number(row, "video_rate")
    media = _file(row, "media", folder)
    picture = media if media and media.suffix.lower() not in _SOUND_ONLY else None
    utterance = Utterance(
        id="",
        corpus="manifest",
        person=_word(row, "person"),
        session=_word(row, "session"),
        dialogue=_word(row, "dialogue"),
        start=_number(row, "start"),
        end=_number(row, "end"),
        text=_word(row, "text"),
        emotions=_emotions(row),
        sentiment=_number(row, "sentiment", -HIGHEST_SENTIMENT, HIGHEST_SENTIMENT),
        video=_pictures(row, folder) if rate else _file(row, "video", folder) or picture,
        video_rate=rate,
        video_side=_choice(row, "video_side", get_args(Side)),
        audio=_file(row, "audio", folder) or media,
        audio_channel=_channel(row),
        split=_choice(row, "split", get_args(Split)),
        attributes={name: _plain(row, name) for name in row if name not in COLUMNS},
    )
    if not (utterance.video or utterance.audio or utterance.text):
        raise MienError("no video, no audio and no text")
    if utterance.end is not None and utterance.end <= (utterance.start or 0):
        raise MienError(f"end {utterance.end} is not after start {utterance.start or 0}")
    return utterance


def _plain(row: Row, column: str) -> str | int | float | bool | None:
    value = row.get(column)
    if isinstance(value, list | dict):
        raise MienError(f"{column} must be one value, not a list or an object")
    return (value.strip() or None) if isinstance(value, str) else value


def _word(row: Row, column: str) -> str | None:
    value = _plain(row, column)
    return None if value is None else str(value)


def _number(row: Row, column: str, low: float = 0, high: float = math.inf) -> float | None:
    word = _word(row, column)
    try:
        number = None if word is None else float(word)
    except ValueError:
        number = math.nan
    if number is not None and not (low <= number <= high and math.isfinite(number)):
        limits = "from 0 on" if high == math.inf else f"from {low:g} to {high:g}"
        raise MienError(f"{column} is {word!r}, not a number {limits}")
    return number


def _channel(row: Row) -> int | None:
    number = _number(row, "audio_channel")
    if number is not None and not number.is_integer():
        raise MienError(f"audio_channel is {number}, not a whole number")
    return None if number is None else int(number)


def _choice(row: Row, column: str, choices: tuple[Choice, ...]) -> Choice | None:
    word = _word(row, column)
    for choice in choices:
        if word == choice:
            return choice
    if word is not None:
        raise MienError(f"{column} is {word!r} and must be one of: {', '.join(choices)}")
    return None


def _emotions(row: Row) -> tuple[str, ...] | None:
    value = row.get("emotions")
    words = value if isinstance(value, list) else (_word(row, "emotions") or "").split(";")
    if not all(isinstance(word, str) for word in words):
        raise MienError("emotions must be words")
    if not isinstance(value, list) and words == [""]:
        return None
    return tuple(dict.fromkeys(word.strip().lower() for word in words if word.strip()))


def _pictures(row: Row, folder: Path) -> Path:
    pattern = folder / (_word(row, "video") or "")
    if "%" not in pattern.name:
        raise MienError("video_rate needs a video such as talk/image_%d.jpg")
    if not os.path.isdir(pattern.parent):
        raise MienError(f"video folder missing: {pattern.parent}")
    return pattern


def _file(row: Row, column: str, folder: Path) -> Path | None:
    word = _word(row, column)
    if word is None:
        return None
    path = folder / word
    # os.path answers False where Path.is_file raises, as for a name that is too long.
    if not os.path.isfile(path):
        raise MienError(f"{column} file missing: {path}")
    return path
