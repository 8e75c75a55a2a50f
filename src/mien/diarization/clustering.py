"""Segments grouped by voice, and the number of voices."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mien.diarization.segments import Segments
from mien.diarization.windows import CELL, unit

ITEMS = 1000
"""Segments that are compared with each other at once, so that memory does not grow squared."""

SAME = 0.845
"""Cosine of the means of two groups from which on they are one voice."""

COMPACT = 0.25
"""Cosine between the segments of a group, seen from the middle between two groups, at least.

The voice of one person in many moods falls into groups of which one or the other is loose."""

ALONE = 0.72
"""As `SAME`, where a group is a single segment, of which it can't be told how compact it is."""

LEAST = 12.0
"""Seconds of speech that a voice must have; the others are given what is left over ..."""

LEAST_SHARE = 0.1
"""... or this share of all speech, if that is less, ..."""

LEAST_EVER = 3.0
"""... but never less than this, in seconds."""

LEFT_OVER = 0.2
"""A group that is no other voice than a larger one, and is smaller than this share of it, is left
over: two who speak at once, a noise, an odd word."""

TOLD_SIZE = 5
"""Cells of a segment from which on its embedding tells something of how compact a group is."""

LEVELS = 60
"""The most groups that are looked at."""


@dataclass(frozen=True)
class Grouping:
    """Segments in groups, those that are large enough to be a voice.

    Parameters
    ----------
    segments : Segments
        All segments.
    labels : array (N,) int
        The group of each segment.
    large : array (G,) int
        The labels of the large groups, the largest first.
    """

    segments: Segments
    labels: np.ndarray
    large: np.ndarray

    def mean(self, label: int) -> np.ndarray:
        """Compute the mean embedding (D,) of a group."""
        own = self.labels == label
        mean: np.ndarray = np.average(
            self.segments.means[own], axis=0, weights=self.segments.sizes[own]
        )
        return mean

    def cells(self, label: int) -> np.ndarray:
        """Return the cells of a group."""
        edges = self.segments.edges[self.labels == label]
        return np.concatenate([np.arange(first, last) for first, last in edges])

    def voices(self) -> list[int] | None:
        """Return the labels of the large groups that are voices; None: two are one voice."""
        found: list[int] = []
        sizes = {label: self.segments.sizes[self.labels == label].sum() for label in self.large}
        for label in self.large.tolist():
            alike = [other for other in found if not self._differ(label, other)]
            if not alike:
                found.append(label)
            elif any(sizes[label] >= LEFT_OVER * sizes[other] for other in alike):
                return None
        return found

    def _differ(self, one: int, other: int) -> bool:
        means = np.stack([self.mean(one), self.mean(other)])
        compact = [self._compactness(label, means.mean(axis=0)) for label in (one, other)]
        told = [value for value in compact if value is not None]
        limit = SAME if len(told) == 2 else ALONE
        return bool(np.prod(unit(means), axis=0).sum() < limit) and min(told, default=1) >= COMPACT

    def _compactness(self, label: int, middle: np.ndarray) -> float | None:
        """Compute the mean cosine between the segments of a group, seen from a point."""
        own = (self.labels == label) & (self.segments.sizes >= TOLD_SIZE)
        weights = self.segments.sizes[own]
        if len(weights) < 2:
            return None
        total = weights @ unit(self.segments.means[own] - middle)
        alone = (weights**2).sum()  # the cosine of each segment with itself tells nothing
        pairs = weights.sum() ** 2 - alone
        return float((total @ total - alone) / pairs)


def least_cells(segments: Segments) -> float:
    """Tell how many cells a voice must have."""
    total = float(segments.sizes.sum())
    return min(LEAST / CELL, max(LEAST_EVER / CELL, LEAST_SHARE * total))


def groupings(segments: Segments, least: float) -> Iterator[Grouping]:
    """Group the segments by voice: into one large group, then into more and more.

    Seen from the mean of the recording, what all voices have in common is gone, and segments of
    one voice are alike far more than those of two. So they are grouped by average linkage of the
    cosine from there; a level with no more large groups than one before is left out.

    Parameters
    ----------
    segments : Segments
        All segments, at least one.
    least : float
        Cells of a large group, at least; the largest is large in any case.
    """
    sizes = segments.sizes.astype(float)
    centred = unit(segments.means - np.average(segments.means, axis=0, weights=sizes))
    labels = _reduced(centred, sizes)
    merges = _merges(centred, sizes, labels, 1)
    levels = [labels]
    for kept, gone in merges:
        levels.append(np.where(levels[-1] == gone, kept, levels[-1]))
    before = 0
    for level in levels[: -LEVELS - 1 : -1]:
        names, owner = np.unique(level, return_inverse=True)
        totals = np.bincount(owner, sizes)
        order = np.argsort(-totals, kind="stable")
        large = names[order[: max(1, int((totals >= least).sum()))]]
        if len(large) > before:
            yield Grouping(segments, level, large)
        before = max(before, len(large))


def _reduced(vectors: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Group the most similar segments until `ITEMS` groups are left, a part of them at a time."""
    labels = np.arange(len(vectors))
    parts = np.array_split(labels, -(-len(labels) // ITEMS))
    if len(parts) > 1:
        for part in parts:
            merges = _merges(vectors[part], sizes[part], np.arange(len(part)), ITEMS // len(parts))
            for kept, gone in merges:
                labels[labels == part[gone]] = part[kept]
    return labels


def _merges(
    vectors: np.ndarray, sizes: np.ndarray, labels: np.ndarray, number: int
) -> list[tuple[int, int]]:
    """Unite the two groups that are most similar on average, until a number of them is left.

    Gives the label that stays and the one that is gone, for each step.
    """
    names, owner = np.unique(labels, return_inverse=True)
    sums = np.zeros((len(names), vectors.shape[1]))
    np.add.at(sums, owner, vectors * sizes[:, None])
    weights = np.bincount(owner, sizes)
    likeness = (sums / weights[:, None]) @ (sums / weights[:, None]).T
    np.fill_diagonal(likeness, -np.inf)
    merges = []
    for _ in range(len(names) - number):
        a, b = divmod(int(likeness.argmax()), len(names))
        row = weights[a] * likeness[a] + weights[b] * likeness[b]
        weights[a] += weights[b]
        likeness[a] = likeness[:, a] = row / weights[a]  # -inf stays: of a itself and of the gone
        likeness[b] = likeness[:, b] = -np.inf
        merges.append((int(names[a]), int(names[b])))
    return merges
