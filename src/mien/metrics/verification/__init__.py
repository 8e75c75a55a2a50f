"""How well embeddings tell persons apart whom the model need never have seen."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.metrics.verification.bootstrap import RESAMPLES, Figures, person_intervals
from mien.metrics.verification.cross_fitted import cross_fitted
from mien.metrics.verification.det import (
    DetCurve,
    equal_error_rate,
    minimum_cost,
    points,
)
from mien.metrics.verification.identification import Search
from mien.metrics.verification.scores import Scores, enrol

PRIORS = (0.01, 0.05)
"""Shares of targets for which the detection cost is computed, as in NIST's evaluations."""

CLIPS = (1, 2, 4, 8)
"""Clips of an enrolment for which the curve is computed."""


def judge(
    embeddings: np.ndarray,
    persons: Sequence[str],
    enrolments: Sequence[Sequence[int]],
    probes: Sequence[int],
    compared: np.ndarray,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure verification and identification by the cosine of embeddings.

    Parameters
    ----------
    embeddings : array (N, E)
        One for each clip, of unit length.
    persons : sequence of N str
        Who is in each clip.
    enrolments : sequence of M sequences of int
        The clips that enrol each person, rows of `embeddings`; each person once.
    probes : sequence of P int
        The clips that are compared with them.
    compared : array (M, P) bool
        Which pairs are trials.
    resamples, seed : int
        Of the intervals.

    Returns
    -------
    dict
        ``persons``, ``probes``, ``targets``, ``nontargets`` (counts); ``clips``: fewest and most
        clips of an enrolment; ``eer``; ``min_dcf`` by prior; ``rank1``, ``rank5`` (None where all
        are compared with five or fewer), ``chance`` (of rank 1), ``cmc``; ``det``: points (fmr,
        fnmr); ``intervals`` of eer, min_dcf and rank1; ``by_clips``: for 1, 2, 4 and 8 clips, as
        far as every enrolment has them, ``enrolments``, ``eer`` and ``rank1``; ``cross_fitted``:
        see `mien.metrics.verification.cross_fitted.cross_fitted`.

    Raises
    ------
    MienError
        An embedding is not a finite number.

    Examples
    --------
    >>> clips, compared = np.eye(2)[[0, 0, 1, 1]], np.ones((2, 2), bool)
    >>> found = judge(clips, ["a", "a", "b", "b"], [[0], [2]], [1, 3], compared, resamples=10)
    >>> found["eer"], found["rank1"]
    (0.0, 1.0)
    """
    if not np.isfinite(embeddings).all():
        raise MienError("The embeddings are not finite numbers: train again with a lower --lr.")
    who, tested = np.asarray(persons), embeddings[list(probes)]

    def score(clips: Sequence[Sequence[int]]) -> Scores:
        names = who[[rows[0] for rows in clips]]
        return Scores(enrol(embeddings, clips) @ tested.T, compared, names, who[list(probes)])

    scores = score(enrolments)
    det_curve, search = DetCurve(scores), Search(scores)
    fnmr, fmr = det_curve.rates()
    columns = np.searchsorted(det_curve.persons, scores.probes)

    def figures(weights: np.ndarray) -> Figures:
        rates = det_curve.rates(weights)
        costs = {f"min_dcf_{prior}": minimum_cost(*rates, prior) for prior in PRIORS}
        rank1 = search.within(1, weights[columns])
        return {"eer": equal_error_rate(*rates), "rank1": rank1} | costs

    size = len(det_curve.persons)
    return {
        "persons": len(scores.enrolled),
        "probes": len(scores.probes),
        "targets": int(scores.targets.sum()),
        "nontargets": int(scores.nontargets.sum()),
        "clips": [min(map(len, enrolments)), max(map(len, enrolments))],
        **figures(np.ones(size)),
        "rank5": search.within(5) if search.candidates.max() > 5 else None,
        "chance": search.chance(),
        "cmc": search.cmc(),
        "det": points(fnmr, fmr),
        "intervals": person_intervals(figures, size, resamples=resamples, seed=seed),
        "by_clips": _by_clips(enrolments, score),
        "cross_fitted": cross_fitted(
            scores, enrol(embeddings, enrolments), tested, resamples=resamples, seed=seed
        ),
    }


def _by_clips(enrolments: Sequence[Sequence[int]], score: Any) -> dict[str, dict[str, Any]]:
    """Enrol by fewer clips: all sets of so many, one after another, each a gallery of its own."""
    fewest = min(map(len, enrolments))
    found = {}
    for clips in (number for number in CLIPS if number <= fewest):
        galleries = [
            score([rows[first : first + clips] for rows in enrolments])
            for first in range(0, fewest - clips + 1, clips)
        ]
        found[str(clips)] = {
            "enrolments": len(galleries),
            "eer": equal_error_rate(*DetCurve(*galleries).rates()),
            "rank1": float(np.mean([Search(gallery).within(1) for gallery in galleries])),
        }
    return found
