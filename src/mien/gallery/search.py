"""Who is most similar to an embedding, and searches whose answers are known."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from lancedb.expr import col

from mien.errors import MienError
from mien.gallery.records import Candidate
from mien.gallery.rows import vectors
from mien.gallery.templates import Hit, Templates, of
from mien.gallery.threshold import Calibration
from mien.identity.embedder import shipped_threshold

LOOKED_AT = 10
"""Templates that a search looks at, unless told otherwise."""

SAMPLE = 2000
"""Persons at most by whom a gallery is calibrated, out of its own."""

COMPARED = 2000
"""Templates at most that the default threshold rests on."""

Trials = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Scores (N, K), truth (N,) and stranger (N,), as `calibrate` takes them."""


class Found(NamedTuple):
    """A person and the cosine of an embedding and the mean of their templates."""

    person: str
    subject: str
    score: float


def search(templates: Templates, vector: np.ndarray, count: int, today: date) -> list[Found]:
    """Score the persons whose templates are nearest to a unit vector (E,), most similar first.

    Parameters
    ----------
    templates : Templates
        Where to search.
    vector : array (E,)
        Of unit length.
    count : int
        Templates to look at; whose they are is scored.
    today : date
        Templates that expired before do not count.

    Raises
    ------
    MienError
        The count is below 1.
    """
    if count < 1:
        raise MienError(f"{count} templates can't be looked at: give 1 or more (--top)")
    return score(vector, _theirs(templates, templates.nearest(vector, count, today), today))


def score(vector: np.ndarray, rows: pa.Table) -> list[Found]:
    """Compare a unit vector (E,) with the mean of each person's templates.

    Better than the nearest template, or the mean of the cosines, by benchmarks/gallery_matching.md.

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
    found = [Found(names[f], subjects[f], float(s)) for f, s in zip(first, scores, strict=True)]
    return sorted(found, key=lambda one: -one.score)


def _rounded(cosines: np.ndarray) -> np.ndarray:
    """Take off what depends on the order of adding up, and what is above 1.

    Else the same clip would score now just above and now just below a threshold that it equals.
    """
    scores: np.ndarray = np.clip(np.round(cosines, 9), -1, 1)
    return scores


def name_of(found: Sequence[Found], threshold: float | None) -> tuple[Found | None, list[str]]:
    """Give the person to be named, if anybody is, and what to know about that.

    Parameters
    ----------
    found : sequence of Found
        Likest first.
    threshold : float or None
        Score from which on somebody is named; None: nobody is.
    """
    if not found:
        return None, ["nobody is enrolled whose consent still holds"]
    if threshold is None or found[0].score < threshold:
        return None, []
    first = [one.person for one in found if one.score == found[0].score]
    if len(first) > 1:
        return None, [f"{' and '.join(first)} are equally like the clip, so nobody is named"]
    return found[0], []


def candidates(found: Sequence[Found], calibration: Calibration) -> list[Candidate]:
    """Say how probable each of the persons found is."""
    known = calibration.probabilities(np.array([one.score for one in found]))
    probabilities = [None] * len(found) if known is None else known.tolist()
    return [
        Candidate(person=one.person, score=one.score, probability=probability)
        for one, probability in zip(found, probabilities, strict=True)
    ]


def means(embeddings: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Give the direction (P, E) of the mean of each person's embeddings (N, E).

    >>> means(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), np.array([0, 0, 1])).round(2).tolist()
    [[0.71, 0.71], [0.0, 1.0]]
    """
    sums = np.zeros((owner.max() + 1, embeddings.shape[1]))
    np.add.at(sums, owner, embeddings)
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)


def _theirs(templates: Templates, hits: Sequence[Hit], today: date) -> pa.Table:
    """Read all templates of the persons found."""
    subjects = sorted({hit.subject for hit in hits})
    where = of(subjects) & (col("expires") >= today)
    columns = ["person", "subject", "clip", "vector"]
    return templates.rows(columns, where) if subjects else pa.table({c: [] for c in columns})


