"""Rows of the table: from enrolments, and back to records."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mien.errors import MienError
from mien.gallery.name_checks import check_name
from mien.gallery.types import Enrolment, Record, clip_of
from mien.names import canonical_name


def unit(embeddings: np.ndarray) -> np.ndarray:
    """Bring embeddings (N, E) to unit length, float32.

    Raises
    ------
    MienError
        One is zero or not finite, or the array has another shape.

    Examples
    --------
    >>> unit(np.array([[3.0, 4.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """
    embeddings = np.asarray(embeddings, np.float64)
    if embeddings.ndim != 2 or not embeddings.size:
        raise MienError(f"embeddings should have the shape (N, E), not {embeddings.shape}")
    length = np.linalg.norm(embeddings, axis=1, keepdims=True)
    if not (np.isfinite(length) & (length > 0)).all():
        raise MienError("an embedding is zero or has a number that is not finite")
    length = np.where(np.abs(length - 1) < 1e-6, 1, length)  # unit vectors stay exactly as they are
    return (embeddings / length).astype(np.float32)


def stored_name(enrolment: Enrolment) -> Enrolment:
    """Give an enrolment the name as it is stored. Raises `MienError` for one that is refused."""
    check_name(enrolment.person)
    return replace(enrolment, person=canonical_name(enrolment.person))


def check_all(enrolments: Sequence[Enrolment], today: date) -> None:
    """Refuse what can't be enrolled in any gallery. Raises `MienError`."""
    whose: dict[str, str] = {}
    for enrolment in enrolments:
        _check(enrolment, today)
        for clip in enrolment.clips:
            if clip in whose:
                both = " and ".join(dict.fromkeys([whose[clip], enrolment.person]))
                raise MienError(
                    f"the clip with the hash {clip[:12]} is given twice, for {both}: leave one out"
                )
            whose[clip] = enrolment.person
    unit(np.concatenate([enrolment.embeddings for enrolment in enrolments]))
    _check_states(enrolments)


def _check_states(enrolments: Sequence[Enrolment]) -> None:
    """Refuse states of clips that are not enrolled, of several sizes, or not finite."""
    states = [state for enrolment in enrolments for state in enrolment.states.values()]
    foreign = [c for enrolment in enrolments for c in set(enrolment.states) - set(enrolment.clips)]
    if foreign:
        raise MienError(f"there are states of {foreign[0][:12]}, which is none of the clips")
    if len({np.shape(state) for state in states}) > 1 or any(np.ndim(s) != 1 for s in states):
        raise MienError("the states of the clips should be vectors (K,) of one length")
    if states and not np.isfinite(states).all():
        raise MienError("the state of a clip has a number that is not finite")


def _check(enrolment: Enrolment, today: date) -> None:
    name = enrolment.person
    if not enrolment.consent.strip():
        raise MienError(
            f"{name} can't be enrolled without consent: say what they agreed to, and when"
        )
    if enrolment.expires < today:
        raise MienError(f"the consent of {name} expired on {enrolment.expires}: choose a later day")
    if not enrolment.clips or len(enrolment.clips) != len(enrolment.embeddings):
        raise MienError(
            f"{name}: {len(enrolment.embeddings)} embeddings and {len(enrolment.clips)} clips;"
            " give one embedding of each clip"
        )
    if alone := {clip_of(key) for key in enrolment.clips} - set(enrolment.clips):
        raise MienError(f"{name}: give the clip {min(alone)[:12]} itself with its copies")


def pseudonyms(enrolments: Sequence[Enrolment], known: pa.Table, today: date) -> dict[str, str]:
    """Give each person their random number, the old one if they are enrolled already.

    Parameters
    ----------
    enrolments : sequence of Enrolment
        What is to be stored.
    known : Table
        Stored rows with the same names or clips.
    today : date
        Clips that expired before are free again.

    Raises
    ------
    MienError
        A clip is enrolled already.
    """
    rows = known.to_pylist()
    whose = {row["clip"]: row["person"] for row in rows if row["expires"] >= today}
    for enrolment in enrolments:
        for clip in enrolment.clips:
            if clip in whose:
                raise MienError(
                    f"the clip with the hash {clip[:12]} is enrolled already, as {whose[clip]}:"
                    " leave it out, or forget them first"
                )
    subjects = {enrolment.person: uuid4().hex for enrolment in enrolments}
    return subjects | {r["person"]: r["subject"] for r in rows if r["person"] in subjects}


def to_table(
    enrolments: Sequence[Enrolment], subjects: Mapping[str, str], schema: pa.Schema
) -> pa.Table:
    """Lay enrolments out as rows; the column `enrolment` stays empty.

    Parameters
    ----------
    enrolments : sequence of Enrolment
        What is to be stored.
    subjects : mapping
        The pseudonym of each person.
    schema : Schema
        Of the table.
    """
    each = [enrolment for enrolment in enrolments for _ in enrolment.clips]
    vectors = unit(np.concatenate([enrolment.embeddings for enrolment in enrolments]))
    columns = {
        "person": [enrolment.person for enrolment in each],
        "subject": [subjects[enrolment.person] for enrolment in each],
        "enrolment": [""] * len(each),
        "clip": [clip for enrolment in enrolments for clip in enrolment.clips],
        "consent": [enrolment.consent for enrolment in each],
        "enrolled": [datetime.now(UTC)] * len(each),
        "expires": [enrolment.expires for enrolment in each],
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1]),
    }
    return pa.table(columns, schema=schema)


def with_states(rows: pa.Table, enrolments: Sequence[Enrolment], schema: pa.Schema) -> pa.Table:
    """Give the rows of the clips that have states, with these in place of the embeddings.

    Parameters
    ----------
    rows : Table
        Rows of templates.
    enrolments : sequence of Enrolment
        What the rows come from.
    schema : Schema
        Of the table of references.
    """
    states = {clip: state for e in enrolments for clip, state in e.states.items()}
    kept = rows.filter(pc.is_in(rows["clip"], pa.array(list(states), pa.string())))
    values = np.stack([states[clip] for clip in kept["clip"].to_pylist()]).astype(np.float32)
    column = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
    place = kept.schema.get_field_index("vector")
    return kept.set_column(place, "vector", column).cast(schema)


def vectors(rows: pa.Table) -> np.ndarray:
    """Give the vectors (N, E) of rows."""
    column = rows["vector"].combine_chunks()
    return column.flatten().to_numpy().reshape(len(rows), column.type.list_size)


RECORD_COLUMNS = ("person", "subject", "clip", "consent", "enrolled", "expires")


def records(rows: pa.Table, references: Mapping[str, dict[str, int]], today: date) -> list[Record]:
    """Sum up rows (`RECORD_COLUMNS`) by person, sorted by name, oldest clips first.

    Parameters
    ----------
    rows : Table
        Of the templates.
    references : mapping of str to dict
        By pseudonym the clips that each model can refer to.
    today : date
        What expired before is counted as such.
    """
    rows = rows.sort_by([("enrolled", "ascending"), ("clip", "ascending")])
    expired = pc.cast(pc.less(rows["expires"], pa.scalar(today)), pa.int64())
    # several threads would mix up the order of a person's clips
    groups = rows.append_column("expired", expired).group_by(
        ["person", "subject"], use_threads=False
    )
    summed = groups.aggregate(
        [
            ("clip", "list"),
            ("consent", "distinct"),
            ("enrolled", "min"),
            ("expires", "max"),
            ("expired", "sum"),
        ]
    )
    found = [_record(row, references.get(row["subject"], {})) for row in summed.to_pylist()]
    return sorted(found, key=lambda record: record.person)


def _record(row: Mapping[str, Any], references: dict[str, int]) -> Record:
    return Record(
        person=row["person"],
        subject=row["subject"],
        templates=len(row["clip_list"]),
        clips=list(dict.fromkeys(map(clip_of, row["clip_list"]))),
        consents=sorted(row["consent_distinct"]),
        enrolled=row["enrolled_min"],
        expires=row["expires_max"],
        expired=row["expired_sum"],
        references=references,
    )
