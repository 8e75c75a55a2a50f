"""Read the rows of a list of clips from a CSV or a JSONL file."""

import json
from collections import Counter
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

from mien.corpora.columns import COLUMNS, CONTENT, column, misnamed, separator
from mien.corpora.table import MAX_COLUMNS, RowError, cell_value, check_text, read_table
from mien.encoding import decode_text
from mien.errors import MienError

ManifestRow = Mapping[str, Any]
ManifestRows = list[tuple[int, ManifestRow | RowError]]


def read_clip_rows(source: Path) -> ManifestRows:
    """Read the rows of a list; a row that can't be read is a `RowError`.

    Returns
    -------
    list of (int, ManifestRow or RowError)
        Each row with the number of its line; known columns have their normalised names.

    Raises
    ------
    MienError
        The file is missing, empty, not a list of clips, or can't be read; or a column seems to be
        meant for another one.
    """
    readers = {".csv": _csv_rows, ".jsonl": _jsonl_rows}
    if source.suffix.lower() not in readers:
        raise MienError(f"{source} must be a .csv or a .jsonl file that lists your clips")
    try:
        text = decode_text(source.read_bytes(), "surrogateescape")
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
    return rows


def _check_columns(rows: list[ManifestRow], source: Path) -> None:
    """Refuse a list without media and text, or with misnamed columns. Raises `MienError`."""
    found = list(dict.fromkeys(chain.from_iterable(rows)))
    if len(found) > MAX_COLUMNS:
        raise MienError(f"{source} has {len(found):,} columns, more than {MAX_COLUMNS:,}")
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


def _csv_rows(text: str, source: Path) -> ManifestRows:
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
    # a spreadsheet keeps columns that were once used; rows may lack their last cells
    nameless = [f"column {at}" for at in range(1, len(header) + 1)]
    empty = {name for name in nameless if not any(cell_value(row, name) for row in cells)}
    kept = [pair for pair in zip(header, names, strict=True) if pair[0] not in empty]
    return [
        (line, row if isinstance(row, RowError) else {to: row.get(name, "") for name, to in kept})
        for line, row in rows
    ]


def _jsonl_rows(text: str, source: Path) -> ManifestRows:
    lines = enumerate(text.split("\n"), start=1)
    return [(number, _json_row(line)) for number, line in lines if line.strip()]


def _json_row(line: str) -> ManifestRow | RowError:
    try:
        row = json.loads(line, parse_constant=_refuse)
        # A lone surrogate and 1e400 are legal JSON but can't be stored later.
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
