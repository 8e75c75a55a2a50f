"""When each voice speaks: the most probable course over the cells of speech."""

import numpy as np

CHANGE = 0.8
"""What a change of speaker within a stretch of speech must gain, in cosine summed over cells."""

CHANGE_IN_PAUSE = 0.2
"""What one must gain between two stretches."""


def viterbi(scores: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Find the course of speakers with the highest score.

    Parameters
    ----------
    scores : array (C, K)
        Of each speaker in each cell.
    regions : array (C,) int
        The stretch of speech of each cell.

    Returns
    -------
    array (C,) int
        The speaker of each cell.
    """
    count, speakers = scores.shape
    costs = np.where(np.diff(regions) == 0, CHANGE, CHANGE_IN_PAUSE)
    came_from = np.zeros((count, speakers), int)
    best = scores[0].astype(float)
    for i in range(1, count):
        top = int(best.argmax())
        stay = best >= best[top] - costs[i - 1]
        came_from[i] = np.where(stay, np.arange(speakers), top)
        best = np.where(stay, best, best[top] - costs[i - 1]) + scores[i]
    path = np.empty(count, int)
    path[-1] = best.argmax()
    for i in range(count - 1, 0, -1):
        path[i - 1] = came_from[i, path[i]]
    return path
