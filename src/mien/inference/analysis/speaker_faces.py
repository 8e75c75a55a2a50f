"""Which face is whose: the faces of a recording and the voices that are heard in it."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mien.inference.analysis.spoken import SpokenTurn

MOST_EVIDENCE = 6.0
"""Log odds that one turn counts for at most: a mouth that is measured wrongly must not decide."""

LogOdds = Callable[[float, float], Mapping[int, float]]
"""Gives by track the log odds that its face speaks between two times, of faces that are seen."""


def speakers_of_faces(
    turns: Sequence[SpokenTurn],
    log_odds: LogOdds,
    persons: Sequence[Sequence[int]],
    known: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """Find the face of each speaker.

    The evidence of all turns of a speaker is added up: single turns are short, and often two
    mouths move. Then speakers and faces are paired so that all evidence together is greatest; a
    speaker without evidence for any face is off the screen.

    Parameters
    ----------
    turns : sequence of SpokenTurn
        Those that are marked, or have no speaker, don't count.
    log_odds : callable
        By track the log odds that its face speaks in a turn.
    persons : sequence of sequence of int
        The tracks of each face: a person's face may be followed several times.
    known : mapping of str to int, optional
        Speakers whose face is known, by its place in `persons`.

    Returns
    -------
    dict of str to int
        By speaker the place of their face in `persons`.
    """
    from scipy.optimize import linear_sum_assignment

    found = dict(known or {})
    free = [place for place in range(len(persons)) if place not in found.values()]
    evidence = _evidence(turns, log_odds, persons)
    names = [name for name in evidence if name not in found]
    if not names or not free:
        return found
    table = np.array([[evidence[name].get(place, 0.0) for place in free] for name in names])
    # a pair with evidence against it is worth as little as none
    rows, columns = linear_sum_assignment(np.maximum(table, 0.0), maximize=True)
    for row, column in zip(rows, columns, strict=True):
        if table[row, column] > 0:
            found[names[row]] = free[column]
    return found


def _evidence(
    turns: Sequence[SpokenTurn], log_odds: LogOdds, persons: Sequence[Sequence[int]]
) -> dict[str, dict[int, float]]:
    """Add up the log odds of all turns, by speaker and face."""
    place_of = {track: place for place, tracks in enumerate(persons) for track in tracks}
    total: dict[str, defaultdict[int, float]] = {}
    for turn in turns:
        if turn.speaker is None or turn.mark is not None:
            continue
        own = total.setdefault(turn.speaker, defaultdict(float))
        for track, odds in log_odds(turn.start, turn.end).items():
            own[place_of[track]] += float(np.clip(odds, -MOST_EVIDENCE, MOST_EVIDENCE))
    return {name: dict(own) for name, own in total.items()}


def track_at(turn: SpokenTurn, tracks: Mapping[int, tuple[float, float]]) -> int | None:
    """Choose the track that is seen for most of a turn.

    Parameters
    ----------
    turn : SpokenTurn
        The turn.
    tracks : mapping of int to (start, end)
        The tracks of one face, and when each is seen.
    """
    shared = {track: turn.shared(*span) for track, span in tracks.items()}
    best = max(shared, key=lambda track: shared[track], default=None)
    return best if best is not None and shared[best] > 0 else None
