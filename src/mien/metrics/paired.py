"""Whether one of two systems that predicted the same utterances is better than the other.

Utterances of a speaker resemble one another, and one system may suit some speakers better. How
often each method is wrong then is measured by ``benchmarks/paired_tests.py``. The rates named below
are from there, with differences whose standard deviation between speakers is 0.1 to 0.2.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.metrics.bootstrap import BLOCK, Metric, clusters, interval

EXACT = 14
"""With so many units or fewer, every assignment of the permutation test is tried: at most 2**14."""

ROUNDING = 1e-9
"""Differences that are closer than this share of the metrics are equal but for rounding."""


@dataclass(frozen=True)
class Difference:
    """How much better A is than B, with a bootstrap interval.

    Attributes
    ----------
    value : float
        The metric of A minus that of B.
    low, high : float
        The interval.
    level : float
        Share of resamples inside it.
    resamples : int
        How many were drawn.
    by : str
        What was drawn first: what the caller calls it, or "utterance".
    units : int or None
        How many speakers there are; None where they are not known.
    covers : str or None
        "these 4 speakers only" where they are few, else None.
    """

    value: float
    low: float
    high: float
    level: float
    resamples: int
    by: str
    units: int | None
    covers: str | None


@dataclass(frozen=True)
class Permutation:
    """Result of a two-sided permutation test.

    Attributes
    ----------
    p : float
        Share of the assignments whose difference is at least as large as the one observed.
    smallest : float
        No p can be below this, whatever the systems predict: with 4 speakers 2/16.
    assignments : int
        How many were tried.
    exact : bool
        Whether these are all there are.
    by : str
        What was exchanged: what the caller calls it, or "utterance".
    units : int
        How many of these there are.
    """

    p: float
    smallest: float
    assignments: int
    exact: bool
    by: str
    units: int


@dataclass(frozen=True)
class McNemar:
    """Result of McNemar's exact test.

    Attributes
    ----------
    p : float
        Two-sided.
    only_a, only_b : int
        Discordant utterances: those that A alone predicts correctly, and B alone.
    """

    p: float
    only_a: int
    only_b: int


def difference(
    counts_a: np.ndarray,
    counts_b: np.ndarray,
    metric: Metric,
    *,
    speakers: Sequence[str | None] | np.ndarray | None = None,
    by: str = "person",
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Difference | None:
    """Give the difference of a metric, with its interval by the paired two-stage bootstrap.

    Each resample takes the same speakers and the same utterances of both systems, so what is easy
    or difficult for both cancels out. Otherwise it is drawn as `bootstrap.interval` says.

    The interval holds the difference for these speakers in 98 % or more where 95 % are meant. For
    other speakers it is too narrow where speakers are few and do not agree on which system is
    better: with four it excludes 0 in 9 to 14 % though neither is better, with ten or more in 4 to
    6 %.

    Parameters
    ----------
    counts_a, counts_b : array (N, ...)
        What the metric is computed from, of the same utterances in the same order, such that counts
        of utterances add up: `bootstrap.tally`. With several training seeds, (N, S, 3, C), and a
        metric that averages over them.
    metric : callable
        From summed counts (..., 3, C) to the metric (...,), such as `bootstrap.average_f1`.
    speakers : sequence of N str or None
        Who speaks each utterance. None, an unknown speaker among them, or one speaker only:
        utterances are drawn.
    by : str
        What `speakers` names, where it is not persons.
    level : float
        Share of resamples inside the interval.
    resamples, seed : int
        How often to draw, and where the random numbers start.

    Returns
    -------
    Difference or None
        None with fewer than two utterances, or where the metric is not defined.

    Examples
    --------
    >>> correct = np.array([[1, 1, 1, 0], [1, 0, 0, 0]])
    >>> difference(*correct, lambda counts: counts / 4).value
    0.5
    """
    pairs = _pairs(counts_a, counts_b)

    def gap(sums: np.ndarray) -> np.ndarray:
        return metric(sums[:, 0]) - metric(sums[:, 1])

    drawing: dict[str, Any] = {"level": level, "resamples": resamples, "seed": seed}
    found = interval(pairs, gap, groups=speakers, by=by, **drawing)
    if found is None:
        return None
    return Difference(value=float(gap(pairs.sum(axis=0, keepdims=True))[0]), **found)


def permutation_test(
    counts_a: np.ndarray,
    counts_b: np.ndarray,
    metric: Metric,
    *,
    speakers: Sequence[str | None] | np.ndarray | None = None,
    by: str = "person",
    resamples: int = 9_999,
    seed: int = 0,
) -> Permutation | None:
    """Test by exchanging the two systems' predictions, for whole speakers at a time.

    If neither system is better, it is as likely that A's predictions for a speaker are B's and B's
    are A's. The p is the share of assignments whose difference, in either direction, is at least as
    large as the one observed. All assignments are tried where there are at most `EXACT` units, else
    random ones, among which the observed one counts, too (Phipson and Smyth 2010).

    The test keeps its level with any number of speakers, however alike a speaker's utterances are,
    if the differences of speakers lie symmetrically around that of the population. With five
    speakers or fewer no p is below 0.05, so a difference is never found. Where utterances are
    exchanged they are treated as independent, which several speakers break as they break `mcnemar`.

    Parameters
    ----------
    counts_a, counts_b, metric
        As `difference` takes them.
    speakers : sequence of N str or None
        Who speaks each utterance. None, an unknown speaker among them, or one speaker only:
        utterances are exchanged.
    by : str
        What `speakers` names, where it is not persons.
    resamples, seed : int
        How many random assignments to try, and where the random numbers start.

    Returns
    -------
    Permutation or None
        None without utterances, or where the metric is not defined.

    Examples
    --------
    >>> found = permutation_test(np.ones(4), np.zeros(4), lambda c: c / 4, speakers=list("abcd"))
    >>> found.p, found.smallest
    (0.125, 0.125)
    """
    pairs = _pairs(counts_a, counts_b)
    groups = clusters(pairs, speakers)
    whole = len(groups) > 1
    units = np.stack([group.sum(axis=0) for group in groups]) if whole else pairs
    total = units.sum(axis=0)
    observed = metric(total)
    if not (len(units) and np.isfinite(observed).all()):
        return None
    least = abs(observed[0] - observed[1]) - ROUNDING * abs(observed).sum()
    exact = len(units) <= EXACT
    found = np.concatenate(
        [
            metric(total[0] + moved) - metric(total[1] - moved)
            for moved in (_all_moved(units) if exact else _some_moved(units, resamples, seed))
        ]
    )
    # where the metric of an assignment is not defined, it counts against the systems' difference
    extreme, number = int((~(abs(found) < least)).sum()), len(found)
    return Permutation(
        p=extreme / number if exact else (extreme + 1) / (number + 1),
        smallest=2.0 ** (1 - len(units)) if exact else 1 / (number + 1),
        assignments=number,
        exact=exact,
        by=by if whole else "utterance",
        units=len(units),
    )


def mcnemar(correct_a: np.ndarray, correct_b: np.ndarray) -> McNemar:
    """Test whether two systems are correct equally often: McNemar's test, two-sided and exact.

    The p is that of the binomial test of the discordant utterances, neither the approximation by
    chi-squared nor the mid-p. It treats utterances as independent, which they are not where
    speakers do not agree on which system is better: then 24 to 49 % of the p are below 0.05 though
    neither is. Use `permutation_test` to speak of other speakers.

    Parameters
    ----------
    correct_a, correct_b : array (N,) bool
        Whether each prediction is correct.

    Examples
    --------
    >>> mcnemar(np.array([1, 1, 1, 1, 0]), np.array([0, 0, 0, 1, 0]))
    McNemar(p=0.25, only_a=3, only_b=0)
    """
    from scipy.special import bdtr  # slow to import

    a, b = np.moveaxis(_pairs(correct_a, correct_b).astype(bool), 1, 0)
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    tail = bdtr(min(only_a, only_b), only_a + only_b, 0.5)
    return McNemar(p=min(1.0, float(2 * tail)), only_a=only_a, only_b=only_b)


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Adjust the p-values of several tests by Holm's step-down method (Holm 1979).

    The smallest of m is multiplied by m, the next by m - 1 and so on, and none ends below one that
    was smaller. Where all below 0.05 are rejected, the chance of any false rejection is at most
    5 %, however the tests depend on one another.

    Parameters
    ----------
    p : sequence of float or None
        None, a test that could not be made, stays None and does not count.

    Examples
    --------
    >>> holm([0.25, None, 0.125])
    [0.25, None, 0.25]
    """
    made = sorted((value, place) for place, value in enumerate(p) if value is not None)
    adjusted: list[float | None] = [None] * len(p)
    highest = 0.0
    for rank, (value, place) in enumerate(made):
        highest = max(highest, min(1.0, (len(made) - rank) * value))
        adjusted[place] = highest
    return adjusted


