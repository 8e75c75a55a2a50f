"""How far figures would move with other persons."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

RESAMPLES = 1000

Figures = Mapping[str, float]


def person_intervals(
    figures: Callable[[np.ndarray], Figures],
    persons: int,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, dict[str, Any] | None]:
    """Give percentile bootstrap intervals of figures, drawing persons with replacement.

    The trials of one person resemble one another; drawing trials would give far too narrow an
    interval. See `mien.metrics.verification.det.DetCurve.rates` for what a person's weight
    does to the trials.

    Parameters
    ----------
    figures : callable
        From how often each person counts, (persons,), to figures by name; NaN: not defined.
    persons : int
        How many there are.
    level : float
        Share of resamples inside the interval.
    resamples, seed : int
        How often to draw, and where the random numbers start.

    Returns
    -------
    dict
        For each figure ``low``, ``high``, ``level``, ``resamples`` and ``by`` ("person"), or None
        where half of the resamples or more leave it undefined: then there are too few persons.

    Examples
    --------
    >>> found = person_intervals(lambda counts: {"size": counts.sum()}, 5)
    >>> found["size"]["low"], found["size"]["high"]
    (5.0, 5.0)
    """
    random = np.random.default_rng(seed)
    draws = random.multinomial(persons, np.full(persons, 1 / persons), size=resamples)
    rows = [dict(figures(draw.astype(float))) for draw in draws]
    found = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return {name: _interval(values, level) for name, values in found.items()}


def _interval(values: np.ndarray, level: float) -> dict[str, Any] | None:
    defined = values[np.isfinite(values)]
    if len(defined) <= len(values) / 2:
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    drawing = {"level": level, "resamples": len(defined), "by": "person"}
    return {"low": float(low), "high": float(high)} | drawing
