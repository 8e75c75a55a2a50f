"""Identification: searching the enrolled speakers for the speaker of a probe."""

import numpy as np

from mien.metrics.verification.scores import Scores


class Search:
    """What searching the enrolled speakers for each probe finds.

    A search is mated where the speaker of the probe is enrolled. For the non-mated searches the
    probe's own speaker is left out of the enrolled ones, so that every probe serves for both kinds.

    Parameters
    ----------
    scores : Scores
        The enrolments that a probe is compared with are those searched.

    Attributes
    ----------
    mated : array (P,) bool
        Which probes have their speaker enrolled.
    mated_score : array (P,)
        The score of the probe's own speaker; -inf where they are not enrolled.
    non_mated_score : array (P,)
        The highest score of another speaker; -inf where there is none.
    rank : array (P,) int
        The rank of the probe's own speaker, from 1; others that score the same go before.
    candidates : array (P,) int
        How many speakers are searched.
    """

    def __init__(self, scores: Scores) -> None:
        values = scores.values
        self.mated: np.ndarray = np.any(scores.targets, axis=0)
        self.mated_score = _highest(values, scores.targets)
        self.non_mated_score = _highest(values, scores.nontargets)
        self.rank = 1 + (scores.nontargets & (values >= self.mated_score)).sum(axis=0)
        self.candidates = scores.compared.sum(axis=0)

    def within(self, rank: int, weights: np.ndarray | None = None) -> float:
        """Compute the share of mated probes whose speaker is among the first `rank` (CMC)."""
        return _share(np.less_equal(self.rank, rank), self.mated, weights)

    def cmc(self) -> list[float]:
        """Give the cumulative match characteristic: `within` for ranks 1, 2, ..."""
        return [self.within(rank) for rank in range(1, int(self.candidates.max()) + 1)]

    def chance(self) -> float:
        """Give the share of mated probes whose speaker guessing would put first."""
        return float((1 / self.candidates[self.mated]).mean())

    def fnir(self, threshold: float, weights: np.ndarray | None = None) -> float:
        """Compute the false-negative identification rate (ISO/IEC 19795-1, rank 1).

        The share of mated searches that do not return the speaker: because they score less than the
        threshold, or somebody else as much or more.
        """
        found = (self.mated_score >= threshold) & (self.rank == 1)
        return _share(~found, self.mated, weights)

    def fpir(self, threshold: float, weights: np.ndarray | None = None) -> float:
        """Compute the false-positive identification rate (ISO/IEC 19795-1).

        The share of non-mated searches that return somebody: who scores at least the threshold.
        """
        return _share(self.non_mated_score >= threshold, np.ones(len(self.rank), bool), weights)

    def threshold(self, fpir: float) -> float:
        """Choose the lowest threshold whose false-positive identification rate is at most that."""
        highest = np.sort(self.non_mated_score)[::-1]
        allowed = int(np.floor(fpir * len(highest) + 1e-9))
        if allowed >= len(highest):
            return -np.inf
        return float(np.nextafter(highest[allowed], np.inf))


def _highest(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    return np.where(among, values, -np.inf).max(axis=0, initial=-np.inf)


def _share(what: np.ndarray, of: np.ndarray, weights: np.ndarray | None) -> float:
    counts = of * (1.0 if weights is None else weights)
    return float((what * counts).sum() / counts.sum()) if counts.any() else float("nan")
