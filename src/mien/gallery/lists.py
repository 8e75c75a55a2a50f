"""Lists of clips and the persons in them: to enrol many, or to calibrate by."""

import csv
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from mien.errors import MienError
from mien.files import fingerprint
from mien.gallery.records import Enrolment
from mien.gallery.spelling import check_name
from mien.identity.embedder import Encoder
from mien.names import canonical_name

Note = Callable[[Path, str], object]
"""Takes a clip, and what could not be used of it."""

_Item = TypeVar("_Item")
_Value = TypeVar("_Value")

SHOWN = 10
"""Rows at fault that are named; the others are counted."""


@dataclass(frozen=True)
class Row:
    """A clip of a list.

    Parameters
    ----------
    number : int
        Its place in the list, from 1.
    clip : Path
        The file.
    values : dict of str
        What stands in the columns, without spaces around it.
    """

    number: int
    clip: Path
    values: dict[str, str]


def read_rows(path: Path) -> list[Row]:
    """Read a CSV file with the columns `clip` and `person`, and maybe others.

    A relative `clip` starts at the list's folder.

    Raises
    ------
    MienError
        The list can't be read, has no rows or lacks a column, or clips do not exist.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MienError(f"{path} can't be read ({error})") from error
    if not table or not {"clip", "person"} <= set(table[0]):
        raise MienError(f"{path} should be a CSV file with the columns clip and person, and rows")
    return _each(path, list(enumerate(table, start=1)), lambda row: _row(path, *row))


def _row(path: Path, number: int, fields: dict[str, str | None]) -> Row:
    values = {name: (value or "").strip() for name, value in fields.items() if name is not None}
    clip = path.parent / values["clip"]
    if not clip.is_file():
        what = f"there is no {clip}" if values["clip"] else "no clip is named"
        raise MienError(f"row {number}: {what}; correct the row, or take it out")
    return Row(number, clip, values)


def _each(path: Path, items: Iterable[_Item], work: Callable[[_Item], _Value]) -> list[_Value]:
    """Do something with each item; raise one `MienError` of all those it raises."""
    done, wrong = [], []
    for item in items:
        try:
            done.append(work(item))
        except MienError as error:
            wrong.append(str(error))
    if wrong:
        more = f"\nand {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise MienError("\n".join(f"{path}, {one}" for one in wrong[:SHOWN]) + more)
    return done


def _embed(path: Path, rows: Sequence[Row], encoder: Encoder, note: Note) -> list[np.ndarray]:
    def embed(row: Row) -> np.ndarray:
        try:
            return encoder.embed(row.clip, partial(note, row.clip))
        except MienError as error:
            raise MienError(f"row {row.number}: {error}") from error

    return _each(path, tqdm(rows, desc="clips", unit="clip", disable=None), embed)


def read_trials(
    path: Path, encoder: Encoder, enrolled: Collection[str], note: Note
) -> list[tuple[np.ndarray, str | None]]:
    """Embed the clips of a list, to calibrate by.

    Parameters
    ----------
    path : Path
        As `read_rows` takes it; `person` is a name as enrolled; empty: a stranger.
    encoder : Encoder
        What the gallery's embeddings come from.
    enrolled : collection of str
        Hashes of the enrolled clips: a clip is too like itself to tell of others.
    note : callable
        Gets what could not be used of a clip.

    Returns
    -------
    list of (embedding, person)
        As `mien.gallery.Gallery.calibrate` takes them; None for a stranger.

    Raises
    ------
    MienError
        The list is not as it should be, or clips can't be read, are enrolled, or are listed twice.
    """
    rows = read_rows(path)
    for row, content in zip(rows, _contents(path, rows), strict=True):
        if content in enrolled:
            raise MienError(f"{path}: {row.clip} is enrolled in the gallery; take its row out")
    embeddings = _embed(path, rows, encoder, note)
    return [
        (embedding, row.values["person"] or None)
        for embedding, row in zip(embeddings, rows, strict=True)
    ]


def read_enrolments(
    path: Path, encoder: Encoder, note: Note, *, consent: str | None, expires: date | None
) -> list[Enrolment]:
    """Embed the clips of a list, to enrol the persons in them.

    Parameters
    ----------
    path : Path
        As `read_rows` takes it, with the columns `consent` and `expires`, unless these are given.
    encoder : Encoder
        What describes the clips.
    note : callable
        Gets what could not be used of a clip.
    consent : str or None
        What all persons agreed to, for rows that don't say it.
    expires : date or None
        The last day, for rows that don't say it.

    Returns
    -------
    list of Enrolment
        One for each person, consent and day.

    Raises
    ------
    MienError
        The list is not as it should be, or clips can't be read or are listed twice: all rows at
        fault are named.
    """
    rows = read_rows(path)
    terms = _each(path, rows, lambda row: _terms(row, consent, expires))
    contents = _contents(path, rows)
    embeddings = _embed(path, rows, encoder, note)
    groups: dict[tuple[str, str, date], list[int]] = {}
    for place, term in enumerate(terms):
        groups.setdefault(term, []).append(place)
    return [
        Enrolment(
            person=person,
            embeddings=np.stack([embeddings[place] for place in places]),
            clips=tuple(contents[place] for place in places),
            consent=agreed,
            expires=until,
        )
        for (person, agreed, until), places in groups.items()
    ]


def _terms(row: Row, consent: str | None, expires: date | None) -> tuple[str, str, date]:
    """Give the name, the consent and the last day of a row."""
    person, agreed = row.values["person"], row.values.get("consent") or consent
    day = row.values.get("expires")
    if person.lower() in ("", "nan", "none", "null", "n/a", "-"):
        raise MienError(f"row {row.number}: no person is named")
    try:
        check_name(person)
    except MienError as error:
        raise MienError(f"row {row.number}: {error}") from error
    if not agreed:
        raise MienError(f"row {row.number}: no consent; add the column consent, or give --consent")
    try:
        until = date.fromisoformat(day) if day else expires
    except ValueError:
        raise MienError(f"row {row.number}: {day!r} is no day such as 2027-12-31") from None
    if until is None:
        raise MienError(f"row {row.number}: no last day; add the column expires, or give --expires")
    return canonical_name(person), agreed, until


def _contents(path: Path, rows: Sequence[Row]) -> list[str]:
    """Give the hash of each clip, none of which may occur twice."""
    seen: dict[str, Path] = {}
    for row in rows:
        content = fingerprint(row.clip)
        if content in seen:
            raise MienError(f"{path}: {row.clip} is the same as {seen[content]}; take one row out")
        seen[content] = row.clip
    return list(seen)
