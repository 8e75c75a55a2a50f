"""Temperature scaling: scores become probabilities that are right as often as they say."""

import numpy as np

TEMPERATURES = (0.05, 20.0)
"""Range in which the temperature is searched."""

LEAST = 1e-12
"""A score of 0 counts as this."""


def best_probabilities(
    scores: np.ndarray, temperature: float = 1.0, *, exclusive: bool = True
) -> np.ndarray:
    """Compute the probability of the best label of each row at a temperature.

    Parameters
    ----------
    scores : array (N, C)
        Probabilities of the labels as a model gives them.
    temperature : float
        What the logits are divided by: above 1 a model becomes less sure.
    exclusive : bool
        Whether the scores of a row add up to 1 (softmax), rather than each label having its own
        (sigmoid).

    Returns
    -------
    array (N,)

    Examples
    --------
    >>> best_probabilities(np.array([[0.8, 0.2]]), 2.0).round(3).tolist()
    [0.667]
    """
    return _scaled(scores, temperature, exclusive).max(axis=1)


def fit_temperature(scores: np.ndarray, truth: np.ndarray, *, exclusive: bool = True) -> float:
    """Find the temperature at which the true labels are most likely.

    Fit it on utterances that neither training nor the test has seen (Guo et al. 2017, "On
    Calibration of Modern Neural Networks").

    Parameters
    ----------
    scores : array (N, C)
        As `best_probabilities` takes them.
    truth : array (N, C)
        1 for the true labels, else 0.
    exclusive : bool
        As `best_probabilities` takes it.

    Returns
    -------
    float
        From 0.05 to 20.

    Examples
    --------
    >>> sure = np.tile([[0.9, 0.1]], (10, 1))
    >>> right = np.eye(2)[[0] * 7 + [1] * 3]
    >>> heat = fit_temperature(sure, right)
    >>> float(best_probabilities(sure[:1], heat)[0].round(2))
    0.7
    """
    from scipy.optimize import minimize_scalar  # slow to import, and seldom needed

    def loss(log_temperature: float) -> float:
        probabilities = np.clip(_scaled(scores, np.exp(log_temperature), exclusive), LEAST, 1)
        found = truth * np.log(probabilities)
        if not exclusive:
            found = found + (1 - truth) * np.log(np.clip(1 - probabilities, LEAST, 1))
        return -float(found.sum())

    best = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded")
    return float(np.exp(best.x))


def _scaled(scores: np.ndarray, temperature: float, exclusive: bool) -> np.ndarray:
    """Scale scores (N, C) by a temperature."""
    logs = np.log(np.clip(scores, LEAST, 1))
    if exclusive:
        logits = logs / temperature
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    logits = (logs - np.log(np.clip(1 - scores, LEAST, 1))) / temperature
    return np.asarray(1 / (1 + np.exp(-logits)))
