"""Persons out of near templates, and searches whose answers are known."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from lancedb.expr import col

from mien.encoder import SAME_PERSON
from mien.errors import MienError
from mien.gallery.calibration import Calibration
from mien.gallery.records import Candidate
from mien.gallery.rows import vectors
from mien.gallery.templates import Hit, Templates, of

LOOKED_AT = 10
"""Templates that a search looks at, unless told otherwise."""

SAMPLE = 2000
"""Persons at most by whom a gallery is calibrated, out of its own."""

COMPARED = 2000
"""Templates at most that the default threshold rests on."""

Trials = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Scores (N, K), truth (N,) and stranger (N,), as `calibrate` takes them."""

Search = tuple[Sequence[Hit], str | None]
"""What a search found, and who was searched for; None: a stranger."""


def by_person(hits: Sequence[Hit]) -> dict[str, float]:
    """Give each person the score of their nearest template, best first.

    >>> by_person([Hit("a", "1", "x", 0.9), Hit("b", "2", "y", 0.8), Hit("a", "1", "z", 0.7)])
    {'a': 0.9, 'b': 0.8}
    """
    best: dict[str, float] = {}
    for hit in hits:
        best[hit.person] = max(best.get(hit.person, -1.0), hit.score)
    return dict(sorted(best.items(), key=lambda item: -item[1]))


def candidates(hits: Sequence[Hit], calibration: Calibration) -> list[Candidate]:
    """Turn near templates into candidates with their probabilities, best first."""
    scores = by_person(hits)
    found = calibration.probabilities(np.array(list(scores.values())))
    probabilities = [None] * len(scores) if found is None else found.tolist()
    return [
        Candidate(person=person, score=score, probability=probability)
        for (person, score), probability in zip(scores.items(), probabilities, strict=True)
    ]


def default_threshold(templates: Templates) -> float:
    """Give the threshold for as long as nobody has chosen one.

    It is `SAME_PERSON`, or the highest cosine of two enrolled persons' templates where that is
    more: a cosine that two persons reach does not tell them apart. If a stranger is drawn as the n
    enrolled persons were, the likest two of all n + 1 include them with a probability of 2 / (n +
    1), so that they are above this threshold no more often.
    """
    rows = templates.rows(["subject", "vector"], count=COMPARED)
    if not len(rows):
        return SAME_PERSON
    embeddings, codes = vectors(rows), rows["subject"].combine_chunks().dictionary_encode().indices
    scores = embeddings @ embeddings.T
    scores[np.equal.outer(codes.to_numpy(), codes.to_numpy())] = -1
    return max(SAME_PERSON, float(scores.max()))


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
    found = (templates.nearest(embedding, LOOKED_AT, today) for embedding in embeddings)
    return _trials(list(zip(found, persons, strict=True)))


def leave_one_out(templates: Templates, today: date) -> Trials:
    """Search for a template of each enrolled person, once as a mate's and once as a stranger's.

    For the mate the template itself is left out of what is found, for the stranger all that are
    theirs. Who has one template alone gives no mate. Of many persons a sample is taken.
    """
    random = np.random.default_rng(0)
    valid = col("expires") >= today
    subjects = sorted(templates.rows(["subject"], valid)["subject"].unique().to_pylist())
    sample = random.permutation(subjects)[:SAMPLE].tolist()
    rows = templates.rows(["person", "subject", "clip", "vector"], of(sample) & valid)
    owners, clips = rows["subject"].to_pylist(), rows["clip"].to_pylist()
    persons, embeddings = rows["person"].to_pylist(), vectors(rows)
    own: dict[str, list[int]] = {}
    for row, subject in enumerate(owners):
        own.setdefault(subject, []).append(row)
    searches: list[Search] = []
    for subject, theirs in own.items():
        row = int(random.choice(theirs))
        hits = templates.nearest(embeddings[row], len(theirs) + LOOKED_AT, today)
        searches.append(([hit for hit in hits if hit.subject != subject], None))
        if len(theirs) > 1:
            searches.append(([hit for hit in hits if hit.clip != clips[row]], persons[row]))
    return _trials(searches)


def _trials(searches: Sequence[Search]) -> Trials:
    """Lay searches out as arrays."""
    scores = np.full((len(searches), LOOKED_AT), -np.inf)
    truth = np.full(len(searches), -1)
    for row, (hits, person) in enumerate(searches):
        found = by_person(hits[:LOOKED_AT])
        scores[row, : len(found)] = list(found.values())
        if person in found:
            truth[row] = list(found).index(person)
    return scores, truth, np.array([person is None for _, person in searches])
