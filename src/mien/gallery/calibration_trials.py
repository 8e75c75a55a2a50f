"""Calibration trials: searches whose right answers are known, mated and non-mated."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
from lancedb.expr import col

from mien.errors import MienError
from mien.gallery.search import TOP_K, Match, score, search, templates_of
from mien.gallery.table_rows import vectors
from mien.gallery.templates import Templates, of_subjects
from mien.gallery.types import clip_of

SAMPLE = 2000
"""Enrolled persons at most by whom a gallery is calibrated without further clips."""

ScoredTrials = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Scores (N, K), truth (N,) and non_mated (N,): what `mien.gallery.threshold.calibrate` takes."""


def search_all(
    templates: Templates, embeddings: np.ndarray, persons: Sequence[str | None], today: date
) -> ScoredTrials:
    """Search for clips that are not enrolled.

    Parameters
    ----------
    templates : Templates
        Where to search.
    embeddings : array (N, E)
        Of unit length.
    persons : sequence of str or None
        Who is in each clip; None: somebody who is not enrolled (a non-mated trial).
    today : date
        Templates that expired before do not count.

    Raises
    ------
    MienError
        A person named is not enrolled.
    """
    enrolled = set(templates.rows(["person"])["person"].unique().to_pylist())
    for person in persons:
        if person is not None and person not in enrolled:
            raise MienError(
                f"{person} is not enrolled: leave the name out where somebody is not enrolled"
            )
    found = (search(templates, embedding, TOP_K, today) for embedding in embeddings)
    return _trials(list(zip(found, persons, strict=True)))


def leave_one_out(templates: Templates, today: date) -> ScoredTrials:
    """Search for one clip of each enrolled person, in a mated and in a non-mated trial.

    The mated trial leaves the clip and its augmented copies out of what is searched, the non-mated
    one all templates of the person. A person with a single clip has no mated trial. Of many persons
    a sample is taken.
    """
    random = np.random.default_rng(0)
    valid = col("expires") >= today
    subjects = sorted(templates.rows(["subject"], valid)["subject"].unique().to_pylist())
    sample = random.permutation(subjects)[:SAMPLE].tolist()
    rows = templates.rows(["person", "subject", "clip", "vector"], of_subjects(sample) & valid)
    persons, clips, embeddings = rows["person"].to_pylist(), rows["clip"].to_pylist(), vectors(rows)
    own: dict[str, list[int]] = {}
    for row, subject in enumerate(rows["subject"].to_pylist()):
        own.setdefault(subject, []).append(row)
    searches: list[tuple[list[Match], str | None]] = []
    for subject, theirs in own.items():
        row = int(random.choice([r for r in theirs if clips[r] == clip_of(clips[r])]))
        hits = templates.nearest(embeddings[row], len(theirs) + TOP_K, today)
        others = [hit for hit in hits if hit.subject != subject][:TOP_K]
        searches.append((score(embeddings[row], templates_of(templates, others, today)), None))
        if len({clip_of(clips[r]) for r in theirs}) > 1:
            rest = [hit for hit in hits if clip_of(hit.clip) != clips[row]][:TOP_K]
            known = templates_of(templates, rest, today)
            kept = [clip_of(key) != clips[row] for key in known["clip"].to_pylist()]
            searches.append((score(embeddings[row], known.filter(pa.array(kept))), persons[row]))
    return _trials(searches)


def _trials(searches: Sequence[tuple[Sequence[Match], str | None]]) -> ScoredTrials:
    """Lay searches out as arrays."""
    scores = np.full((len(searches), TOP_K), -np.inf)
    truth = np.full(len(searches), -1)
    for row, (matches, person) in enumerate(searches):
        scores[row, : len(matches)] = [match.score for match in matches]
        names = [match.person for match in matches]
        if person in names:
            truth[row] = names.index(person)
    return scores, truth, np.array([person is None for _, person in searches], bool)
