"""Identification: searching the enrolled persons for somebody."""

import numpy as np

from mien.metrics.verification.scores import Scores


class Search:
    """What searching the enrolled persons for each probe finds.

    A probe's mate is the enrolment of its own person. For the searches without a mate the probe's
    own person is taken out of the enrolled ones, so that every probe serves for both kinds.

    Parameters
    ----------
    scores : Scores
        The enrolments that a probe is compared with are those searched.

    Attributes
    ----------
    mate : array (P,)
        The score of the mate; -inf for a probe without one.
    rival : array (P,)
        The highest score of another person; -inf where there is none.
    rank : array (P,) int
        The place of the mate, from 1; others that score the same go before it.
    candidates : array (P,) int
        How many persons are searched.
    """

    def __init__(self, scores: Scores) -> None:
        values = scores.values
        self.mated: np.ndarray = np.any(scores.targets, axis=0)
        self.mate = np.where(scores.targets, values, -np.inf).max(axis=0, initial=-np.inf)
        self.rival = np.where(scores.nontargets, values, -np.inf).max(axis=0, initial=-np.inf)
        self.rank = 1 + (scores.nontargets & (values >= self.mate)).sum(axis=0)
        self.candidates = scores.compared.sum(axis=0)

    def within(self, rank: int, weights: np.ndarray | None = None) -> float:
        """Compute the share of probes with a mate whose mate is among the first `rank` (CMC)."""
        return _share(np.less_equal(self.rank, rank), self.mated, weights)

    def cmc(self) -> list[float]:
        """Give the cumulative match characteristic: `within` for ranks 1, 2, ..."""
        return [self.within(rank) for rank in range(1, int(self.candidates.max()) + 1)]

    def chance(self) -> float:
        """Give the share of mates that guessing would put first."""
        return float((1 / self.candidates[self.mated]).mean())

    def fnir(self, threshold: float, weights: np.ndarray | None = None) -> float:
        """Compute the false-negative identification rate (ISO/IEC 19795-1, rank 1).

        The share of searches with a mate that do not return it: because it scores less than the
        threshold, or somebody else as much or more.
        """
        found = (self.mate >= threshold) & (self.rank == 1)
        return _share(~found, self.mated, weights)

    def fpir(self, threshold: float, weights: np.ndarray | None = None) -> float:
        """Compute the false-positive identification rate (ISO/IEC 19795-1).

        The share of searches without a mate that return somebody: who scores at least the
        threshold.
        """
        return _share(self.rival >= threshold, np.ones(len(self.rival), bool), weights)

    def threshold(self, fpir: float) -> float:
        """Choose the lowest threshold whose false-positive identification rate is not above."""
        highest = np.sort(self.rival)[::-1]
        allowed = int(np.floor(fpir * len(highest) + 1e-9))
        if allowed >= len(highest):
            return -np.inf
        return float(np.nextafter(highest[allowed], np.inf))


def _share(what: np.ndarray, of: np.ndarray, weights: np.ndarray | None) -> float:
    counts = of * (1.0 if weights is None else weights)
    return float((what * counts).sum() / counts.sum()) if counts.any() else float("nan")
