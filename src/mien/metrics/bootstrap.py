"""Bootstrap intervals: how much a metric would vary with other speakers or other utterances."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Metric = Callable[[np.ndarray], np.ndarray]
"""From summed counts to a metric."""

BLOCK = 100
"""Resamples drawn at a time, which bounds the memory."""

FEW = 10
"""With fewer speakers than this an interval says nothing of others: it covers these alone."""

NOUNS = {"person": "speakers", "dialogue": "dialogues"}
"""What groups are called in messages, by what they are grouped by."""


def tally(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Count what recall and F1 are made of, such that counts of utterances add up.

    Parameters
    ----------
    truth, predicted : array (N, C) bool
        The right labels and those that were predicted.

    Returns
    -------
    array (N, 3, C) int64
        Right predictions, true labels, predictions.
    """
    truth, predicted = np.asarray(truth, bool), np.asarray(predicted, bool)
    return np.stack([truth & predicted, truth, predicted], axis=1).astype(np.int64)


def average_recall(counts: np.ndarray) -> np.ndarray:
    """Mean recall over the labels that occur; counts (..., 3, C) -> (...,), NaN if none occurs."""
    right, true, _ = np.moveaxis(counts, -2, 0)
    return _mean_of_ratios(right, true, true > 0)


def average_f1(counts: np.ndarray) -> np.ndarray:
    """Mean F1 over the labels that occur; counts (..., 3, C) -> (...,), NaN if none occurs."""
    right, true, predicted = np.moveaxis(counts, -2, 0)
    return _mean_of_ratios(2 * right, true + predicted, true > 0)


def _mean_of_ratios(above: np.ndarray, below: np.ndarray, kept: np.ndarray) -> np.ndarray:
    total = np.where(kept, above / np.maximum(below, 1), 0.0).sum(axis=-1)
    return total / np.where(kept.any(axis=-1), kept.sum(axis=-1), np.nan)


def interval(
    counts: np.ndarray,
    metric: Metric,
    *,
    groups: Sequence[str | None] | np.ndarray | None = None,
    by: str = "person",
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any] | None:
    """Give the percentile bootstrap interval of a metric (Efron 1979), in two stages.

    Utterances of one speaker resemble one another. So where the speakers are known, speakers are
    drawn first, and then as many utterances of each as that speaker has (Davison and Hinkley 1997,
    section 3.8). Drawing speakers with all their utterances would give far too narrow an interval
    where there are few of them, since the few may be alike by chance. How often the truth lies
    within is measured by ``benchmarks/interval_coverage.py``.

    Parameters
    ----------
    counts : array (N, ...)
        What `tally` gives, (N, 3, C), or any other array of utterances whose rows add up. That of
        S training seeds, (N, S, 3, C), goes with a metric that averages over them; the interval is
        that of these seeds' mean.
    metric : callable
        From summed counts (..., 3, C) to the metric (...,): `average_recall` or `average_f1`.
    groups : sequence of N str or None
        The speaker of each utterance. If it is None, has an unknown one or only a single one,
        utterances are drawn.
    by : str
        What `groups` holds, if not speakers: recordings are as good a unit.
    level : float
        Share of resamples inside the interval.
    resamples, seed : int
        How often to draw, and where the random numbers start.

    Returns
    -------
    dict or None
        ``low``, ``high``, ``level``, ``resamples``, ``by`` (as given, or "utterance"), ``units``
        (how many groups there are, None where they are not known) and ``covers``: "these 4
        speakers only" where they are fewer than `FEW`, else None. The whole is None with fewer than
        two utterances. Resamples in which no label occurs are left out.

    Examples
    --------
    >>> truth = np.eye(2, dtype=bool)[[0, 0, 1, 1]]
    >>> interval(tally(truth, truth), average_recall)["low"]
    1.0
    """
    if len(counts) < 2:
        return None
    names, blocks = known(groups), clusters(counts, groups)
    found = _resampled(blocks, metric, resamples, np.random.default_rng(seed))
    found = found[np.isfinite(found)]
    if not len(found):
        return None
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return {
        "low": float(low),
        "high": float(high),
        "level": level,
        "resamples": resamples,
        "by": by if len(blocks) > 1 else "utterance",
        "units": len(names) or None,
        "covers": _covers(len(names), by) if 0 < len(names) < FEW else None,
    }


def known(groups: Sequence[str | None] | np.ndarray | None) -> set[str]:
    """Name the groups; none where one of them is not known."""
    names = set() if groups is None else set(groups)
    return set() if None in names else names


def clusters(
    counts: np.ndarray, groups: Sequence[str | None] | np.ndarray | None
) -> list[np.ndarray]:
    """Divide utterances by group, such as their speakers.

    Parameters
    ----------
    counts : array (N, ...)
        Of each utterance.
    groups : sequence of N str or None
        The group of each. If it is None, has an unknown one or only a single one, all utterances
        stay together.

    Returns
    -------
    list of arrays (n, ...)
        One for each group, in the order of their names.

    Examples
    --------
    >>> [part.tolist() for part in clusters(np.array([1, 2, 3]), ["Ben", "Ann", "Ben"])]
    [[2], [1, 3]]
    """
    if len(known(groups)) < 2:
        return [counts]
    index = np.unique(np.asarray(groups), return_inverse=True)[1]
    return [counts[index == number] for number in range(index.max() + 1)]


def _covers(number: int, by: str) -> str:
    noun = NOUNS.get(by, f"{by}s")
    return f"these {number} {noun} only" if number > 1 else f"this one {noun[:-1]} only"


def _resampled(
    blocks: list[np.ndarray], metric: Metric, resamples: int, random: np.random.Generator
) -> np.ndarray:
    """Give the metric of each resample: groups are drawn, and utterances of those drawn."""
    # Equal utterances are drawn as one with their common weight: the same law, less work, and a
    # result that does not depend on their order.
    kinds = [np.unique(b.reshape(len(b), -1), axis=0, return_counts=True) for b in blocks]
    values = []
    for start in range(0, resamples, BLOCK):
        size = min(BLOCK, resamples - start)
        times = random.multinomial(len(blocks), np.full(len(blocks), 1 / len(blocks)), size=size)
        total = np.zeros((size, blocks[0][0].size))
        for block, (rows, number), drawn in zip(blocks, kinds, times.T, strict=True):
            # a group drawn twice is two groups, each with utterances drawn anew
            shares = random.multinomial(drawn * len(block), number / len(block))
            total += shares @ rows
        values.append(metric(total.reshape(size, *blocks[0].shape[1:])))
    return np.concatenate(values)
