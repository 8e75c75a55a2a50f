"""What two voices at once are like: the recording's own speech of the two, added up."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from mien.diarization.clustering import Grouping
from mien.diarization.windows import Cells, Encoder, read_windows, unit

MIXED = 0.88
"""Cosine with the mean of mixtures of two voices from which on a group is no voice of its own."""

MIXTURES = 30
"""Windows of two voices that are added up."""

VOICES = 8
"""Of more voices only those that speak most are searched for overlapped speech: 28 pairs."""


class Mixer:
    """Adds up windows of a recording, and embeds the sum.

    Parameters
    ----------
    encoder : callable
        Embeds windows.
    waveform : array (S,) int16
        The recording.
    cells : Cells
        Its cells and windows.
    """

    def __init__(self, encoder: Encoder, waveform: np.ndarray, cells: Cells) -> None:
        self.encoder, self.waveform, self.cells = encoder, waveform, cells

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Embed mixtures of two voices (`MIXTURES`, D), given the windows of each, (A,) and (B,).

        They are taken evenly from all, so that the outcome depends on nothing else.
        """
        sounds = [
            np.concatenate(list(read_windows(self.waveform, self.cells.windows[_spread(some)])))
            for some in (first, second)
        ]
        return unit(self.encoder(np.clip(sounds[0] + sounds[1], -1, 1)))


def _spread(windows: np.ndarray) -> np.ndarray:
    return windows[np.linspace(0, len(windows) - 1, MIXTURES).round().astype(int)]


def pure_groups(grouping: Grouping, labels: Sequence[int], mixer: Mixer) -> list[int]:
    """Leave out the groups that are a mixture of two larger ones.

    Parameters
    ----------
    grouping : Grouping
        All groups.
    labels : sequence of int
        Those in question, the largest first.
    mixer : Mixer
        Of the recording.
    """
    pure: list[int] = []
    mixtures: list[np.ndarray] = []
    for label in labels:
        voice = unit(grouping.mean(label))
        if any(float(voice @ mixture) >= MIXED for mixture in mixtures):
            continue
        windows = mixer.cells.window[grouping.cells(label)]
        for other in pure:
            against = mixer.cells.window[grouping.cells(other)]
            mixtures.append(unit(mixer(windows, against).mean(axis=0)))
        pure.append(label)
    return pure


def pairs_of(windows: list[np.ndarray]) -> list[tuple[int, int]]:
    """List the pairs of voices that may overlap, given the windows of each."""
    most = sorted(range(len(windows)), key=lambda voice: -len(windows[voice]))[:VOICES]
    return list(combinations(sorted(most), 2))
