"""Metrics of regression: sentiment from -3, highly negative, to 3, highly positive.

The metrics are those of work on CMU-MOSEI. As everywhere a metric that is not defined is None.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.metrics.bootstrap import interval
from mien.metrics.counted import CountedMetric

STEPS = ("-3", "-2", "-1", "0", "1", "2", "3")
"""Sentiment in whole steps; rounding is to the even one where two are as near."""


def sentiment(predicted: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """Evaluate predictions of sentiment.

    Parameters
    ----------
    predicted, truth : array (N,)
        Sentiment of each utterance.

    Returns
    -------
    dict
        ``mae``, mean absolute error; ``correlation`` (Pearson), None where one side is constant;
        ``acc5``, ``acc7``, rounded to whole steps from -2 to 2 and from -3 to 3; ``acc2`` and
        ``f1``, negative or positive, over the utterances whose true sentiment is not 0;
        ``acc2_non_negative`` and ``f1_non_negative``, negative or not, over all;
        ``acc2_positive`` and ``f1_positive``, positive or not, over all: what Dai et al.'s code
        calls by the name of the former, for comparison only. The two F1 of a pair are weighted by
        how often each was *predicted*, as in that code and its predecessors. ``per_step``: for each
        of `STEPS` the utterances whose rounded truth it is and their mean absolute error;
        ``confusion``: counts, a row for each true step, a column for each predicted.

    Raises
    ------
    MienError
        There are no utterances, or a prediction is not a finite number.

    Examples
    --------
    >>> found = sentiment(np.array([-1.0, 0.2, 2.0]), np.array([-2.0, 0.0, 2.4]))
    >>> round(found["mae"], 2), found["acc2"], found["acc7"]
    (0.53, 1.0, 0.6666666666666666)
    """
    predicted, truth = np.asarray(predicted, float), np.asarray(truth, float)
    if not (np.isfinite(predicted).all() and len(truth)):
        raise MienError(
            "There is no sentiment to evaluate: no utterances, or scores that are not finite"
            " numbers; train again with a lower learning rate or with gradient clipping."
        )
    varied = np.ptp(predicted) > 0 and np.ptp(truth) > 0
    polar = truth != 0
    return {
        "mae": float(np.abs(predicted - truth).mean()),
        "correlation": float(np.corrcoef(predicted, truth)[0, 1]) if varied else None,
        **_two_way("", predicted[polar] > 0, truth[polar] > 0),
        **_two_way("_non_negative", predicted >= 0, truth >= 0),
        **_two_way("_positive", predicted > 0, truth > 0),
        "acc5": _same_step(predicted, truth, 2),
        "acc7": _same_step(predicted, truth, 3),
        **_by_step(predicted, truth),
    }


def _two_way(name: str, predicted: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    from sklearn.metrics import f1_score  # slow to import

    if not len(truth):
        return {f"acc2{name}": None, f"f1{name}": None}
    # the predictions stand where scikit-learn has the truth, hence the weights by prediction
    f1 = f1_score(predicted, truth, average="weighted", zero_division=0)
    return {f"acc2{name}": float((predicted == truth).mean()), f"f1{name}": float(f1)}


def _steps(values: np.ndarray, limit: int) -> np.ndarray:
    return np.round(np.clip(values, -limit, limit)).astype(int)


def _same_step(predicted: np.ndarray, truth: np.ndarray, limit: int) -> float:
    return float((_steps(predicted, limit) == _steps(truth, limit)).mean())


def _by_step(predicted: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    from sklearn.metrics import confusion_matrix  # slow to import

    right, error = _steps(truth, 3), np.abs(predicted - truth)
    at = {step: right == int(step) for step in STEPS}
    return {
        "per_step": {
            step: {
                "support": int(rows.sum()),
                "mae": float(error[rows].mean()) if rows.any() else None,
            }
            for step, rows in at.items()
        },
        "confusion": confusion_matrix(right, _steps(predicted, 3), labels=range(-3, 4)).tolist(),
    }


def step_counts(truth: np.ndarray) -> dict[str, int]:
    """Count how often each step occurs, to be kept of the training split."""
    counts = np.bincount(_steps(np.asarray(truth, float), 3) + 3, minlength=len(STEPS))
    return dict(zip(STEPS, counts.tolist(), strict=True))


def evaluate_sentiment(
    predicted: np.ndarray,
    truth: np.ndarray,
    *,
    train_counts: Mapping[str, int],
    groups: Sequence[str | None] | None = None,
    by: str = "person",
    seed: int = 0,
) -> dict[str, Any]:
    """Evaluate the task sentiment; the result goes to ``metrics.json`` as it is.

    Parameters
    ----------
    predicted, truth : array (N,)
        Sentiment of each utterance.
    train_counts : mapping
        What `step_counts` gives for the training split; its median is the constant baseline.
    groups, by, seed
        As `mien.metrics.evaluate_labels` takes them.

    Returns
    -------
    dict
        ``n``; ``labels``, which are `STEPS`; ``multilabel`` and ``singlelabel``, None;
        ``sentiment``, what `sentiment` gives; ``baselines``: ``constant``, the same of always
        predicting training's median step, and that step as ``answer``; ``intervals`` of ``mae`` and
        ``acc2``.

    Raises
    ------
    MienError
        As `sentiment`.
    """
    predicted, truth = np.asarray(predicted, float), np.asarray(truth, float)
    found = sentiment(predicted, truth)
    median = median_step(train_counts)
    return {
        "n": len(truth),
        "labels": list(STEPS),
        "multilabel": None,
        "singlelabel": None,
        "sentiment": found,
        "baselines": {
            "constant": {"answer": median} | sentiment(np.full(len(truth), median), truth)
        },
        "intervals": {
            name: interval(
                metric.counts(predicted[:, None], truth[:, None], np.empty(0)),
                metric.value,
                groups=groups,
                by=by,
                seed=seed,
            )
            for name, metric in COUNTED.items()
        },
    }


def median_step(train_counts: Mapping[str, int]) -> float:
    """Give the median of training's steps, the best constant prediction by absolute error."""
    steps = np.repeat(np.arange(-3, 4), [train_counts[step] for step in STEPS])
    return float(np.median(steps)) if len(steps) else 0.0


def _errors(scores: np.ndarray, truth: np.ndarray, _: np.ndarray) -> np.ndarray:
    known = ~np.isnan(truth[:, 0])
    error = np.where(known, np.abs(scores[:, 0] - truth[:, 0]), 0.0)
    return np.stack([error, known.astype(float)], axis=1)


def _signs(scores: np.ndarray, truth: np.ndarray, _: np.ndarray) -> np.ndarray:
    polar = (~np.isnan(truth[:, 0]) & (truth[:, 0] != 0)).astype(float)
    return np.stack([polar * ((scores[:, 0] > 0) == (truth[:, 0] > 0)), polar], axis=1)


def _ratio(sums: np.ndarray) -> np.ndarray:
    """Divide sums (..., 2), the first by the second; NaN where there is nothing to divide by."""
    above, below = np.moveaxis(sums, -1, 0)
    return above / np.where(below > 0, below, np.nan)


COUNTED = {
    "mae": CountedMetric("mean absolute error", _errors, _ratio, sign=-1),
    "acc2": CountedMetric("accuracy, negative or positive", _signs, _ratio),
}
"""Metrics of the sentiment (N, 1), of counts that add up."""