def _pairs(of_a: np.ndarray, of_b: np.ndarray) -> np.ndarray:
    """Put the two systems side by side, (N, 2, ...)."""
    if np.shape(of_a) != np.shape(of_b):
        raise ValueError(f"A {np.shape(of_a)} and B {np.shape(of_b)} are not of the same shape")
    return np.stack([of_a, of_b], axis=1).astype(float)


def _all_moved(units: np.ndarray) -> Iterator[np.ndarray]:
    """Give what every exchange of units (U, 2, ...) adds to A and takes from B, (2**U, ...)."""
    gained = units[:, 1] - units[:, 0]
    exchanged = np.arange(2 ** len(units))[:, None] >> np.arange(len(units)) & 1
    yield np.tensordot(exchanged, gained, axes=1)


def _some_moved(units: np.ndarray, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Give what random exchanges of units (U, 2, ...) add to A and take from B, (n, ...)."""
    # Units with the same gain are exchanged as one: the same law, less work, and an answer that
    # does not depend on their order.
    gained, number = np.unique(units[:, 1] - units[:, 0], axis=0, return_counts=True)
    random = np.random.default_rng(seed)
    for start in range(0, resamples, BLOCK):
        size = min(BLOCK, resamples - start)
        exchanged = random.binomial(number, 0.5, size=(size, len(number)))
        yield np.tensordot(exchanged, gained, axes=1)
