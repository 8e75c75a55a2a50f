"""The columns of predictions in a table: one for each decision and score, names in plain ASCII."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mien.encoding import readable
from mien.inference.prediction import Failure, Prediction

SEPARATOR = "; "
"""Between the items of a list in one cell."""

BEFORE: dict[str, type] = {
    **{"source": str, "error": str, "seconds": float},
    **{"modalities": str, "faces": int, "faces_found": int},
}
"""Columns before those of the tasks, and what their cells are."""

AFTER: dict[str, type] = {
    **{"abstained": str, "person": str, "references": int, "warnings": str},
    **{"synthetic_training": bool, "run": str},
}
"""Columns behind those of the tasks."""

Row = dict[str, Any]


@dataclass(frozen=True)
class TaskLabels:
    """The name of a task, and those of its scores or numbers."""

    name: str
    labels: tuple[str, ...]


def column_name(name: str) -> str:
    """Write a name in ASCII letters, digits and underscores.

    Examples
    --------
    >>> column_name("Zoë's age (years)"), column_name("年齢")
    ('Zoes_age_years', 'column')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"\W+", "_", plain.replace("'", ""), flags=re.ASCII).strip("_") or "column"


def distinct_name(name: str, taken: Iterable[str]) -> str:
    """Add a number to a name that is taken.

    Examples
    --------
    >>> distinct_name("age", ["age", "age_2"])
    'age_3'
    """
    names, number, found = {*taken}, 1, name
    while found in names:
        number += 1
        found = f"{name}_{number}"
    return found


class AnswerColumns:
    """The columns of a table of predictions, in their order.

    Parameters
    ----------
    tasks : sequence of TaskLabels
        Of the model.
    listed : iterable of str
        The columns of the list of clips, which come last. One whose name mien uses itself gets the
        prefix ``list_``.
    embedding : bool
        Whether the embedding is kept.

    Attributes
    ----------
    listed : dict of str to str
        For each column of the list its name in the table.
    types : dict of str to type
        For each column what its cells are: str, float, int, bool or list (of numbers).
    """

    def __init__(
        self, tasks: Sequence[TaskLabels], listed: Iterable[str] = (), *, embedding: bool = False
    ) -> None:
        self.embedding = embedding
        self.types: dict[str, type] = dict(BEFORE)
        self._decisions: dict[str, str] = {}
        self._scores: dict[tuple[str, str], str] = {}
        for task in tasks:
            name = column_name(task.name)
            name = f"{name}_decision" if name in BEFORE | AFTER else name
            self._decisions[task.name] = self._add(name, str)
            for label in task.labels:
                ending = "value" if label == task.name else label
                name = column_name(f"{task.name}_{ending}")
                self._scores[task.name, label] = self._add(name, float)
        self.types |= AFTER | ({"embedding": list} if embedding else {})
        own = {*self.types, "embedding", *Prediction.model_fields}
        self.listed: dict[str, str] = {}
        for column in listed:
            name = column_name(column)
            name = f"list_{name}" if name in own else name
            self.listed[column] = self._add(distinct_name(name, own), str)

    def _add(self, name: str, kind: type) -> str:
        name = distinct_name(name, self.types | AFTER)
        self.types[name] = kind
        return name

    def document(self, row: Row, listed: Mapping[str, Any]) -> Row:
        """Complete the row of a clip: what was predicted, and the columns of the list."""
        names = ("source", "error", *Prediction.model_fields)
        own = {name: row.get(name) for name in names}
        if not self.embedding:
            del own["embedding"]
        return own | {name: listed.get(column) for column, name in self.listed.items()}

    def flat(self, document: Row) -> Row:
        """Give the cells of a row, by column; None where there is nothing."""
        cells = dict.fromkeys(self.types) | {n: document.get(n) for n in self.types}
        answers = document.get("answers") or {}
        for name, column in self._decisions.items():
            decision = answers.get(name, {}).get("decision")
            cells[column] = SEPARATOR.join(decision) if decision else None
        for (name, label), column in self._scores.items():
            task = answers.get(name, {})
            numbers = task.get("scores", {}) | task.get("values", {})
            cells[column] = numbers.get(label)
        for name in ("modalities", "warnings"):
            cells[name] = SEPARATOR.join(document[name] or ()) or None
        cells["abstained"] = SEPARATOR.join(map(_reason, document["abstained"] or ())) or None
        return cells | {name: _text(document[name]) for name in self.listed.values()}


def _reason(reason: Mapping[str, Any]) -> str:
    what = f"{reason['kind']} ({reason['detail']})"
    return f"{reason['task']}: {what}" if reason["task"] else what


def _text(value: Any) -> str | None:
    """Write a value of a list as text, as JSON unless it is text already."""
    if value is None or isinstance(value, str):
        return value or None
    return json.dumps(value, ensure_ascii=False)


def answer_row(result: Prediction | Failure) -> Row:
    """Give the row of a result."""
    if isinstance(result, Prediction):
        return result.model_dump(mode="json")
    return {"source": readable(result.source), "error": readable(result.reason)}
