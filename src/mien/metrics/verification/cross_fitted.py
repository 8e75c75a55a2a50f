"""Metrics that need something fitted first: it is fitted on other speakers (cross-fitting)."""

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from mien.errors import MienError
from mien.metrics.verification.bootstrap import RESAMPLES, MetricValues, speaker_intervals
from mien.metrics.verification.det import DetCurve, equal_error_rate
from mien.metrics.verification.identification import Search
from mien.metrics.verification.llr import LlrCalibration, cllr, minimum_cllr
from mien.metrics.verification.scores import Scores, adaptive_norm, enrol
from mien.metrics.verification.wccn import WithinClassNorm

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
    embeddings: np.ndarray,
    speakers: Sequence[str],
    enrolments: Sequence[Sequence[int]],
    probes: Sequence[int],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any] | None:
    """Evaluate each half of the speakers with what was fitted on the other half.

    Parameters
    ----------
    scores : Scores
        Cosines of enrolments and probes.
    embeddings, speakers, enrolments, probes
        As `mien.metrics.verification.evaluate_trials` takes them. The probes of the other half are
        the cohort of AS-norm; all clips of its speakers are what WCCN is fitted on.
    resamples, seed : int
        Of the intervals.

    Returns
    -------
    dict or None
        Over the trials within each half, both halves together: ``targets``, ``nontargets``;
        ``eer`` and ``rank1`` of the cosines, and with the endings ``_norm`` (AS-norm), ``_wccn``
        (see `mien.metrics.verification.wccn.WithinClassNorm`) and ``_wccn_norm`` (AS-norm of
        cosines after WCCN); ``cllr`` and ``min_cllr`` of the calibrated scores; ``fnir`` and
        ``fpir`` with the threshold at which the other half's false-positive identification rate is
        `FPIR`; ``searches``, how many there are of either kind; ``intervals`` of these, without
        fitting anew; ``wccn_shrinkage``, that with which either half was evaluated, or ``no_wccn``,
        the reason, where WCCN can't be fitted and its metrics are missing. None where `halves`
        gives None.
    """
    split = halves(scores)
    if split is None:
        return None
    sides = enrol(embeddings, enrolments), embeddings[list(probes)]
    kinds = {
        "": _refit(scores, split, lambda own, _: own.values),
        "_norm": _cosines(scores, split, (sides, sides), normed=True),
    }
    try:
        norms = _fit_wccn(embeddings, np.asarray(speakers), split)
    except MienError as error:
        about: dict[str, Any] = {"no_wccn": str(error)}
    else:
        about = {"wccn_shrinkage": [norm.shrinkage for norm in norms]}
        whitened = [norm(embeddings) for norm in norms]
        spaces = [(enrol(clips, enrolments), clips[list(probes)]) for clips in whitened]
        kinds["_wccn"] = _cosines(scores, split, spaces)
        kinds["_wccn_norm"] = _cosines(scores, split, spaces, normed=True)
    return about | _metrics(scores, split, kinds, resamples, seed)


def _metrics(
    scores: Scores, split: Halves, kinds: dict[str, Scores], resamples: int, seed: int
) -> dict[str, Any]:
    """Compute metrics and intervals of normalised scores, by kind, and of those calibrated here."""
    curves = {kind: DetCurve(normed) for kind, normed in kinds.items()}
    searches = {kind: Search(normed) for kind, normed in kinds.items()}
    raw = curves[""]
    ratios = DetCurve(_refit(scores, split, _calibrate))
    search = Search(_refit(scores, split, _above_threshold))
    columns = np.searchsorted(raw.speakers, scores.probes)

    def values(weights: np.ndarray) -> MetricValues:
        found = {f"eer{kind}": equal_error_rate(*at.rates(weights)) for kind, at in curves.items()}
        for kind, at in searches.items():
            found[f"rank1{kind}"] = at.within(1, weights[columns])
        return found | {
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


def _fit_wccn(embeddings: np.ndarray, speakers: np.ndarray, split: Halves) -> list[WithinClassNorm]:
    """Fit what each half is evaluated with: on the clips of the other half."""
    learned = [np.isin(speakers, other) for other in split[::-1]]
    return [WithinClassNorm(embeddings[clips], speakers[clips]) for clips in learned]


Sides = tuple[np.ndarray, np.ndarray]
"""Embeddings of the enrolments (M, E) and of the probes (P, E), of unit length."""


def _cosines(
    scores: Scores, split: Halves, spaces: Sequence[Sides], *, normed: bool = False
) -> Scores:
    """Compare within each half, by the embeddings that belong to it; `normed`: with AS-norm."""
    values, compared = np.zeros(scores.values.shape), np.zeros_like(scores.compared)
    for own, other, (enrolled, probes) in zip(split, split[::-1], spaces, strict=True):
        rows, columns = np.isin(scores.enrolled, own), np.isin(scores.probes, own)
        block = np.ix_(rows, columns)
        mine, tested = enrolled[rows], probes[columns]
        values[block] = mine @ tested.T
        if normed:
            cohort = probes[np.isin(scores.probes, other)].T
            values[block] = adaptive_norm(values[block], mine @ cohort, tested @ cohort)
        compared[block] = scores.compared[block]
    return Scores(values, compared, scores.enrolled, scores.probes)


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


def _calibrate(own: Scores, other: Scores) -> np.ndarray:
    trials = other.compared
    return LlrCalibration(other.values[trials], other.same[trials])(own.values)


def _above_threshold(own: Scores, other: Scores) -> np.ndarray:
    # so that 0 is the threshold of both halves
    above: np.ndarray = own.values - Search(other).threshold(FPIR)
    return above
