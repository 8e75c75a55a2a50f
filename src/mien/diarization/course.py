"""The course of speakers over the cells of speech, as turns."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from mien.diarization.windows import Cells
from mien.turn import SHORT, Mark, Turn
from mien.utterance import SAMPLE_RATE

JOINED = 0.7
"""Seconds: turns of one speaker with a shorter pause between them are one."""

State = tuple[int, ...]
"""Who speaks: one voice, or two at once, by number."""


def clean_windows(cells: Cells, course: np.ndarray, likeness: np.ndarray) -> list[np.ndarray]:
    """Find the windows in which one voice speaks from beginning to end, and nobody else.

    Parameters
    ----------
    cells : Cells
        The cells and windows.
    course : array (C,) int
        The class of each cell; the first K are the voices.
    likeness : array (W, K)
        How much each window is like each voice.

    Returns
    -------
    list of array int
        For each voice its windows; the one that is most like it, if it has none.
    """
    runs = np.cumsum(np.diff(course, prepend=course[0]) != 0)
    first = np.searchsorted(cells.edges[:, 1], cells.windows[:, 0], side="right")
    last = np.searchsorted(cells.edges[:, 0], cells.windows[:, 1], side="left") - 1
    voice = np.where(runs[first] == runs[last], course[first], -1)
    clean = [np.flatnonzero(voice == one) for one in range(likeness.shape[1])]
    return [
        own if len(own) else np.array([likeness[:, one].argmax()]) for one, own in enumerate(clean)
    ]


def find_turns(
    cells: Cells, states: Sequence[State], short: np.ndarray
) -> tuple[list[Turn], dict[int, str]]:
    """Unite the cells of the same speakers that follow each other with little or no pause.

    Parameters
    ----------
    cells : Cells
        The cells.
    states : sequence of State
        Who speaks in each of them.
    short : array (R,) bool
        Which stretches of speech hold so little of it that a turn within one is short.

    Returns
    -------
    turns : list of Turn
        In order of time; two of the same time, with the mark "overlap", where two speak at once.
    names : dict of int to str
        By voice its label, in order of first speech; without those that nobody has.
    """
    edges = cells.edges / SAMPLE_RATE
    first = [0] + [
        i + 1
        for i, (a, b) in enumerate(pairwise(states))
        if a != b or edges[i + 1, 0] - edges[i, 1] >= JOINED
    ]
    names: dict[int, str] = {}
    turns = []
    for a, b in pairwise([*first, len(states)]):
        start, end = float(edges[a, 0]), float(edges[b - 1, 1])
        region = cells.regions[a]
        within = short[region] and region == cells.regions[b - 1]
        mark: Mark | None = "short" if within or end - start < SHORT else None
        for voice in states[a]:
            name = names.setdefault(voice, f"Speaker {len(names) + 1}")
            turns.append(Turn(start, end, name, mark="overlap" if len(states[a]) > 1 else mark))
    return turns, names
