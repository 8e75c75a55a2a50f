"""How far a figure would move with other persons or other utterances."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Figure = Callable[[np.ndarray], np.ndarray]

BLOCK = 100
"""Resamples drawn at a time, which bounds the memory."""

FEW = 10
"""With fewer persons than this an interval says nothing of others: it covers these alone."""

NOUNS = {"person": "speakers", "dialogue": "dialogues"}
"""What units are called, by what they are drawn by."""


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
    figure: Figure,
    *,
    persons: Sequence[str | None] | np.ndarray | None = None,
    by: str = "person",
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any] | None:
    """Give the percentile bootstrap interval of a figure (Efron 1979), in two stages.

    Utterances of one person resemble one another, so where persons are known first they are drawn,
    and then as many utterances of each as that person has (Davison and Hinkley 1997, section 3.8).
    Persons drawn whole would give far too narrow an interval where there are few of them, since
    the few may be alike by chance. How often the truth lies within is measured by
    ``benchmarks/interval_coverage.py``.

    Parameters
    ----------
    counts : array (N, ...)
        What `tally` gives, (N, 3, C), or any other array of utterances whose parts add up. That of
        S training seeds, (N, S, 3, C), goes with a figure that averages over them; the interval is
        that of these seeds' mean.
    figure : callable
        From summed counts (..., 3, C) to the figure (...,): `average_recall` or `average_f1`.
    persons : sequence of N str or None
        Who speaks each utterance. None, an unknown person among them, or one person only:
        utterances are drawn.
    by : str
        What `persons` names, where it is not persons: recordings are as good a unit.
    level : float
        Share of resamples inside the interval.
    resamples, seed : int
        How often to draw, and where the random numbers start.

    Returns
    -------
    dict or None
        ``low``, ``high``, ``level``, ``resamples``, ``by`` (as given, or "utterance"), ``units``
        (how many persons there are, None where they are not known) and ``covers``: "these 4
        speakers only" where the persons are fewer than `FEW`, else None. The whole is None with
        fewer than two utterances. Resamples in which no label occurs are left out.

    Examples
    --------
    >>> truth = np.eye(2, dtype=bool)[[0, 0, 1, 1]]
    >>> interval(tally(truth, truth), average_recall)["low"]
    1.0
    """
    if len(counts) < 2:
        return None
    names, groups = known(persons), clusters(counts, persons)
    found = _resampled(groups, figure, resamples, np.random.default_rng(seed))
    found = found[np.isfinite(found)]
    if not len(found):
        return None
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return {
        "low": float(low),
        "high": float(high),
        "level": level,
        "resamples": resamples,
        "by": by if len(groups) > 1 else "utterance",
        "units": len(names) or None,
        "covers": _covers(len(names), by) if 0 < len(names) < FEW else None,
    }


def known(persons: Sequence[str | None] | np.ndarray | None) -> set[str]:
    """Name the persons; nobody where one of them is not known."""
    names = set() if persons is None else set(persons)
    return set() if None in names else names


def clusters(
    counts: np.ndarray, persons: Sequence[str | None] | np.ndarray | None
) -> list[np.ndarray]:
    """Divide utterances by who speaks them.

    Parameters
    ----------
    counts : array (N, ...)
        Of each utterance.
    persons : sequence of N str or None
        Who speaks each. None, an unknown person among them, or one person only: all utterances stay
        together.

    Returns
    -------
    list of arrays (n, ...)
        One for each person, in the order of their names.

    Examples
    --------
    >>> [part.tolist() for part in clusters(np.array([1, 2, 3]), ["Ben", "Ann", "Ben"])]
    [[2], [1, 3]]
    """
    if len(known(persons)) < 2:
        return [counts]
    index = np.unique(np.asarray(persons), return_inverse=True)[1]
    return [counts[index == number] for number in range(index.max() + 1)]


def _covers(number: int, by: str) -> str:
    noun = NOUNS.get(by, f"{by}s")
    return f"these {number} {noun} only" if number > 1 else f"this one {noun[:-1]} only"


def _resampled(
    groups: list[np.ndarray], figure: Figure, resamples: int, random: np.random.Generator
) -> np.ndarray:
    """Give the figure of each resample: groups are drawn, and utterances of those drawn."""
    # Equal utterances are drawn as one with their common weight: the same law, less work, and an
    # answer that does not depend on their order.
    kinds = [np.unique(g.reshape(len(g), -1), axis=0, return_counts=True) for g in groups]
    values = []
    for start in range(0, resamples, BLOCK):
        size = min(BLOCK, resamples - start)
        times = random.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), size=size)
        total = np.zeros((size, groups[0][0].size))
        for group, (rows, number), drawn in zip(groups, kinds, times.T, strict=True):
            # a person drawn twice is two persons, each with utterances drawn anew
            shares = random.multinomial(drawn * len(group), number / len(group))
            total += shares @ rows
        values.append(figure(total.reshape(size, *groups[0].shape[1:])))
    return np.concatenate(values)
