"""Tables and their cells, as every importer reads them: one odd row costs that row alone."""

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mien.errors import MienError
from mien.names import strip_invisible
from mien.utterance import Skipped

LONGEST_CELL = 131_072
"""Letters of a cell, the limit of Python's CSV reader: nobody says so much in one turn."""

MOST_COLUMNS = 1000

LATEST = 1e7
"""Seconds, some 115 days: no recording is as long."""

MISSING = frozenset(
    (
        *("", "-", "–", "—", "nan", "NaN", "NAN", "none", "None", "NONE", "null", "Null", "NULL"),
        *("na", "NA", "n/a", "N/A", "#N/A", "#NA", "<NA>", "n.a.", "N.A."),
    )
)
"""What spreadsheets and programs write into an empty cell. ``Nan`` and ``Na`` are names."""

_NUMBER = re.compile(r"[-+]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?", re.ASCII)
_LONGEST_NUMBER = 400

Row = Mapping[str, str]


class RowError(MienError):
    """Why one row of a table can't be used; `kind` is the same for all rows of one fault."""

    def __init__(self, reason: str, kind: str = "") -> None:
        super().__init__(reason)
        self.kind = kind or reason

    def skipped(self, name: str, source: str) -> Skipped:
        """Record the row."""
        return Skipped(name, str(self), source, self.kind)


class Table(NamedTuple):
    """The names of the columns, and each row with the number of the line where it ends."""

    names: list[str]
    rows: Iterator[tuple[int, Row | RowError]]


class _Lines(Iterator[str]):
    """The lines of a text; `at` is the number of those read, and may be set back."""

    def __init__(self, text: str) -> None:
        self.lines = io.StringIO(text, newline="").readlines()
        self.at = 0

    def __next__(self) -> str:
        if self.at == len(self.lines):
            raise StopIteration
        self.at += 1
        return self.lines[self.at - 1]


def read_table(text: str, *, lenient: bool = False) -> Table:
    r"""Read a CSV table with a header.

    A row that is no CSV (with a quotation mark that is never closed, or a cell longer than
    `LONGEST_CELL`), holds zero bytes or more cells than there are columns becomes a `RowError`, and
    reading goes on with the line after its first. Cells that a row lacks are missing in it. A
    column without a name is called by its number.

    Parameters
    ----------
    text : str
        The table, line ends of any kind.
    lenient : bool
        Take a line with stray quotation marks as it stands.

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
    if len(header) > MOST_COLUMNS:
        raise RowError(f"has {len(header):,} columns, more than {MOST_COLUMNS:,}")
    for name in header:
        check_text(name)
    names = [
        strip_invisible(name).strip() or f"column {at}" for at, name in enumerate(header, start=1)
    ]
    return Table(names, ((line, _row(names, cells)) for line, cells in found if cells))


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
    """Read a line that is no CSV, or say why it can't be."""
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
    """Refuse what no cell may hold. Raises `RowError`."""
    if len(text) > LONGEST_CELL:
        raise RowError(f"a cell of {len(text):,} letters", "cell that is too long")
    if "\0" in text:
        raise RowError("a cell holds zero bytes")
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
        raise RowError("a cell is not UTF-8 text")


def given(row: Mapping[str, Any], column: str) -> str | None:
    """Give a cell without the spaces around it; None where it is missing, or says so.

    >>> given({"person": " N/A"}, "person"), given({"person": "Nan "}, "person")
    (None, 'Nan')
    """
    word = str(row.get(column) or "").strip()
    return None if word in MISSING else word


def to_float(word: str, column: str, low: float = 0.0, high: float = LATEST) -> float:
    """Read a number within its limits, which are part of it. Raises `RowError`.

    >>> to_float("1.5e1", "start")
    15.0
    """
    plain = word.strip()
    fits = len(plain) <= _LONGEST_NUMBER and _NUMBER.fullmatch(plain) is not None
    number = float(plain) if fits else math.nan
    if not low <= number <= high:
        limits = f"from {low:g} to {high:g}"
        raise RowError(
            f"{column} is {_shown(word)}, not a number {limits}",
            f"{column} is not a number {limits}",
        )
    return number


def to_int(word: str, column: str, low: int = 0, high: int = 10**9) -> int:
    """Read a whole number within its limits, which are part of it. Raises `RowError`.

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
            f"{column} is {_shown(word)}, not a whole number {limits}",
            f"{column} is not a whole number {limits}",
        )
    return int(number)


def _shown(word: str) -> str:
    return repr(word if len(word) <= 40 else f"{word[:40]}…")
