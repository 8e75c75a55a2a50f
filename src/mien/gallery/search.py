"""Search: whose templates are most similar to an embedding."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from lancedb.expr import col

from mien.errors import MienError
from mien.gallery.table_rows import vectors
from mien.gallery.templates import Hit, Templates, of_subjects
from mien.gallery.threshold import Calibration
from mien.gallery.types import UNKNOWN, Candidate, Identification, clip_of
from mien.identity.embedder import shipped_threshold

TOP_K = 10
"""Nearest templates that a search looks at, unless told otherwise."""

DEFAULT_SAMPLE = 2000
"""Templates at most that the default threshold is based on."""


class Match(NamedTuple):
    """An enrolled person, and the cosine of an embedding and the mean of their templates."""

    person: str
    subject: str
    score: float


def search(templates: Templates, vector: np.ndarray, count: int, today: date) -> list[Match]:
    """Score the persons whose templates are nearest to a unit vector (E,), most similar first.

    Parameters
    ----------
    templates : Templates
        Where to search.
    vector : array (E,)
        Of unit length.
    count : int
        Nearest templates to look at; the persons they belong to are scored.
    today : date
        Templates that expired before do not count.

    Raises
    ------
    MienError
        The count is below 1.
    """
    if count < 1:
        raise MienError(f"{count} templates can't be looked at: give 1 or more", parameter="top_k")
    return score(vector, templates_of(templates, templates.nearest(vector, count, today), today))


def score(vector: np.ndarray, rows: pa.Table) -> list[Match]:
    """Compare a unit vector (E,) with the mean of each person's templates.

    This is better than the nearest template or the mean of the cosines
    (benchmarks/gallery_matching.md).

    Parameters
    ----------
    vector : array (E,)
        Of unit length.
    rows : Table
        Of the columns person, subject and vector.
    """
    if not len(rows):
        return []
    names, subjects = rows["person"].to_pylist(), rows["subject"].to_pylist()
    _, first, owner = np.unique(subjects, return_index=True, return_inverse=True)
    scores = _rounded(means(vectors(rows), owner) @ vector)
    found = [Match(names[f], subjects[f], float(s)) for f, s in zip(first, scores, strict=True)]
    return sorted(found, key=lambda match: -match.score)


def _rounded(cosines: np.ndarray) -> np.ndarray:
    """Round off what depends on the order of summation, and what is above 1.

    Otherwise a clip could score now just above and now just below a threshold that it equals.
    """
    scores: np.ndarray = np.clip(np.round(cosines, 9), -1, 1)
    return scores


def decide(matches: Sequence[Match], threshold: float | None) -> tuple[Match | None, list[str]]:
    """Give the person to be named, if anybody is, and notes about the decision.

    Parameters
    ----------
    matches : sequence of Match
        Most similar first.
    threshold : float or None
        Score from which on somebody is named; None: nobody is.
    """
    if not matches:
        return None, ["nobody is enrolled whose consent still holds"]
    if threshold is None or matches[0].score < threshold:
        return None, []
    first = [match.person for match in matches if match.score == matches[0].score]
    if len(first) > 1:
        return None, [f"{' and '.join(first)} are equally similar, so nobody is named"]
    return matches[0], []


def identification(
    matches: Sequence[Match], calibration: Calibration, templates: int
) -> tuple[Match | None, Identification]:
    """Give the person to be named, if anybody is, and the result for users.

    Parameters
    ----------
    matches : sequence of Match
        Most similar first.
    calibration : Calibration
        Of the gallery.
    templates : int
        Stored in the gallery.
    """
    named, notes = decide(matches, calibration.threshold)
    verdict = calibration.threshold is not None or not matches  # nobody enrolled: unknown
    return named, Identification(
        person=named.person if named else UNKNOWN if verdict else None,
        candidates=_candidates(matches, calibration),
        threshold=calibration.threshold,
        notes=notes + calibration.notes(templates),
    )


def _candidates(matches: Sequence[Match], calibration: Calibration) -> list[Candidate]:
    """Give each match a probability, where there is a calibration."""
    known = calibration.probabilities(np.array([match.score for match in matches]))
    probabilities = [None] * len(matches) if known is None else known.tolist()
    return [
        Candidate(person=match.person, score=match.score, probability=probability)
        for match, probability in zip(matches, probabilities, strict=True)
    ]


def means(embeddings: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Give the direction (P, E) of the mean of each person's embeddings (N, E).

    >>> means(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), np.array([0, 0, 1])).round(2).tolist()
    [[0.71, 0.71], [0.0, 1.0]]
    """
    sums = np.zeros((owner.max() + 1, embeddings.shape[1]))
    np.add.at(sums, owner, embeddings)
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)


def templates_of(templates: Templates, hits: Sequence[Hit], today: date) -> pa.Table:
    """Read all templates of the persons to whom hits belong."""
    subjects = sorted({hit.subject for hit in hits})
    where = of_subjects(subjects) & (col("expires") >= today)
    columns = ["person", "subject", "clip", "vector"]
    return templates.rows(columns, where) if subjects else pa.table({c: [] for c in columns})


def default_threshold(templates: Templates, encoder: str) -> float | None:
    """Give the threshold until the gallery is calibrated; None: none was measured for the encoder.

    It is the one measured for the encoder, or just above the highest score of an enrolled clip
    against another enrolled person where that is more: a cosine that somebody else reaches does not
    tell who it is. If an unseen speaker is drawn as the n enrolled persons were, the two most
    similar of all n + 1 include them with a probability of 2 / (n + 1), and about so often they
    reach this threshold.

    Parameters
    ----------
    templates : Templates
        What is stored.
    encoder : str
        Fingerprint of what the templates come from.
    """
    shipped = shipped_threshold(encoder)
    if shipped is None:
        return None
    rows = templates.rows(["subject", "clip", "vector"], count=DEFAULT_SAMPLE)
    if not len(rows):
        return shipped.value
    _, owner = np.unique(rows["subject"].to_pylist(), return_inverse=True)
    embeddings = vectors(rows)
    scores = _rounded(embeddings @ means(embeddings, owner).T)
    scores[np.arange(len(rows)), owner] = -1
    scores[[key != clip_of(key) for key in rows["clip"].to_pylist()]] = -1
    return max(shipped.value, float(np.nextafter(scores.max(), np.inf)))
