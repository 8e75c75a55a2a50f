"""Lists of clips and the persons in them, as CSV files: to enrol many, or to calibrate."""

import csv
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from mien.errors import MienError
from mien.files import fingerprint
from mien.gallery.enroller import Enroller, enrolment
from mien.gallery.name_checks import check_name
from mien.gallery.types import Enrolment
from mien.identity.embedder import Encoder
from mien.names import canonical_name
from mien.progress import follow

WarnOfClip = Callable[[Path, str], object]
"""Takes a clip, and a warning about it."""

_Item = TypeVar("_Item")
_Value = TypeVar("_Value")

MAX_ERRORS = 10
"""Wrong rows that an error names; the others are counted."""


@dataclass(frozen=True)
class ListedClip:
    """A row of a list.

    Parameters
    ----------
    number : int
        Its place in the list, from 1.
    clip : Path
        The file.
    values : dict of str
        The cells by column, without spaces around them.
    """

    number: int
    clip: Path
    values: dict[str, str]


def read_clips(path: Path) -> list[ListedClip]:
    """Read a CSV file with the columns `clip` and `person`, and maybe others.

    A relative `clip` is relative to the folder of the list.

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


def _row(path: Path, number: int, fields: dict[str, str | None]) -> ListedClip:
    values = {name: (value or "").strip() for name, value in fields.items() if name is not None}
    clip = path.parent / values["clip"]
    if not clip.is_file():
        what = f"there is no {clip}" if values["clip"] else "no clip is named"
        raise MienError(f"row {number}: {what}; correct the row, or remove it")
    return ListedClip(number, clip, values)


def _each(path: Path, items: Iterable[_Item], work: Callable[[_Item], _Value]) -> list[_Value]:
    """Apply a function to each item; raise one `MienError` for all that it raises."""
    done, wrong = [], []
    for item in items:
        try:
            done.append(work(item))
        except MienError as error:
            wrong.append(str(error))
    if wrong:
        more = f"\nand {len(wrong) - MAX_ERRORS} more" if len(wrong) > MAX_ERRORS else ""
        raise MienError("\n".join(f"{path}, {one}" for one in wrong[:MAX_ERRORS]) + more)
    return done


def _embed(
    path: Path, rows: Sequence[ListedClip], embed: Callable[[ListedClip], _Value]
) -> list[_Value]:
    """Embed the clips of a list. Raises one `MienError` that names all wrong rows."""

    def work(row: ListedClip) -> _Value:
        try:
            return embed(row)
        except MienError as error:
            raise MienError(f"row {row.number}: {error}") from error

    return _each(path, follow(rows, "embedding", "clips"), work)


def read_trials(
    path: Path, encoder: Encoder, enrolled: Collection[str], warn: WarnOfClip
) -> list[tuple[np.ndarray, str | None]]:
    """Embed the clips of a list, as trials for calibration.

    Parameters
    ----------
    path : Path
        As `read_clips` takes it; `person` is a name as enrolled, or empty for somebody who is not
        enrolled.
    encoder : Encoder
        What the gallery's embeddings come from.
    enrolled : collection of str
        Hashes of the enrolled clips, which can't be trials: a clip is too similar to itself.
    warn : callable
        Takes a clip, and what could not be used of it.

    Returns
    -------
    list of (embedding, person)
        As `mien.gallery.Gallery.calibrate` takes them; None: a non-mated trial.

    Raises
    ------
    MienError
        The list is not valid, or clips can't be read, are enrolled, or are listed twice.
    """
    rows = read_clips(path)
    for row, content in zip(rows, _contents(path, rows), strict=True):
        if content in enrolled:
            raise MienError(f"{path}: {row.clip} is enrolled in the gallery; remove its row")
    embeddings = _embed(path, rows, lambda row: encoder.embed(row.clip, partial(warn, row.clip)))
    return [
        (embedding, row.values["person"] or None)
        for embedding, row in zip(embeddings, rows, strict=True)
    ]


def read_enrolments(
    path: Path, enroller: Enroller, warn: WarnOfClip, *, consent: str | None, expires: date | None
) -> list[Enrolment]:
    """Embed the clips of a list, to enrol the persons in them.

    Parameters
    ----------
    path : Path
        As `read_clips` takes it, with the columns `consent` and `expires`, unless these are given.
    enroller : Enroller
        What embeds the clips.
    warn : callable
        Takes a clip, and what could not be used of it.
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
        The list is not valid, or clips can't be read or are listed twice; the error names all wrong
        rows.
    """
    rows = read_clips(path)
    terms = _each(path, rows, lambda row: _terms(row, consent, expires))
    contents = _contents(path, rows)
    clips = _embed(
        path,
        rows,
        lambda row: enroller.embed(row.clip, contents[row.number - 1], partial(warn, row.clip)),
    )
    groups: dict[tuple[str, str, date], list[int]] = {}
    for place, term in enumerate(terms):
        groups.setdefault(term, []).append(place)
    return [
        enrolment(person, [clips[place] for place in places], consent=agreed, expires=until)
        for (person, agreed, until), places in groups.items()
    ]


def _terms(row: ListedClip, consent: str | None, expires: date | None) -> tuple[str, str, date]:
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
        raise MienError(
            f"row {row.number}: no consent; add the column consent, or give one consent for all"
        )
    try:
        until = date.fromisoformat(day) if day else expires
    except ValueError:
        raise MienError(f"row {row.number}: {day!r} is no day such as 2027-12-31") from None
    if until is None:
        raise MienError(
            f"row {row.number}: no last day; add the column expires, or give one day for all"
        )
    return canonical_name(person), agreed, until


def _contents(path: Path, rows: Sequence[ListedClip]) -> list[str]:
    """Give the hash of each clip; none may occur twice."""
    seen: dict[str, Path] = {}
    for row in rows:
        content = fingerprint(row.clip)
        if content in seen:
            raise MienError(
                f"{path}: {row.clip} is the same as {seen[content]}; remove one of the rows"
            )
        seen[content] = row.clip
    return list(seen)
