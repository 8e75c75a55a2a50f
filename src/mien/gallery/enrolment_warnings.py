"""Warnings about enrolments: what suggests that a person's templates are not theirs alone."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from lancedb.expr import col

from mien.gallery.name_checks import lookalike_key
from mien.gallery.search import TOP_K, means, search
from mien.gallery.table_rows import vectors
from mien.gallery.templates import Templates
from mien.gallery.types import clip_of

SAME_RECORDING = 0.999
"""Cosine from which on two clips are one recording, whatever the encoder."""


def enrolment_warnings(
    templates: Templates, person: str, threshold: float | None, today: date
) -> list[str]:
    """Say what suggests that a person's templates are not theirs, or not theirs alone.

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
        whose clips are as similar as one person's are.
    """
    where = (col("person") == person) & (col("expires") >= today)
    rows = templates.rows(["clip", "vector"], where)
    own = vectors(rows).astype(np.float64)
    found = _lookalike_names(templates, person)
    found += _outliers(person, *_without_copies(rows["clip"].to_pylist(), own), threshold)
    return found + _duplicates(templates, person, own, threshold, today)


def _without_copies(clips: Sequence[str], own: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Leave augmented copies out, which are unlike the clips because they are meant to be."""
    kept = [row for row, key in enumerate(clips) if key == clip_of(key)]
    return [clips[row] for row in kept], own[kept]


def _lookalike_names(templates: Templates, person: str) -> list[str]:
    names = sorted(templates.rows(["person"])["person"].unique().to_pylist())
    key = lookalike_key(person)
    return [
        f"{person} and {name} are two persons here: forget one of them if they are not"
        for name in names
        if name != person and lookalike_key(name) == key
    ]


def _outliers(
    person: str, clips: Sequence[str], own: np.ndarray, threshold: float | None
) -> list[str]:
    """Find the clips that are less similar to the person's others than one person's are."""
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


def _duplicates(
    templates: Templates, person: str, own: np.ndarray, threshold: float | None, today: date
) -> list[str]:
    """Find other persons whose clips are as similar to these as one person's are."""
    (mean,) = means(own, np.zeros(len(own), int))
    limit = SAME_RECORDING if threshold is None else threshold
    near = search(templates, mean.astype(np.float32), len(own) + TOP_K, today)
    return [
        f"{other.person} is as similar to {person} as one person's clips are (cosine"
        f" {other.score:.3f}): see that they are two persons, and that no clip of one shows the"
        " other"
        for other in near
        if other.person != person and other.score >= limit
    ]
