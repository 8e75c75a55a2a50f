"""The columns of a timeline's segments, which CSV and Parquet share."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from mien.inference.answered import answered, numbers, tasks_of, unanswered
from mien.inference.timeline import Timeline, TimelineSegment

Cell = str | int | float | None
"""A value in a table; None: there is none."""

SEPARATOR = ";"
"""Between several labels, or modalities, in a cell."""

LONGEST_NAME = 60
"""Characters of the name of a column: SPSS takes 64 bytes."""


@dataclass(frozen=True)
class Column:
    """A column: the kind of its values, and the values."""

    kind: Literal["text", "integer", "number"]
    cells: list[Cell]


def segment_columns(timeline: Timeline) -> dict[str, Column]:
    """Give the columns of a table with a row for each segment.

    `segment` counts from 1. For each task there are `TASK_decision`, a column for each score or
    value, `TASK_LABEL`, and `TASK_abstained`, why it is not answered. Names are of ASCII letters,
    digits and underscores, as R and SPSS take them, and differ in more than their case.
    """
    segments = timeline.segments
    columns = {
        "segment": Column("integer", list(range(1, len(segments) + 1))),
        "start": Column("number", [round(one.start, 3) for one in segments]),
        "end": Column("number", [round(one.end, 3) for one in segments]),
        "speaker": Column("text", [one.speaker for one in segments]),
        "mark": Column("text", [one.mark for one in segments]),
        "text": Column("text", [one.text for one in segments]),
        "face": Column("integer", [one.face for one in segments]),
        "modalities": Column("text", [SEPARATOR.join(one.modalities) for one in segments]),
    }
    for task in tasks_of(segments):
        _add_task(columns, task, segments)
    return columns


def _add_task(columns: dict[str, Column], task: str, segments: list[TimelineSegment]) -> None:
    found = [answered(one, task) for one in segments]
    held = [numbers(one.answers[task]) if task in one.answers else {} for one in segments]
    decisions: list[Cell] = [SEPARATOR.join(one.decision) if one else None for one in found]
    columns[column_name(f"{task}_decision", columns)] = Column("text", decisions)
    for label in dict.fromkeys(name for row in held for name in row):
        cells: list[Cell] = [_rounded(row.get(label)) for row in held]
        columns[column_name(f"{task}_{label}", columns)] = Column("number", cells)
    why: list[Cell] = [None if one.mark else unanswered(one, task) for one in segments]
    columns[column_name(f"{task}_abstained", columns)] = Column("text", why)


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 6)


def column_name(text: str, taken: Collection[str]) -> str:
    """Make the name of a column of ASCII letters, digits and underscores that is not taken.

    Examples
    --------
    >>> column_name("person_Zoë Lang", ["person_Zoe_Lang"])
    'person_Zoe_Lang_2'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = re.sub(r"\W+", "_", plain).strip("_")
    plain = (plain if plain[:1].isalpha() else f"x_{plain}")[:LONGEST_NAME].rstrip("_")
    used = {name.lower() for name in taken}
    count, chosen = 1, plain
    while chosen.lower() in used:
        count += 1
        chosen = f"{plain}_{count}"
    return chosen
