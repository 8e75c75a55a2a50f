"""How far a figure would move with other persons or other utterances."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Figure = Callable[[np.ndarray], np.ndarray]

BLOCK = 100
"""Resamples drawn at a time, which bounds the memory."""


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
    """Give the percentile bootstrap interval of a figure (Efron 1979).

    Utterances of one person resemble one another, so persons are drawn whole where they are known;
    drawing utterances would give too narrow an interval. With few persons even this is rough.

    Parameters
    ----------
    counts : array (N, 3, C)
        What `tally` gives, or any other array of utterances whose parts add up.
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
        ``low``, ``high``, ``level``, ``resamples``, ``by`` (as given, or "utterance"). None with
        fewer than two units to draw from. Resamples in which no label occurs are left out.

    Examples
    --------
    >>> truth = np.eye(2, dtype=bool)[[0, 0, 1, 1]]
    >>> interval(tally(truth, truth), average_recall)["low"]
    1.0
    """
    units, by = _units(counts, persons, by)
    if len(units) < 2:
        return None
    # Equal units are drawn as one with their common weight: the same law, less work, and an answer
    # that does not depend on the order of the utterances.
    kinds, number = np.unique(units.reshape(len(units), -1), axis=0, return_counts=True)
    random = np.random.default_rng(seed)
    values = []
    for start in range(0, resamples, BLOCK):
        size = min(BLOCK, resamples - start)
        drawn = random.multinomial(len(units), number / len(units), size=size)
        values.append(figure((drawn @ kinds).reshape(size, *counts.shape[1:])))
    found = np.concatenate(values)
    found = found[np.isfinite(found)]
    if not len(found):
        return None
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    drawing = {"level": level, "resamples": resamples, "by": by}
    return {"low": float(low), "high": float(high)} | drawing


def _units(
    counts: np.ndarray, persons: Sequence[str | None] | np.ndarray | None, by: str
) -> tuple[np.ndarray, str]:
    names = set(() if persons is None else persons)
    if len(names) < 2 or None in names:
        return counts, "utterance"
    index = np.unique(np.asarray(persons), return_inverse=True)[1]
    summed = np.zeros((len(names), *counts.shape[1:]), counts.dtype)
    np.add.at(summed, index, counts)
    return summed, by
