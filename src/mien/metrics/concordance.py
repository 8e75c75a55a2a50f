"""Metrics of regression in several dimensions, such as valence and arousal."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.metrics.bootstrap import interval
from mien.metrics.counted import CountedMetric


def concordance(predicted: np.ndarray, truth: np.ndarray) -> float | None:
    """Give the concordance correlation coefficient (Lin 1989) of two series.

    It is 1 where both are the same, and less by how much their means, their spreads and their order
    differ. Variances and covariance are divided by N, as in Lin's paper.

    Parameters
    ----------
    predicted, truth : array (N,)
        Of each utterance, without NaN.

    Returns
    -------
    float or None
        From -1 to 1; None with fewer than two utterances, or where both are constant.

    Examples
    --------
    >>> round(concordance(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0])), 4)
    0.5714
    """
    return _value(_ccc(_centred_sums(predicted, truth).sum(axis=0)))


def agreement(predicted: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """Give ``n``, ``ccc``, ``pearson`` and ``mae`` of one dimension; None where one is undefined.

    Parameters
    ----------
    predicted, truth : array (N,)
        Of each utterance; those with a truth of NaN are left out.
    """
    known = ~np.isnan(truth)
    sums = _centred_sums(predicted[known], truth[known]).sum(axis=0)
    named = {name: _value(metric(sums)) for name, metric in METRICS.items()}
    return {"n": int(known.sum())} | named


def evaluate_dimensions(
    predicted: np.ndarray,
    truth: np.ndarray,
    names: Sequence[str],
    constant: Sequence[float],
    *,
    groups: Sequence[str | None] | None = None,
    by: str = "person",
    seed: int = 0,
) -> dict[str, Any]:
    """Evaluate predictions in several dimensions, beside a constant baseline.

    Parameters
    ----------
    predicted, truth : array (N, D)
        Of each utterance; NaN in `truth` where a dimension was not rated.
    names : sequence of D str
        The dimensions.
    constant : sequence of D float
        The baseline's predictions: the means of training.
    groups, by, seed
        As `mien.metrics.evaluate_labels` takes them.

    Returns
    -------
    dict
        ``n``, ``labels`` (the names); ``per_dimension``, of each what `agreement` gives;
        ``average``: the means of these over the dimensions in which they are defined;
        ``baselines``: ``constant``, with ``answer``, ``per_dimension`` and ``average``;
        ``intervals``: for each metric the interval in each dimension, or None.

    Raises
    ------
    MienError
        There are no utterances, or a prediction is not a finite number.
    """
    predicted, truth = np.asarray(predicted, float), np.asarray(truth, float)
    if not (np.isfinite(predicted).all() and len(truth)):
        raise MienError(
            "There is nothing to evaluate: no utterances, or predictions that are not finite"
            " numbers; train again with a lower learning rate or with gradient clipping."
        )
    always = np.broadcast_to(np.asarray(constant, float), truth.shape)
    how = {"by": by, "seed": seed}
    spread = {
        name: _intervals(predicted[:, place], truth[:, place], groups, **how)
        for place, name in enumerate(names)
    }
    answer = {name: float(value) for name, value in zip(names, constant, strict=True)}
    return {
        "n": len(truth),
        "labels": list(names),
        **_by_dimension(predicted, truth, names),
        "baselines": {"constant": {"answer": answer} | _by_dimension(always, truth, names)},
        "intervals": {metric: {n: spread[n][metric] for n in names} for metric in METRICS},
    }


def _by_dimension(predicted: np.ndarray, truth: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    each = {name: agreement(predicted[:, d], truth[:, d]) for d, name in enumerate(names)}
    average = {metric: _mean([found[metric] for found in each.values()]) for metric in METRICS}
    return {"per_dimension": each, "average": average}


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def _intervals(
    predicted: np.ndarray, truth: np.ndarray, groups: Sequence[str | None] | None, **how: Any
) -> dict[str, Any]:
    known = ~np.isnan(truth)
    sums = _centred_sums(predicted[known], truth[known])
    of = None if groups is None else np.asarray(groups)[known]
    return {name: interval(sums, metric, groups=of, **how) for name, metric in METRICS.items()}


def _centred_sums(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Give the sums (N, 7) of series moved near zero, which spares the variances their rounding."""
    predicted, truth = np.asarray(predicted, float), np.asarray(truth, float)
    middle = truth.mean() if len(truth) else 0.0
    return _sums(predicted - middle, truth - middle)


