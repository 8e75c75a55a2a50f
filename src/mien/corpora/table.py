"""Read tables and their cells; an invalid row is reported and the others are read."""

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mien.errors import MienError
from mien.names import strip_invisible
from mien.utterance import MAX_TIME, Skipped

MAX_CELL = 131_072
"""Letters of a cell, the limit of Python's CSV reader: no turn has so many."""

MAX_COLUMNS = 1000

MISSING = frozenset(
    (
        *("", "-", "–", "—", "nan", "NaN", "NAN", "none", "None", "NONE", "null", "Null", "NULL"),
        *("na", "NA", "n/a", "N/A", "#N/A", "#NA", "<NA>", "n.a.", "N.A."),
    )
)
"""What spreadsheets and programs write for a missing value. ``Nan`` and ``Na`` are names."""

_NUMBER = re.compile(r"[-+]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?", re.ASCII)
_LONGEST_NUMBER = 400

Row = Mapping[str, str]


class RowError(MienError):
    """The reason why a row can't be used; `kind` is the same for all rows with the same fault."""

    def __init__(self, reason: str, kind: str = "") -> None:
        super().__init__(reason)
        self.kind = kind or reason

    def skipped(self, name: str, source: str) -> Skipped:
        """Return the record of the skipped row."""
        return Skipped(name, str(self), source, self.kind)


class ParsedTable(NamedTuple):
    """The names of the columns, and each row with the number of its last line."""

    names: list[str]
    rows: Iterator[tuple[int, Row | RowError]]


class _Lines(Iterator[str]):
    """The lines of a text; `at` is the number of lines read, and may be set back."""

    def __init__(self, text: str) -> None:
        self.lines = io.StringIO(text, newline="").readlines()
        self.at = 0

    def __next__(self) -> str:
        if self.at == len(self.lines):
            raise StopIteration
        self.at += 1
        return self.lines[self.at - 1]


def read_table(text: str, *, lenient: bool = False) -> ParsedTable:
    r"""Read a CSV table with a header.

    A row that is not CSV (with a quotation mark that is never closed, or a cell longer than
    `MAX_CELL`), or holds zero bytes or more cells than there are columns, becomes a `RowError`, and
    reading goes on with the line after its first. Missing cells are missing in the row. A column
    without a name is called by its number.

    Parameters
    ----------
    text : str
        The table, with line ends of any kind.
    lenient : bool
        Accept a line with unbalanced quotation marks as it is.

    Raises
    ------
    RowError
        The header can't be read.

    Examples
    --------
    >>> table = read_table('id,text\na,"never closed\nb,fine\n')
    >>> [(line, isinstance(row, RowError)) for line, row in table.rows]
    [(2, True), (3, False)]
    """
    found = _records(text, lenient)
    _, header = next(found, (0, []))
    if isinstance(header, RowError):
        raise header
    if len(header) > MAX_COLUMNS:
        raise RowError(f"has {len(header):,} columns, more than {MAX_COLUMNS:,}")
    for name in header:
        check_text(name)
    names = [
        strip_invisible(name).strip() or f"column {at}" for at, name in enumerate(header, start=1)
    ]
    return ParsedTable(names, ((line, _row(names, cells)) for line, cells in found if cells))


def _records(text: str, lenient: bool) -> Iterator[tuple[int, list[str] | RowError]]:
    lines = _Lines(text)
    reader = csv.reader(lines, strict=True)
    cells: list[str] | RowError
    while lines.at < len(lines.lines):
        first = lines.at
        try:
            cells = next(reader)
        except csv.Error as error:
            lines.at = first + 1
            cells = _alone(lines.lines[first], error, lenient)
        yield lines.at, cells


def _alone(line: str, error: csv.Error, lenient: bool) -> list[str] | RowError:
    """Read a line that is not CSV leniently, or return why it can't be read."""
    try:
        if lenient:
            return next(csv.reader([line.rstrip("\r\n")]))
    except csv.Error as again:
        error = again
    return RowError(f"is not CSV: {error}", "row that is not CSV")


def _row(names: Sequence[str], cells: list[str] | RowError) -> Row | RowError:
    if isinstance(cells, RowError):
        return cells
    if len(cells) > len(names):
        kind = "row with another number of cells than columns"
        return RowError(f"{len(cells)} cells under {len(names)} columns", kind)
    try:
        for cell in cells:
            check_text(cell)
    except RowError as error:
        return error
    return dict(zip(names, cells, strict=False))


def check_text(text: str) -> None:
    """Refuse text that no cell may hold. Raises `RowError`."""
    if len(text) > MAX_CELL:
        raise RowError(f"a cell of {len(text):,} letters", "cell that is too long")
    if "\0" in text:
        raise RowError("a cell holds zero bytes")
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
        raise RowError("a cell is not UTF-8 text")


def cell_value(row: Mapping[str, Any], column: str) -> str | None:
    """Return a cell without surrounding spaces; None where the value is missing.

    >>> cell_value({"person": " N/A"}, "person"), cell_value({"person": "Nan "}, "person")
    (None, 'Nan')
    """
    word = str(row.get(column) or "").strip()
    return None if word in MISSING else word


def to_float(word: str, column: str, low: float = 0.0, high: float = MAX_TIME) -> float:
    """Read a number within inclusive limits. Raises `RowError`.

    >>> to_float("1.5e1", "start")
    15.0
    """
    plain = word.strip()
    fits = len(plain) <= _LONGEST_NUMBER and _NUMBER.fullmatch(plain) is not None
    number = float(plain) if fits else math.nan
    if not low <= number <= high:
        limits = f"from {low:g} to {high:g}"
        raise RowError(
            f"{column} is {_quoted(word)}, not a number {limits}",
            f"{column} is not a number {limits}",
        )
    return number


def to_int(word: str, column: str, low: int = 0, high: int = 10**9) -> int:
    """Read an integer within inclusive limits. Raises `RowError`.

    >>> to_int("3", "audio_channel"), to_int("3.0", "audio_channel")
    (3, 3)
    """
    try:
        number = to_float(word, column, low, high)
    except RowError:
        number = math.nan
    if not number.is_integer():
        limits = f"from {low} to {high}"
        raise RowError(
            f"{column} is {_quoted(word)}, not a whole number {limits}",
            f"{column} is not a whole number {limits}",
        )
    return int(number)


def _quoted(word: str) -> str:
    return repr(word if len(word) <= 40 else f"{word[:40]}…")
