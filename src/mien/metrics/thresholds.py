"""Decision thresholds of labels: a label is predicted where its probability is greater."""

import numpy as np

GRID = np.round(np.arange(1, 20) * 0.05, 2)
"""The published grid: .05, .10, ... .95."""

FALLBACK = 0.5
"""For a label that validation does not contain: no threshold has an F1 there."""


def choose(probabilities: np.ndarray, truth: np.ndarray, grid: np.ndarray = GRID) -> np.ndarray:
    """Choose each label's threshold by F1 on the validation split.

    A label is predicted where its probability is *greater* than the threshold. Of thresholds with
    the same F1 the lowest is taken, as published (Dai et al. 2021). A label that never occurs in
    `truth` gets `FALLBACK`.

    Parameters
    ----------
    probabilities : array (N, C)
        One probability for each utterance and label.
    truth : array (N, C)
        1 where the utterance has the label, else 0.
    grid : array (G,)
        Thresholds to try, rising.

    Returns
    -------
    array (C,) float64
        One threshold a label, each from `grid` or `FALLBACK`.

    Examples
    --------
    >>> choose(np.array([[0.9], [0.3], [0.1]]), np.array([[1], [1], [0]])).tolist()
    [0.1]
    """
    truth = np.asarray(truth).astype(int)
    probabilities = np.asarray(probabilities)
    return np.array([_best(*column, grid) for column in zip(probabilities.T, truth.T, strict=True)])


def _best(probabilities: np.ndarray, truth: np.ndarray, grid: np.ndarray) -> float:
    from sklearn.metrics import f1_score  # slow to import

    if not truth.any():
        return FALLBACK
    scores = [f1_score(truth, probabilities > threshold, zero_division=0) for threshold in grid]
    return float(grid[int(np.argmax(scores))])
