"""When each voice speaks: the most probable course over the cells of speech."""

from collections.abc import Sequence

import numpy as np

CHANGE = 0.3
"""What a change within a stretch of speech must gain, in the scores summed over cells.

In a cell as clear as most are, a speaker leads by 1; windows of neighbouring cells share most of
their sound, so that courses are smooth without high costs."""

CHANGE_IN_PAUSE = 0.1
"""What one must gain between two stretches."""

SHRINKAGE = 3.0
"""Mean variances that are added to each, since there are few windows for 256 numbers."""


def discriminant(vectors: np.ndarray, classes: Sequence[np.ndarray]) -> np.ndarray:
    """Score windows by linear discriminant analysis.

    Parameters
    ----------
    vectors : array (W, D)
        Embeddings.
    classes : sequence of array (n, D)
        Examples of each class, at least one of each.

    Returns
    -------
    array (W, K)
        Logarithms of likelihoods up to a factor and a number for each window.
    """
    means = np.stack([one.mean(axis=0) for one in classes])
    rest = np.concatenate([one - one.mean(axis=0) for one in classes])
    covariance = rest.T @ rest / len(rest)
    size = len(covariance)
    ridge = SHRINKAGE * np.trace(covariance) / size + 1e-9
    directions = np.linalg.solve(covariance + ridge * np.eye(size), means.T)
    scores: np.ndarray = vectors @ directions - (means.T * directions).sum(axis=0) / 2
    return scores


def scaled(scores: np.ndarray, speakers: int) -> np.ndarray:
    """Scale scores (W, K) so that the best of the first, the speakers, leads by 1 in the mean."""
    if speakers < 2:
        return scores
    best = np.partition(scores[:, :speakers], -2, axis=1)
    lead = float((best[:, -1] - best[:, -2]).mean())
    return np.asarray(scores / lead if lead > 0 else scores)


def viterbi(scores: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Find the course with the highest score.

    Parameters
    ----------
    scores : array (C, K)
        Of each class in each cell.
    regions : array (C,) int
        The stretch of speech of each cell.

    Returns
    -------
    array (C,) int
        The class of each cell.
    """
    count, classes = scores.shape
    costs = np.where(np.diff(regions) == 0, CHANGE, CHANGE_IN_PAUSE)
    came_from = np.zeros((count, classes), int)
    best = scores[0].astype(float)
    for i in range(1, count):
        top = int(best.argmax())
        stay = best >= best[top] - costs[i - 1]
        came_from[i] = np.where(stay, np.arange(classes), top)
        best = np.where(stay, best, best[top] - costs[i - 1]) + scores[i]
    path = np.empty(count, int)
    path[-1] = best.argmax()
    for i in range(count - 1, 0, -1):
        path[i - 1] = came_from[i, path[i]]
    return path
