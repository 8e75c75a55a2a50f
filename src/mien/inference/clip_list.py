"""Lists of clips to predict for: tables with text and other columns, or a path a line."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mien.encoding import decode_text, readable
from mien.errors import MienError
from mien.names import strip_invisible

LARGEST_LIST = 256 * 2**20
"""Bytes of a list that is read; a million clips with a sentence each take about as many."""

MAX_COLUMNS = 200

MAX_CELL = 131_072
"""Letters of a cell, the limit of Python's CSV reader."""

CLIP_COLUMNS = ("clip", "path")
"""Columns that name the clip, of which a list has one."""

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class ListedClip:
    """A clip to predict for, and what is known about it.

    Parameters
    ----------
    clip : str or None
        The file. None: text alone.
    text : str or None
        What is said.
    transcript : str or None
        The file of what is said.
    beside : tuple of str
        Files beside the clip that may be its transcript, the first that can be read counts.
    columns : mapping of str
        All columns of its row in a list: text, numbers, or whatever JSON holds.
    """

    clip: str | None = None
    text: str | None = None
    transcript: str | None = None
    beside: tuple[str, ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """Name of the clip, as `Prediction.source` gives it."""
        return "text alone" if self.clip is None else readable(self.clip)

    @property
    def files(self) -> list[str]:
        """Files that the prediction depends on."""
        return [name for name in (self.clip, self.transcript, *self.beside) if name is not None]

    @property
    def has_text(self) -> bool:
        """Whether there is text, or a file that may hold it."""
        return bool(self.text or self.transcript or self.beside)


def read_list(path: Path) -> list[ListedClip]:
    """Read a list of clips; relative paths in it are relative to its folder.

    Parameters
    ----------
    path : Path
        CSV with a header (separated by commas, semicolons or tabs) or JSONL, with the column `clip`
        or `path`, `text`, or both; `transcript` is the file of what is said. A row without a clip
        is text alone. Or .txt: a path a line.

    Raises
    ------
    MienError
        The list can't be read, names no clips, or has a row that is no row.

    Examples
    --------
    >>> read_list(Path("clips.csv"))[0]                              # doctest: +SKIP
    ListedClip(clip='clips/a.wav', text='I am glad.', transcript=None, ...)
    """
    rows = list(READERS[path.suffix.lower()](_text_of(path), path))
    if not rows:
        raise MienError(f"{path} lists no clips")
    names = dict.fromkeys(name for _, row in rows for name in row)
    if not {*CLIP_COLUMNS, "text"} & {*names}:
        found = ", ".join(name[:40] for name in list(names)[:20])
        raise MienError(f"{path} has no column clip, path or text; its columns are {found}")
    if {*CLIP_COLUMNS} <= {*names}:
        raise MienError(f"{path} has the columns clip and path: keep the one that names the files")
    if len(names) > MAX_COLUMNS:
        raise MienError(f"{path} has {len(names):,} columns, more than {MAX_COLUMNS}")
    return [_listed(path, number, row) for number, row in rows]


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_LIST + 1)
        if len(content) > LARGEST_LIST:
            raise MienError(f"{path} has more than {LARGEST_LIST:,} bytes: split it")
        text = decode_text(content)
    except OSError as error:
        raise MienError(f"{path} can't be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise MienError(f"{path} is not UTF-8 text: save it as UTF-8") from error
    if "\0" in text:
        raise MienError(f"{path} holds zero bytes: it is no list of clips")
    return text


def _csv_rows(text: str, path: Path) -> Iterator[tuple[int, Fields]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text))
    try:
        names = [_column(cell) for cell in next(reader, [])]
        if twice := [name for name, count in Counter(names).items() if name and count > 1]:
            raise MienError(f"{path} has more than one column {twice[0][:40]}: keep one")
        for cells in reader:
            if any(cells[len(names) :]):
                raise MienError(
                    f"{path}, line {reader.line_num}: more cells than columns; put text that holds"
                    " the separator in quotation marks"
                )
            if any(cell.strip() for cell in cells):
                cells += [""] * (len(names) - len(cells))
                row = dict(zip(names, cells, strict=False))
                row.pop("", None)
                yield reader.line_num, row
    except csv.Error as error:
        raise MienError(f"{path}, line {reader.line_num}: can't be read ({error})") from error


def _separator(text: str) -> str:
    """Tell by the header whether cells are separated by commas, semicolons or tabs."""
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)


def _column(name: str) -> str:
    """Clean the name of a column; those that have a meaning are lower-case."""
    plain = strip_invisible(readable(name)).strip()
    return plain.lower() if plain.lower() in (*CLIP_COLUMNS, "text", "transcript") else plain


def _json_rows(text: str, path: Path) -> Iterator[tuple[int, Fields]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_constant=_refuse)
            json.dumps(row, allow_nan=False)  # 1e400 is legal JSON, and infinite
        except (ValueError, RecursionError) as error:
            raise MienError(f"{path}, line {number}: no JSON ({error})") from error
        if not isinstance(row, dict):
            raise MienError(f"{path}, line {number}: no JSON object, such as {{'clip': 'a.wav'}}")
        yield number, {_column(name): _clean(value) for name, value in row.items()}


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON number")


def _clean(value: Any) -> Any:
    """Make all text of a value such that it can be written; nothing else changes."""
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, list):
        return [_clean(one) for one in value]
    if isinstance(value, dict):
        return {readable(name): _clean(one) for name, one in value.items()}
    return value


def _lines(text: str, path: Path) -> Iterator[tuple[int, Fields]]:
    for number, line in enumerate(strip_invisible(text).splitlines(), start=1):
        if line.strip():
            yield number, {"clip": line.strip()}


READERS: dict[str, Callable[[str, Path], Iterator[tuple[int, Fields]]]] = {
    ".csv": _csv_rows,
    ".jsonl": _json_rows,
    ".txt": _lines,
}
"""The reader of each kind of list, by its suffix."""


def _listed(path: Path, number: int, row: Fields) -> ListedClip:
    values = {name: _words(path, number, row, name) for name in (*CLIP_COLUMNS, "text")}
    clip = values["clip"] or values["path"]
    transcript = _words(path, number, row, "transcript")
    if clip is None and (values["text"] is None or transcript is not None):
        raise MienError(f"{path}, line {number}: it names no clip, and has no text")
    # the columns of a list of paths say nothing that the clip itself does not
    columns = {} if path.suffix.lower() == ".txt" else dict(row)
    return ListedClip(
        clip=None if clip is None else str(path.parent / clip),
        text=values["text"],
        transcript=None if transcript is None else str(path.parent / transcript),
        columns=columns,
    )


def _words(path: Path, number: int, row: Fields, name: str) -> str | None:
    """Return a cell that must be text, None where it is empty."""
    value = row.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise MienError(f"{path}, line {number}: {name} is {str(value)[:40]}, and must be text")
    if len(value) > MAX_CELL:
        raise MienError(f"{path}, line {number}: {name} has more than {MAX_CELL:,} letters")
    return value.strip() or None
