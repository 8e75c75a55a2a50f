"""Metrics as functions of counts that add up over utterances.

Whatever draws or exchanges utterances, to make intervals or to compare two systems, then adds up
counts and never looks at an utterance twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mien.metrics.bootstrap import average_f1, average_recall

Counts = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""``counts(scores, truth, thresholds)``, each (N, C), gives the counts (N, ...) of utterances."""


@dataclass(frozen=True)
class CountedMetric:
    """A metric of one task that can be made of added counts.

    Parameters
    ----------
    title : str
        What tables call it.
    counts : callable
        From scores, truth (NaN: unknown) and thresholds, each (N, C), to counts (N, ...). An
        utterance that the metric does not regard has zeros.
    value : callable
        From summed counts (..., *shape) to the metric (...,), NaN where it is undefined.
    sign : {1, -1}
        1: higher is better; -1: lower is.
    chance : callable or None
        From the truth (N, C) to the counts (N, ...) that are expected of uniformly random
        predictions.
    correct : callable or None
        From counts (N, ...) to which utterances are predicted correctly, and which are regarded.
    """

    title: str
    counts: Counts
    value: Callable[[np.ndarray], np.ndarray]
    sign: Literal[1, -1] = 1
    chance: Callable[[np.ndarray], np.ndarray] | None = None
    correct: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] | None = None


def exact_match(tally: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tell which utterances of a tally (N, 4, C) are predicted exactly, and which are counted.

    Both are bool (N,).
    """
    right, true, predicted, known = np.moveaxis(tally, 1, 0)
    return ((right == true) & (predicted == right)).all(axis=1), known.any(axis=1)


def single_label_counts(scores: np.ndarray, truth: np.ndarray, _: np.ndarray) -> np.ndarray:
    """Tally (N, 4, C) the label with the highest score, where exactly one label is right."""
    chosen = np.eye(scores.shape[1])[scores.argmax(axis=1)]
    return _tally(truth, chosen) * _single(truth)


def multi_label_counts(scores: np.ndarray, truth: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Tally (N, 4, C) the labels whose score is greater than their threshold."""
    return _tally(truth, scores > thresholds)


def single_label_chance(truth: np.ndarray) -> np.ndarray:
    """Give the tally (N, 4, C) that is expected where each label is as likely as another."""
    return _tally(truth, np.full(truth.shape, 1 / truth.shape[1])) * _single(truth)


def multi_label_chance(truth: np.ndarray) -> np.ndarray:
    """Give the tally (N, 4, C) that is expected where a coin is tossed for each label."""
    return _tally(truth, np.full(truth.shape, 0.5))


def _tally(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Count right predictions, true labels, predictions and utterances; zeros where unknown."""
    known = ~np.isnan(truth)
    truth, predicted = np.where(known, truth, 0.0), np.where(known, predicted, 0.0)
    return np.stack([truth * predicted, truth, predicted, known], axis=1)


def _single(truth: np.ndarray) -> np.ndarray:
    return np.asarray((np.nansum(truth, axis=1) == 1)[:, None, None])


def accuracy(counts: np.ndarray) -> np.ndarray:
    """Share of the utterances whose label is predicted; tally (..., 4, C) -> (...,)."""
    right, true, *_ = np.moveaxis(counts, -2, 0)
    total = true.sum(axis=-1)
    return np.asarray(right.sum(axis=-1) / np.where(total > 0, total, np.nan))


def mean_recall(counts: np.ndarray) -> np.ndarray:
    """Mean recall over the labels that occur; tally (..., 4, C) -> (...,)."""
    return average_recall(counts[..., :3, :])


def mean_f1(counts: np.ndarray) -> np.ndarray:
    """Mean F1 over the labels that occur; tally (..., 4, C) -> (...,)."""
    return average_f1(counts[..., :3, :])


def mean_weighted_accuracy(counts: np.ndarray) -> np.ndarray:
    """Mean over labels of the mean of recall and specificity; tally (..., 4, C) -> (...,).

    Over the labels that are right of some utterances and not of all.
    """
    right, true, predicted, all_of = np.moveaxis(counts, -2, 0)
    false = all_of - true
    recall = right / np.where((true > 0) & (false > 0), true, np.nan)
    specificity = 1 - (predicted - right) / np.where(false > 0, false, np.nan)
    return _mean((recall + specificity) / 2)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean of the last axis without NaN; NaN where nothing is left."""
    known = ~np.isnan(values)
    number = known.sum(axis=-1)
    return np.asarray(np.where(known, values, 0).sum(axis=-1) / np.where(number, number, np.nan))


def _single_label(title: str, value: Callable[[np.ndarray], np.ndarray]) -> CountedMetric:
    return CountedMetric(
        title, single_label_counts, value, chance=single_label_chance, correct=exact_match
    )


def _multi_label(title: str, value: Callable[[np.ndarray], np.ndarray]) -> CountedMetric:
    return CountedMetric(
        title, multi_label_counts, value, chance=multi_label_chance, correct=exact_match
    )


UA = _single_label("average recall (UA)", mean_recall)
WA = _single_label("accuracy (WA)", accuracy)
MACRO_F1 = _single_label("average F1 (macro)", mean_f1)
AVERAGE_F1 = _multi_label("average F1 (multi-label)", mean_f1)
WEIGHTED_ACCURACY = _multi_label("average weighted accuracy (multi-label)", mean_weighted_accuracy)
