"""Windows of speech grouped by voice, and the number of voices."""

import numpy as np

from mien.diarization.windows import unit

ITEMS = 1000
"""Windows that are compared with each other at once, so that memory does not grow squared."""

FINE = 0.65
"""Mean cosine within a group of windows, at least, before groups are compared as a whole."""

SAME = 0.87
"""Cosine of the means of two groups from which on they are one voice."""

LEAST_WINDOWS = 8
"""Windows that a voice must have, unless none has: fewer are given to the most similar voice."""


def cluster(vectors: np.ndarray, speakers: int | None, max_speakers: int) -> np.ndarray:
    """Find the voices.

    Windows that follow each other are grouped by average linkage, `ITEMS` at a time; then groups
    whose means are most similar are united, one pair after the other.

    Parameters
    ----------
    vectors : array (W, D)
        Embeddings of unit length, W at least 1.
    speakers : int or None
        How many voices there are; None: it is estimated.
    max_speakers : int
        The most that are estimated.

    Returns
    -------
    array (K, D)
        The mean embedding of each voice, of unit length; the voice with most windows is first.
        K is `speakers` if there are as many windows.
    """
    sums, counts = fine_groups(vectors)
    if speakers is not None:
        return _largest(*unite(sums, counts, speakers, least=-1.0), speakers)
    sums, counts = unite(sums, counts, 1, least=SAME)
    if (counts >= LEAST_WINDOWS).sum() > max_speakers:
        sums, counts = unite(sums, counts, max_speakers, least=-1.0)
    voices = min(max_speakers, max(1, int((counts >= LEAST_WINDOWS).sum())))
    return _largest(sums, counts, voices)


def fine_groups(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Group windows that are much alike: the sum of each group (G, D), and its size (G,)."""
    from scipy.cluster.hierarchy import fcluster, linkage

    sums, counts = [], []
    parts = np.array_split(vectors, -(-len(vectors) // ITEMS))
    for part in parts:
        labels = np.ones(1, int)
        if len(part) > 1:
            labels = fcluster(linkage(part, "average", "cosine"), 1 - FINE, "distance")
        size = np.bincount(labels - 1)
        total = np.zeros((len(size), vectors.shape[1]))
        np.add.at(total, labels - 1, part)
        sums.append(total)
        counts.append(size)
    return np.concatenate(sums), np.concatenate(counts)


def unite(
    sums: np.ndarray, counts: np.ndarray, number: int, least: float
) -> tuple[np.ndarray, np.ndarray]:
    """Unite the two groups whose means are most similar, again and again.

    It ends when `number` groups of `LEAST_WINDOWS` or more are left, or as many of any size, or
    when no two means have a cosine of `least`.
    """
    sums, counts = sums.copy(), counts.copy()
    while len(counts) > number:
        means = unit(sums)
        cosines = means @ means.T
        np.fill_diagonal(cosines, -2)
        a, b = divmod(int(cosines.argmax()), len(counts))
        large = counts >= LEAST_WINDOWS
        if cosines[a, b] < least or (large.sum() == number and large[a] and large[b]):
            break
        sums[a] += sums[b]
        counts[a] += counts[b]
        sums, counts = np.delete(sums, b, axis=0), np.delete(counts, b)
    return sums, counts


def _largest(sums: np.ndarray, counts: np.ndarray, number: int) -> np.ndarray:
    """Give the means of the largest groups."""
    return unit(sums[np.argsort(-counts, kind="stable")[:number]])
