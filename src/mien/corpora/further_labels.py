"""Labels of other tasks in a list of clips: columns ``label:NAME``, and those of affect."""

from collections.abc import Mapping
from typing import Any

from mien.corpora.columns import LABEL
from mien.corpora.table import RowError, given, to_float
from mien.names import normalise_name

DIMENSIONS = ("valence", "arousal", "dominance")
"""Labels that have columns of their own; numbers on one scale of the corpus."""

HIGHEST = 1e6
"""No label is a number above it, or below minus this."""

LONGEST = 200
"""Letters of a label in words."""


def read_labels(row: Mapping[str, Any]) -> dict[str, float | str]:
    """Give the labels of a row by their names.

    Raises
    ------
    RowError
        A number is out of range or none, a word is too long, or a cell holds something else.

    Examples
    --------
    >>> read_labels({"text": "Hi.", "valence": "3.5", "arousal": "", "label:stance": "for"})
    {'valence': 3.5, 'stance': 'for'}
    """
    found: dict[str, float | str] = {}
    for column in row:
        if column not in DIMENSIONS and not column.startswith(LABEL):
            continue
        word = _word(row, column)
        if word is None:
            continue
        name = column.removeprefix(LABEL)
        if name in found or not name:
            raise RowError(f"{column} names no label, or one that another column gives")
        number = column in DIMENSIONS or name in DIMENSIONS or _is_number(word)
        found[name] = to_float(word, column, -HIGHEST, HIGHEST) if number else _short(word, column)
    return found


def _word(row: Mapping[str, Any], column: str) -> str | None:
    value = row[column]
    if isinstance(value, list | dict | bool):
        raise RowError(f"{column} must be one number or word")
    return None if value is None else given({column: str(value)}, column)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _short(word: str, column: str) -> str:
    if len(word) > LONGEST:
        kind = f"label of more than {LONGEST} letters"
        raise RowError(f"{column} has {len(word):,} letters", kind)
    return normalise_name(word)
