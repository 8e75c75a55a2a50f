"""A timeline as tables: segments, words and courses."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mien.files import atomic_write
from mien.inference.timeline import Timeline
from mien.report.timeline.columns import Cell, segment_columns
from mien.report.timeline.plain_text import plain_text

FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula."""


def segments_csv(timeline: Timeline) -> str:
    """Write a row for each segment, with the columns of `segment_columns`."""
    columns = segment_columns(timeline)
    return _csv(list(columns), zip(*(one.cells for one in columns.values()), strict=True))


def words_csv(timeline: Timeline) -> str:
    """Write a row for each word; `segment` is the number of its segment."""
    rows = (
        (number, round(word.start, 3), round(word.end, 3), one.speaker, word.text, word.probability)
        for number, one in enumerate(timeline.segments, 1)
        for word in one.words
    )
    return _csv(["segment", "start", "end", "speaker", "word", "probability"], rows)


def courses_csv(timeline: Timeline) -> str:
    """Write a row for each speaker, task, label and time; empty where there is no score."""
    return _csv(["speaker", "task", "label", "time", "score"], _course_rows(timeline))


def _course_rows(timeline: Timeline) -> Iterator[tuple[Cell, ...]]:
    for course in timeline.courses:
        for label, scores in course.scores.items():
            for time, score in zip(course.times, scores, strict=True):
                yield course.speaker, course.task, label, time, score


def _csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Write CSV; text is on one line, and no spreadsheet takes it for a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(map(_safe, row) for row in rows)
    return text.getvalue()


def _safe(cell: Cell) -> Cell:
    return safe_text(cell) if isinstance(cell, str) else cell


def safe_text(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would take for a formula.

    Before text that begins with an apostrophe there is another, so that to take one away where the
    text begins with one gives the text back.

    Examples
    --------
    >>> safe_text("=1+1"), safe_text("'t was"), safe_text("so be it")
    ("'=1+1", "''t was", 'so be it')
    """
    plain = plain_text(text)
    return f"'{plain}" if plain.startswith((*FORMULA, "'")) else plain


def write_parquet(timeline: Timeline, path: Path) -> None:
    """Write the columns of `segment_columns` as Parquet, with text as it is.

    Raises
    ------
    MienError
        The file can't be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64()}
    columns = segment_columns(timeline)
    table = pa.table({name: pa.array(c.cells, kinds[c.kind]) for name, c in columns.items()})
    with atomic_write(path) as part:
        pq.write_table(table, part)
