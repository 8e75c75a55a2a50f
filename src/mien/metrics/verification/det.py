"""Verification: the detection error trade-off (DET), and the metrics that it gives."""

import numpy as np

from mien.metrics.verification.scores import Scores


class DetCurve:
    """The false matches and false non-matches of trials at every threshold.

    A trial is accepted where its score is at least the threshold. The false non-match rate (FNMR)
    is the share of target trials that are refused, the false match rate (FMR) the share of
    non-target trials that are accepted (ISO/IEC 19795-1; FRR and FAR elsewhere).

    Parameters
    ----------
    *scores : Scores
        The trials of all of them are taken together.

    Attributes
    ----------
    speakers : list of str
        All who are in a trial, sorted.
    values : array (T,)
        The scores of all trials, the highest first.
    target : array (T,) bool
        Which of them are target trials: of one speaker.
    """

    def __init__(self, *scores: Scores) -> None:
        names = {str(name) for s in scores for name in (*s.enrolled, *s.probes)}
        self.speakers: list[str] = sorted(names)
        trials = [self._trials(s) for s in scores]
        values, first, second = (np.concatenate(column) for column in zip(*trials, strict=True))
        order = np.argsort(-values, kind="stable")
        self.first, self.second = first[order], second[order]
        self.target = self.first == self.second
        self.values = values[order]
        self._last_of_equals = np.flatnonzero(np.append(np.diff(self.values) != 0, True))

    def _trials(self, scores: Scores) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        enrolled = np.searchsorted(self.speakers, scores.enrolled)
        probes = np.searchsorted(self.speakers, scores.probes)
        rows, columns = np.nonzero(scores.compared)
        return scores.values[rows, columns], enrolled[rows], probes[columns]

    def counts(self, weights: np.ndarray) -> np.ndarray:
        """Give how often each trial counts, (T,), from how often each speaker does, (speakers,).

        A target trial counts as often as its speaker, a non-target trial as often as both its
        speakers multiplied.
        """
        once: np.ndarray = weights[self.second] * np.where(self.target, 1, weights[self.first])
        return once

    def rates(self, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Compute both error rates from the highest threshold, which refuses all, to the lowest.

        Parameters
        ----------
        weights : array (speakers,) or None
            How often each speaker counts; None: once.

        Returns
        -------
        fnmr, fmr : array (K + 1,)
            K is the number of different scores. NaN where no trial of that kind is left.
        """
        counts = np.ones(len(self.target)) if weights is None else self.counts(weights)
        accepted = [
            np.append(0.0, np.cumsum(counts * kind)[self._last_of_equals])
            for kind in (self.target, ~self.target)
        ]
        with np.errstate(invalid="ignore"):
            true, false = (count / count[-1] for count in accepted)
        return 1 - true, false


def equal_error_rate(fnmr: np.ndarray, fmr: np.ndarray) -> float:
    """Find where both error rates are equal, on the straight line between the two nearest points.

    No threshold may give equal rates; the two on either side of equality are then joined, as is
    usual. (The convex hull of the curve, which some tools use, gives a rate that is equal or
    lower.) Scores that are all equal give 0.5.

    Parameters
    ----------
    fnmr, fmr : array (K + 1,)
        From `DetCurve.rates`.

    Returns
    -------
    float
        From 0 to 1; NaN where a kind of trial is missing.

    Examples
    --------
    >>> equal_error_rate(np.array([1.0, 0.2, 0.0]), np.array([0.0, 0.2, 1.0]))
    0.2
    """
    above = fnmr - fmr
    if np.isnan(above).any():
        return float("nan")
    after = int(np.argmax(above <= 0))
    share = above[after - 1] / (above[after - 1] - above[after])
    return float(fmr[after - 1] + share * (fmr[after] - fmr[after - 1]))


def minimum_cost(fnmr: np.ndarray, fmr: np.ndarray, prior: float) -> float:
    """Compute the detection cost at the best threshold (minDCF of NIST's evaluations).

    Both kinds of error cost 1. The cost is divided by that of the better constant decision, so that
    1 means of no use.

    Parameters
    ----------
    fnmr, fmr : array (K + 1,)
        From `DetCurve.rates`.
    prior : float
        Share of trials that are targets where the system is used.

    Returns
    -------
    float
        From 0 to 1; NaN where a kind of trial is missing.

    Examples
    --------
    >>> round(minimum_cost(np.array([1.0, 0.2, 0.0]), np.array([0.0, 0.01, 1.0]), 0.05), 3)
    0.39
    """
    cost = prior * fnmr + (1 - prior) * fmr
    return float(cost.min() / min(prior, 1 - prior))


def points(fnmr: np.ndarray, fmr: np.ndarray, most: int = 200) -> list[tuple[float, float]]:
    """Thin the curve out to points (fmr, fnmr) for drawing, most of them where rates are low."""
    if len(fnmr) > most:
        wanted = np.append(np.geomspace(1e-4, 1, most // 2), 0)
        places = np.unique(
            [*np.searchsorted(fmr, wanted), *(len(fnmr) - np.searchsorted(fnmr[::-1], wanted))]
        )
        places = places[places < len(fnmr)]
        fnmr, fmr = fnmr[places], fmr[places]
    return list(zip(fmr.tolist(), fnmr.tolist(), strict=True))
