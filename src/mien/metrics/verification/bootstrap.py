"""Bootstrap intervals of verification metrics: how much they would vary with other speakers."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

RESAMPLES = 1000

MetricValues = Mapping[str, float]
"""Metrics by name; NaN: not defined."""


def speaker_intervals(
    values: Callable[[np.ndarray], MetricValues],
    speakers: int,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, dict[str, Any] | None]:
    """Give percentile bootstrap intervals of metrics, drawing speakers with replacement.

    The trials of one speaker resemble one another; drawing trials would give far too narrow an
    interval. See `mien.metrics.verification.det.DetCurve.rates` for what a speaker's weight does to
    the trials.

    Parameters
    ----------
    values : callable
        From how often each speaker counts, (speakers,), to the metrics.
    speakers : int
        How many there are.
    level : float
        Share of resamples inside the interval.
    resamples, seed : int
        How often to draw, and where the random numbers start.

    Returns
    -------
    dict
        For each metric ``low``, ``high``, ``level``, ``resamples`` and ``by`` ("person"), or None
        where half of the resamples or more leave it undefined: there are too few speakers.

    Examples
    --------
    >>> found = speaker_intervals(lambda counts: {"size": counts.sum()}, 5)
    >>> found["size"]["low"], found["size"]["high"]
    (5.0, 5.0)
    """
    random = np.random.default_rng(seed)
    draws = random.multinomial(speakers, np.full(speakers, 1 / speakers), size=resamples)
    rows = [dict(values(draw.astype(float))) for draw in draws]
    found = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return {name: _interval(column, level) for name, column in found.items()}


def _interval(values: np.ndarray, level: float) -> dict[str, Any] | None:
    defined = values[np.isfinite(values)]
    if len(defined) <= len(values) / 2:
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    drawing = {"level": level, "resamples": len(defined), "by": "person"}
    return {"low": float(low), "high": float(high)} | drawing