def default_threshold(templates: Templates, encoder: str) -> float | None:
    """Give the threshold for as long as nobody has chosen one; None: none was measured.

    It is the one measured for the encoder, or just above the highest score of a template against
    another enrolled person where that is more: a cosine that somebody else reaches does not tell
    who it is. If an unseen speaker is drawn as the n enrolled persons were, the two most similar of
    all n + 1 include them with a probability of 2 / (n + 1), and about so often they reach this
    threshold.

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
    rows = templates.rows(["subject", "vector"], count=COMPARED)
    if not len(rows):
        return shipped.value
    _, owner = np.unique(rows["subject"].to_pylist(), return_inverse=True)
    embeddings = vectors(rows)
    scores = _rounded(embeddings @ means(embeddings, owner).T)
    scores[np.arange(len(rows)), owner] = -1
    return max(shipped.value, float(np.nextafter(scores.max(), np.inf)))


def search_all(
    templates: Templates, embeddings: np.ndarray, persons: Sequence[str | None], today: date
) -> Trials:
    """Search for clips that are not enrolled.

    Parameters
    ----------
    templates : Templates
        Where to search.
    embeddings : array (N, E)
        Of unit length.
    persons : sequence of str or None
        Who is in each clip; None: a stranger.
    today : date
        Templates that expired before do not count.

    Raises
    ------
    MienError
        Somebody named is not enrolled.
    """
    enrolled = set(templates.rows(["person"])["person"].unique().to_pylist())
    for person in persons:
        if person is not None and person not in enrolled:
            raise MienError(f"{person} is not enrolled: leave the name of a stranger out")
    found = (search(templates, embedding, LOOKED_AT, today) for embedding in embeddings)
    return _trials(list(zip(found, persons, strict=True)))


def leave_one_out(templates: Templates, today: date) -> Trials:
    """Search for a template of each enrolled person, once as a mate's and once as a stranger's.

    For the mate the template itself is left out of what is stored, for the stranger all that are
    theirs. Who has one template alone gives no mate. Of many persons a sample is taken.
    """
    random = np.random.default_rng(0)
    valid = col("expires") >= today
    subjects = sorted(templates.rows(["subject"], valid)["subject"].unique().to_pylist())
    sample = random.permutation(subjects)[:SAMPLE].tolist()
    rows = templates.rows(["person", "subject", "clip", "vector"], of(sample) & valid)
    persons, clips, embeddings = rows["person"].to_pylist(), rows["clip"].to_pylist(), vectors(rows)
    own: dict[str, list[int]] = {}
    for row, subject in enumerate(rows["subject"].to_pylist()):
        own.setdefault(subject, []).append(row)
    searches: list[tuple[list[Found], str | None]] = []
    for subject, theirs in own.items():
        row = int(random.choice(theirs))
        hits = templates.nearest(embeddings[row], len(theirs) + LOOKED_AT, today)
        others = [hit for hit in hits if hit.subject != subject][:LOOKED_AT]
        searches.append((score(embeddings[row], _theirs(templates, others, today)), None))
        if len(theirs) > 1:
            rest = [hit for hit in hits if hit.clip != clips[row]][:LOOKED_AT]
            known = _theirs(templates, rest, today)
            known = known.filter(pc.not_equal(known["clip"], clips[row]))
            searches.append((score(embeddings[row], known), persons[row]))
    return _trials(searches)


def _trials(searches: Sequence[tuple[Sequence[Found], str | None]]) -> Trials:
    """Lay searches out as arrays."""
    scores = np.full((len(searches), LOOKED_AT), -np.inf)
    truth = np.full(len(searches), -1)
    for row, (found, person) in enumerate(searches):
        scores[row, : len(found)] = [one.score for one in found]
        names = [one.person for one in found]
        if person in names:
            truth[row] = names.index(person)
    return scores, truth, np.array([person is None for _, person in searches], bool)