def _sums(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Give what the metrics are made of, (N, 7), such that those of utterances add up."""
    return np.stack([np.ones_like(t), p, t, p * p, t * t, p * t, np.abs(p - t)], axis=1)


def _moments(sums: np.ndarray) -> tuple[np.ndarray, ...]:
    """Turn sums (..., 7) into means, variances, covariance and mean error."""
    n = sums[..., :1]
    means = sums[..., 1:] / np.where(n > 0, n, np.nan)
    p, t, pp, tt, pt, error = np.moveaxis(means, -1, 0)
    return p, t, _variance(p, pp), _variance(t, tt), pt - p * t, error


def _variance(mean: np.ndarray, square: np.ndarray) -> np.ndarray:
    """Give the variance; what rounding leaves of a constant is none."""
    found = square - mean * mean
    return np.where(found > 1e-12 * square, found, 0.0)


def _ccc(sums: np.ndarray) -> np.ndarray:
    p, t, variance_p, variance_t, covariance, _ = _moments(sums)
    below = variance_p + variance_t + (p - t) ** 2
    varied = (variance_p > 0) | (variance_t > 0)
    found = np.where((variance_p > 0) & (variance_t > 0), 2 * covariance, 0.0)
    return np.asarray(found / np.where(varied & (sums[..., 0] > 1), below, np.nan))


def _pearson(sums: np.ndarray) -> np.ndarray:
    _, _, variance_p, variance_t, covariance, _ = _moments(sums)
    product = variance_p * variance_t
    return np.asarray(covariance / np.sqrt(np.where(product > 0, product, np.nan)))


def _mae(sums: np.ndarray) -> np.ndarray:
    return _moments(sums)[-1]


def dimension_sums(scores: np.ndarray, truth: np.ndarray, _: np.ndarray) -> np.ndarray:
    """Compute the sums (N, D, 7) that the metrics need; zeros where a dimension is not rated.

    They are not moved near zero: sums of other utterances, moved by another mean, would not add up.
    """
    columns = []
    for predicted, ratings in zip(scores.T, truth.T, strict=True):
        known = ~np.isnan(ratings)
        sums = np.zeros((len(ratings), 7))
        sums[known] = _sums(predicted[known], ratings[known])
        columns.append(sums)
    return np.stack(columns, axis=1)


def _over_dimensions(metric: Callable[[np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    """Turn a metric of sums (..., 7) into its mean over the dimensions of sums (..., D, 7)."""

    def value(sums: np.ndarray) -> np.ndarray:
        found = metric(sums)
        known = np.isfinite(found)
        number = known.sum(axis=-1)
        return np.where(known, found, 0).sum(axis=-1) / np.where(number, number, np.nan)

    return value


METRICS = {"ccc": _ccc, "pearson": _pearson, "mae": _mae}


COUNTED = {
    "ccc": CountedMetric("CCC", dimension_sums, _over_dimensions(_ccc)),
    "pearson": CountedMetric("Pearson correlation", dimension_sums, _over_dimensions(_pearson)),
    "mae": CountedMetric("mean absolute error", dimension_sums, _over_dimensions(_mae), sign=-1),
}
"""The metrics, each a mean over the dimensions, of counts that add up."""


def _value(found: np.ndarray) -> float | None:
    return float(found) if np.isfinite(found) else None
