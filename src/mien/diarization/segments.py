"""Stretches of cells in which the voice stays the same, as far as can be told."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mien.diarization.windows import unit

CHANGED = 0.65
"""Cosine of the voice before and behind, below which it may be another: rather one cut too many."""

NEAR, FAR = 2, 5
"""Cells from a cut to those that are compared: windows with their middle there share no sound."""


@dataclass(frozen=True)
class Segments:
    """Stretches of cells with one voice each.

    Parameters
    ----------
    edges : array (N, 2) int
        The first cell of each, and the first one behind it.
    means : array (N, D)
        Mean embedding of the cells.
    """

    edges: np.ndarray
    means: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """Cells of each, (N,)."""
        lengths: np.ndarray = self.edges[:, 1] - self.edges[:, 0]
        return lengths


def cut_segments(vectors: np.ndarray, regions: np.ndarray) -> Segments:
    """Cut where the voice changes.

    Parameters
    ----------
    vectors : array (C, D)
        The embedding around each cell.
    regions : array (C,) int
        The stretch of speech of each cell: every one is cut off from the next.
    """
    borders = np.flatnonzero(np.diff(regions)) + 1
    edges = []
    for first, last in zip([0, *borders], [*borders, len(regions)], strict=True):
        cuts = [first, *(first + _changes(vectors[first:last])), last]
        edges += list(pairwise(cuts))
    means = [vectors[first:last].mean(axis=0) for first, last in edges]
    return Segments(np.array(edges), np.stack(means))


def _changes(vectors: np.ndarray) -> np.ndarray:
    """Find the cells with which another voice may begin, in one stretch of speech."""
    count = len(vectors)
    if count < 2 * NEAR:
        return np.zeros(0, int)
    sums = np.concatenate([np.zeros((1, vectors.shape[1])), np.cumsum(vectors, axis=0)])
    at = np.arange(count)
    before = sums[np.maximum(1, at - NEAR)] - sums[np.maximum(0, at - FAR)]
    behind = sums[np.minimum(count, at + FAR)] - sums[np.minimum(count - 1, at + NEAR)]
    likeness = (unit(before) * unit(behind)).sum(axis=1)
    around = np.pad(likeness, FAR - NEAR, constant_values=np.inf)
    least = np.lib.stride_tricks.sliding_window_view(around, 2 * (FAR - NEAR) + 1).min(axis=1)
    changed = (likeness < CHANGED) & (likeness == least) & (at >= NEAR) & (at < count - 1)
    return np.flatnonzero(changed)
