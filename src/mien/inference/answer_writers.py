"""Write rows of predictions one by one, as JSONL, CSV or Parquet, and tell what a file holds."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from mien.errors import MienError, brief
from mien.files import atomic_write, sync
from mien.inference.answer_columns import AnswerColumns, Row

ROW_GROUP = 10_000
"""Rows of a row group of Parquet: as many are in memory."""

FORMULA = tuple("=+-@\t\r")
"""What a cell begins with that a spreadsheet takes for a formula."""


class AnswerWriter(Protocol):
    """Writes the rows of a new file in their order; an existing file is replaced."""

    def add(self, document: Row) -> None:
        """Add a row, as `AnswerColumns.document` gives it. Raises `OSError`."""

    def finish(self) -> None:
        """Complete the file, and wait until it is on the disk. Raises `OSError` or `MienError`."""

    def abandon(self) -> None:
        """Close a file that is not complete."""


class LineWriter:
    """Writes each row as text when it comes, so that whoever reads the file sees it.

    Parameters
    ----------
    path : Path
        The file.
    header : str
        What it begins with.
    line : callable
        Writes a row as text.
    """

    def __init__(self, path: Path, header: str, line: Callable[[Row], str]) -> None:
        self._path, self._line = path, line
        self._file = path.open("wb")
        self._file.write(header.encode())

    def add(self, document: Row) -> None:
        """Add a row."""
        self._file.write(self._line(document).encode())
        self._file.flush()

    def finish(self) -> None:
        """Complete the file."""
        self._file.close()
        sync(self._path)
        sync(self._path.parent)

    def abandon(self) -> None:
        """Close the file as it is."""
        self._file.close()


def jsonl_writer(path: Path, columns: AnswerColumns) -> LineWriter:
    """Write a JSON object a line: the whole prediction, and the columns of the list."""
    return LineWriter(
        path, "", lambda row: json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"
    )


def csv_writer(path: Path, columns: AnswerColumns) -> LineWriter:
    """Write a table for spreadsheets, in which no text is taken for a formula.

    Text that would be begins with an apostrophe, as
    https://owasp.org/www-community/attacks/CSV_Injection advises.
    """
    return LineWriter(
        path,
        _cells([*columns.types]),
        lambda row: _cells([_safe(cell) for cell in columns.flat(row).values()]),
    )


def _cells(cells: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _safe(cell: Any) -> Any:
    """Keep a spreadsheet from computing a cell of text; numbers stay numbers."""
    if not isinstance(cell, str) or not cell.startswith(FORMULA) or _is_number(cell):
        return cell
    return f"'{cell}"


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


class ParquetWriter:
    """Writes the same columns as CSV, typed. The file appears when all of it is written.

    Parameters
    ----------
    path : Path
        The file.
    columns : AnswerColumns
        Its columns.
    """

    def __init__(self, path: Path, columns: AnswerColumns) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        kinds = {str: pa.string(), float: pa.float64(), int: pa.int64(), bool: pa.bool_()}
        kinds |= {list: pa.list_(pa.float32())}
        self._columns = columns
        self._schema = pa.schema([(name, kinds[kind]) for name, kind in columns.types.items()])
        self._rows: list[Row] = []
        self._open = ExitStack()
        part = self._open.enter_context(atomic_write(path))
        self._file = self._open.enter_context(pq.ParquetWriter(part, self._schema))

    def add(self, document: Row) -> None:
        """Add a row, to be written with others."""
        self._rows.append(self._columns.flat(document))
        if len(self._rows) == ROW_GROUP:
            self._write()

    def _write(self) -> None:
        import pyarrow as pa

        self._file.write_table(pa.Table.from_pylist(self._rows, self._schema))
        self._rows = []

    def finish(self) -> None:
        """Complete the file, and give it its name."""
        if self._rows:
            self._write()
        self._open.close()

    def abandon(self) -> None:
        """Remove what is written."""
        # as an error within `with` does
        stopped = Exception("not complete")
        self._open.__exit__(type(stopped), stopped, None)


WRITERS: dict[str, Callable[[Path, AnswerColumns], AnswerWriter]] = {
    ".jsonl": jsonl_writer,
    ".csv": csv_writer,
    ".parquet": ParquetWriter,
}
"""The writer of each kind of file, by its suffix."""


class WrittenRow(NamedTuple):
    """What tells whose a row of a file is, and whether it failed."""

    source: str
    error: str | None


def written_rows(path: Path) -> Iterator[WrittenRow]:
    """Read the clips of a file that was written here, and which of them failed.

    Raises
    ------
    MienError
        It can't be read, or holds something else.
    """
    try:
        yield from _READERS[path.suffix.lower()](path)
    except (OSError, ValueError, LookupError, TypeError, csv.Error) as error:
        why = brief(error)
        raise MienError(f"{path} is no file of predictions ({why})", parameter="out") from error


def _of_jsonl(path: Path) -> Iterator[WrittenRow]:
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            row = json.loads(line)
            yield WrittenRow(row["source"], row["error"])


def _of_csv(path: Path) -> Iterator[WrittenRow]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            source = row["source"]
            bare = source.removeprefix("'")
            yield WrittenRow(bare if _safe(bare) == source else source, row["error"] or None)


def _of_parquet(path: Path) -> Iterator[WrittenRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=["source", "error"]):
                for row in batch.to_pylist():
                    yield WrittenRow(row["source"], row["error"])
    except pa.ArrowException as error:
        raise ValueError(brief(error)) from error


_READERS = {".jsonl": _of_jsonl, ".csv": _of_csv, ".parquet": _of_parquet}
