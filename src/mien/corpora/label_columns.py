"""Columns of labels in a list of clips: ``label:NAME``, and those of affect."""

from collections.abc import Mapping
from typing import Any

from mien.corpora.columns import LABEL
from mien.corpora.table import RowError, cell_value, to_float
from mien.names import normalise_name

DIMENSIONS = ("valence", "arousal", "dominance")
"""Labels with columns of their own; numbers on one scale of the corpus."""

MAX_VALUE = 1e6
"""Largest absolute value of a numeric label."""

MAX_LETTERS = 200
"""Letters of a text label."""


def read_labels(row: Mapping[str, Any]) -> dict[str, float | str]:
    """Return the labels of a row by name.

    Raises
    ------
    RowError
        A number is invalid or out of range, a text is too long, or a cell holds something else.

    Examples
    --------
    >>> read_labels({"text": "Hi.", "valence": "3.5", "arousal": "", "label:stance": "for"})
    {'valence': 3.5, 'stance': 'for'}
    """
    found: dict[str, float | str] = {}
    for column in row:
        if column not in DIMENSIONS and not column.startswith(LABEL):
            continue
        word = _cell(row, column)
        if word is None:
            continue
        name = column.removeprefix(LABEL)
        if name in found or not name:
            raise RowError(f"{column} names no label, or one that another column gives")
        number = column in DIMENSIONS or name in DIMENSIONS or _is_number(word)
        found[name] = (
            to_float(word, column, -MAX_VALUE, MAX_VALUE) if number else _checked_word(word, column)
        )
    return found


def _cell(row: Mapping[str, Any], column: str) -> str | None:
    value = row[column]
    if isinstance(value, list | dict | bool):
        raise RowError(f"{column} must be one number or word")
    return None if value is None else cell_value({column: str(value)}, column)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _checked_word(word: str, column: str) -> str:
    if len(word) > MAX_LETTERS:
        kind = f"label of more than {MAX_LETTERS} letters"
        raise RowError(f"{column} has {len(word):,} letters", kind)
    return normalise_name(word)
