"""What speaks against an enrolment that was made, and against the log of all of them."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from lancedb.expr import col

from mien.gallery.audit_log import AuditLog
from mien.gallery.rows import vectors
from mien.gallery.search import LOOKED_AT, means, search
from mien.gallery.spelling import letters
from mien.gallery.templates import Templates

SAME_RECORDING = 0.999
"""Cosine from which on two clips are one recording, whatever the encoder."""


def doubts(templates: Templates, person: str, threshold: float | None, today: date) -> list[str]:
    """Say what makes it doubtful that a person's templates are theirs, and theirs alone.

    Parameters
    ----------
    templates : Templates
        Where they are stored.
    person : str
        Their name, as stored.
    threshold : float or None
        Cosine from which on two clips are one person's; None: not known.
    today : date
        Templates that expired before do not count.

    Returns
    -------
    list of str
        Names that look like this one; clips that are unlike the others of the person; other persons
        whose clips are as alike as one person's are.
    """
    where = (col("person") == person) & (col("expires") >= today)
    rows = templates.rows(["clip", "vector"], where)
    own = vectors(rows).astype(np.float64)
    found = _namesakes(templates, person)
    found += _strays(person, rows["clip"].to_pylist(), own, threshold)
    return found + _doubles(templates, person, own, threshold, today)


def _namesakes(templates: Templates, person: str) -> list[str]:
    names = templates.rows(["person"])["person"].unique().to_pylist()
    alike = sorted(name for name in names if name != person and letters(name) == letters(person))
    return [
        f"{person} and {name} are two persons here: forget one of them if they are not"
        for name in alike
    ]


def _strays(
    person: str, clips: Sequence[str], own: np.ndarray, threshold: float | None
) -> list[str]:
    """Find the clips that are less like the person's others than one person's are."""
    if threshold is None or len(own) < 2:
        return []
    others = own.sum(axis=0) - own
    lengths = np.maximum(np.linalg.norm(others, axis=1), 1e-12)
    scores = np.einsum("te,te->t", own, others) / lengths
    return [
        f"the clip with the hash {clips[row][:12]} is unlike the others of {person} (cosine"
        f" {scores[row]:.3f}): if somebody else is in it, forget {person} and enrol them without it"
        for row in np.flatnonzero(scores < threshold).tolist()
    ]


def _doubles(
    templates: Templates, person: str, own: np.ndarray, threshold: float | None, today: date
) -> list[str]:
    """Find other persons whose clips are as like these as one person's are."""
    (mean,) = means(own, np.zeros(len(own), int))
    limit = SAME_RECORDING if threshold is None else threshold
    near = search(templates, mean.astype(np.float32), len(own) + LOOKED_AT, today)
    return [
        f"{other.person} is as like {person} as one person's clips are (cosine {other.score:.3f}):"
        " see that they are two persons, and that no clip of one is the other's"
        for other in near
        if other.person != person and other.score >= limit
    ]


def faults(audit: AuditLog, stored: set[str]) -> list[str]:
    """Say where the log and the gallery disagree.

    Parameters
    ----------
    audit : AuditLog
        The log of all that was done.
    stored : set of str
        Pseudonyms of those who are enrolled.

    Raises
    ------
    MienError
        A line of the log was changed.
    """
    acts: dict[str, set[str]] = {"enrol": set(), "forget": set(), "purge": set()}
    for line in audit.lines():
        acts.get(line["act"], set()).add(line["subject"])
    enrolled, forgotten, purged = acts["enrol"], acts["forget"], acts["purge"]
    found = audit.losses()
    if unknown := stored - enrolled:
        found.append(f"it knows nothing of {len(unknown)} of the {len(stored)} persons enrolled")
    if back := stored & forgotten:  # who is enrolled again has another pseudonym
        found.append(f"{len(back)} persons whom it has as forgotten are in the gallery")
    if lost := enrolled - forgotten - purged - stored:  # a purge may leave some of their templates
        found.append(f"{len(lost)} persons whom it has as enrolled are not in the gallery")
    return found
