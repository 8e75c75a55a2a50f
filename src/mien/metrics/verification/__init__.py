"""Metrics of speaker verification and identification, by the cosine of embeddings.

The speakers may be unseen: training need not have had them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.metrics.verification.bootstrap import RESAMPLES, MetricValues, speaker_intervals
from mien.metrics.verification.cross_fitted import cross_fitted
from mien.metrics.verification.det import DetCurve, equal_error_rate, minimum_cost, points
from mien.metrics.verification.identification import Search
from mien.metrics.verification.scores import Scores, enrol

PRIORS = (0.01, 0.05)
"""Shares of target trials for which the detection cost is computed, as NIST does."""

CLIPS = (1, 2, 4, 8)
"""Numbers of enrolled clips for which metrics are computed."""


def evaluate_trials(
    embeddings: np.ndarray,
    speakers: Sequence[str],
    enrolments: Sequence[Sequence[int]],
    probes: Sequence[int],
    compared: np.ndarray,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Evaluate verification and identification trials by the cosine of embeddings.

    Parameters
    ----------
    embeddings : array (N, E)
        One for each clip, of unit length.
    speakers : sequence of N str
        The speaker of each clip.
    enrolments : sequence of M sequences of int
        The clips that enrol each speaker, rows of `embeddings`; each speaker once.
    probes : sequence of P int
        The clips that are compared with them.
    compared : array (M, P) bool
        Which pairs are trials.
    resamples, seed : int
        Of the intervals.

    Returns
    -------
    dict
        ``speakers``, ``probes``, ``targets``, ``nontargets`` (counts); ``clips``: fewest and most
        clips of an enrolment; ``eer``; ``min_dcf`` by prior; ``rank1``, ``rank5`` (None where all
        are compared with five or fewer), ``chance`` (of rank 1), ``cmc``; ``det``: points (fmr,
        fnmr); ``intervals`` of eer, min_dcf and rank1; ``by_clips``: for each of `CLIPS`
        that every enrolment has, ``enrolments``, ``eer`` and ``rank1``; ``cross_fitted``:
        see `mien.metrics.verification.cross_fitted.cross_fitted`.

    Raises
    ------
    MienError
        An embedding is not a finite number.

    Examples
    --------
    >>> clips, compared = np.eye(2)[[0, 0, 1, 1]], np.ones((2, 2), bool)
    >>> names = ["a", "a", "b", "b"]
    >>> found = evaluate_trials(clips, names, [[0], [2]], [1, 3], compared, resamples=10)
    >>> found["eer"], found["rank1"]
    (0.0, 1.0)
    """
    if not np.isfinite(embeddings).all():
        raise MienError("Embeddings are not finite: train again with a lower learning rate.")
    who, tested = np.asarray(speakers), embeddings[list(probes)]

    def score(clips: Sequence[Sequence[int]]) -> Scores:
        names = who[[rows[0] for rows in clips]]
        return Scores(enrol(embeddings, clips) @ tested.T, compared, names, who[list(probes)])

    scores = score(enrolments)
    det_curve, search = DetCurve(scores), Search(scores)
    fnmr, fmr = det_curve.rates()
    columns = np.searchsorted(det_curve.speakers, scores.probes)

    def values(weights: np.ndarray) -> MetricValues:
        rates = det_curve.rates(weights)
        costs = {f"min_dcf_{prior}": minimum_cost(*rates, prior) for prior in PRIORS}
        rank1 = search.within(1, weights[columns])
        return {"eer": equal_error_rate(*rates), "rank1": rank1} | costs

    size = len(det_curve.speakers)
    return {
        "speakers": len(scores.enrolled),
        "probes": len(scores.probes),
        "targets": int(scores.targets.sum()),
        "nontargets": int(scores.nontargets.sum()),
        "clips": [min(map(len, enrolments)), max(map(len, enrolments))],
        **values(np.ones(size)),
        "rank5": search.within(5) if search.candidates.max() > 5 else None,
        "chance": search.chance(),
        "cmc": search.cmc(),
        "det": points(fnmr, fmr),
        "intervals": speaker_intervals(values, size, resamples=resamples, seed=seed),
        "by_clips": _by_clips(enrolments, score),
        "cross_fitted": cross_fitted(
            *(scores, embeddings, speakers, enrolments, probes), resamples=resamples, seed=seed
        ),
    }


def _by_clips(enrolments: Sequence[Sequence[int]], score: Any) -> dict[str, dict[str, Any]]:
    """Evaluate enrolment by fewer clips.

    All disjoint sets of so many clips are enrolled, each set as a gallery of its own.
    """
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
