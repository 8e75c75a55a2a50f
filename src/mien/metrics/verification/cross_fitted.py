"""Metrics that need something fitted first: it is fitted on other speakers (cross-fitting)."""

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from mien.metrics.verification.bootstrap import RESAMPLES, MetricValues, speaker_intervals
from mien.metrics.verification.det import DetCurve, equal_error_rate
from mien.metrics.verification.identification import Search
from mien.metrics.verification.llr import LlrCalibration, cllr, minimum_cllr
from mien.metrics.verification.scores import Scores, adaptive_norm

FPIR = 0.01
"""False-positive identification rate at which the threshold of a search is chosen."""

Halves = tuple[list[str], list[str]]
"""The speakers of each half."""


def halves(scores: Scores) -> Halves | None:
    """Split the speakers into two halves, such that each half has trials of its own.

    Where only some speakers are compared with each other, such as those of one session, these stay
    together. The split depends on the names alone. None: there are fewer than four speakers to
    split, or fewer than two such groups.
    """
    speakers = sorted({*scores.enrolled.tolist(), *scores.probes.tolist()})
    rows, columns = np.nonzero(scores.nontargets)
    pairs = (
        np.searchsorted(speakers, scores.enrolled[rows]),
        np.searchsorted(speakers, scores.probes[columns]),
    )
    links = csr_array((np.ones(len(rows)), pairs), shape=(len(speakers), len(speakers)))
    groups = connected_components(links, directed=False)[1]
    together = [[s for s, g in zip(speakers, groups, strict=True) if g == n] for n in set(groups)]
    together = [group for group in together if len(group) > 1]
    if len(together) == 1 and len(together[0]) > 3:
        together = [[speaker] for speaker in together[0]]
    if len(together) < 2:
        return None
    together.sort(key=lambda group: (zlib.crc32(group[0].encode()), group))
    middle = (len(together) + 1) // 2
    first, second = (
        [speaker for group in groups for speaker in group]
        for groups in (together[:middle], together[middle:])
    )
    return first, second


def cross_fitted(
    scores: Scores,
    enrolled: np.ndarray,
    probes: np.ndarray,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any] | None:
    """Evaluate each half of the speakers with what was fitted on the other half.

    Parameters
    ----------
    scores : Scores
        Cosines of enrolled and probes.
    enrolled, probes : array (M, E), (P, E)
        Their embeddings, of unit length; the probes of the other half are the cohort of AS-norm.
    resamples, seed : int
        Of the intervals.

    Returns
    -------
    dict or None
        Over the trials within each half, both halves together: ``targets``, ``nontargets``;
        ``eer`` without and ``eer_norm`` with AS-norm; ``cllr`` and ``min_cllr`` of the calibrated
        scores; ``fnir`` and ``fpir`` with the threshold at which the other half's false-positive
        identification rate is `FPIR`; ``searches``, how many there are of either kind;
        ``intervals`` of these, without fitting anew. None where `halves` gives None.
    """
    split = halves(scores)
    if split is None:
        return None
    raw = DetCurve(_refit(scores, split, lambda own, _: own.values))
    normed = DetCurve(_refit(scores, split, _normaliser(scores, enrolled, probes)))
    ratios = DetCurve(_refit(scores, split, _calibrate))
    search = Search(_refit(scores, split, _above_threshold))
    columns = np.searchsorted(raw.speakers, scores.probes)

    def values(weights: np.ndarray) -> MetricValues:
        return {
            "eer": equal_error_rate(*raw.rates(weights)),
            "eer_norm": equal_error_rate(*normed.rates(weights)),
            "cllr": cllr(ratios.values, ratios.target, ratios.counts(weights)),
            "fnir": search.fnir(0.0, weights[columns]),
            "fpir": search.fpir(0.0, weights[columns]),
        }

    size = len(raw.speakers)
    return {
        "targets": int(raw.target.sum()),
        "nontargets": int((~raw.target).sum()),
        "searches": len(columns),
        **values(np.ones(size)),
        "min_cllr": minimum_cllr(ratios.values, ratios.target),
        "intervals": speaker_intervals(values, size, resamples=resamples, seed=seed),
    }


Refit = Callable[[Scores, Scores], np.ndarray]
"""From the scores of a half, and those of the other half, to new scores of the first."""


def _refit(scores: Scores, split: Halves, refit: Refit) -> Scores:
    """Keep the trials within each half, with new scores."""
    values, compared = np.zeros(scores.values.shape), np.zeros_like(scores.compared)
    for own, other in (split, split[::-1]):
        block = np.ix_(np.isin(scores.enrolled, own), np.isin(scores.probes, own))
        values[block] = refit(scores.among(own), scores.among(other))
        compared[block] = scores.compared[block]
    return Scores(values, compared, scores.enrolled, scores.probes)


def _normaliser(scores: Scores, enrolled: np.ndarray, probes: np.ndarray) -> Refit:
    def normalise(own: Scores, other: Scores) -> np.ndarray:
        cohort = probes[np.isin(scores.probes, other.probes)]
        return adaptive_norm(
            own.values,
            enrolled[np.isin(scores.enrolled, own.enrolled)] @ cohort.T,
            probes[np.isin(scores.probes, own.probes)] @ cohort.T,
        )

    return normalise


def _calibrate(own: Scores, other: Scores) -> np.ndarray:
    trials = other.compared
    return LlrCalibration(other.values[trials], other.same[trials])(own.values)


def _above_threshold(own: Scores, other: Scores) -> np.ndarray:
    # so that 0 is the threshold of both halves
    above: np.ndarray = own.values - Search(other).threshold(FPIR)
    return above
