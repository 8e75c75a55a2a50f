"""What diarization finds, and what finds it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from mien.turn import Turn


@dataclass(frozen=True)
class Diarization:
    """Who speaks when.

    Parameters
    ----------
    turns : list of Turn
        In order of time, each with its speaker: ``Speaker 1``, ``Speaker 2`` and so on in order of
        their first speech. Where two speak at once, each has a turn with the mark "overlap".
    embeddings : dict of str to array (D,)
        By speaker the embedding of their voice, of unit length. One who speaks for less than 25 ms
        has none.
    """

    turns: list[Turn]
    embeddings: dict[str, np.ndarray]


class DiarizationEngine(Protocol):
    """Finds who speaks when."""

    def __call__(self, waveform: np.ndarray, turns: Sequence[Turn]) -> Diarization:
        """Find the speakers.

        Parameters
        ----------
        waveform : array (S,) int16
            Mono at 16 kHz; it may lie in a file (`numpy.memmap`).
        turns : sequence of Turn
            Where there is speech; in any order, and they may overlap.

        Returns
        -------
        Diarization
            Its turns have bounds of their own, since the speaker may change within a stretch of
            speech: `label_turns` gives the speakers to turns whose bounds are to stay.
        """
        ...


def label_turns(turns: Sequence[Turn], found: Diarization) -> list[Turn]:
    """Give each turn the speaker who speaks for most of it; bounds and texts stay as they are.

    Parameters
    ----------
    turns : sequence of Turn
        Those of a transcript, say. A speaker that they have is replaced.
    found : Diarization
        Of the same recording.

    Returns
    -------
    list of Turn
        As many, in the same order. A turn in which nobody was found has no speaker. One is marked
        as overlap if two speak at once for more than half of the speech in it.

    Examples
    --------
    >>> found = Diarization([Turn(0, 3, "Speaker 1"), Turn(3, 9, "Speaker 2")], {})
    >>> label_turns([Turn(1, 6, text="Well, yes.")], found)
    [Turn(start=1, end=6, speaker='Speaker 2', text='Well, yes.', mark=None)]
    """
    ends = np.maximum.accumulate([turn.end for turn in found.turns])  # those may overlap
    starts = [turn.start for turn in found.turns]
    labelled = []
    for turn in turns:
        near = slice(np.searchsorted(ends, turn.start), np.searchsorted(starts, turn.end))
        labelled.append(_label(turn, found.turns[near]))
    return labelled


def _label(turn: Turn, near: Sequence[Turn]) -> Turn:
    seconds: defaultdict[str | None, float] = defaultdict(float)
    shared = 0.0
    for one in near:
        length = max(0.0, min(one.end, turn.end) - max(one.start, turn.start))
        seconds[one.speaker] += length
        shared += length * (one.mark == "overlap")
    total = sum(seconds.values())
    if not total:
        return replace(turn, speaker=None)
    # of two who speak at once each has a turn: half of these lengths is the time
    overlap = turn.mark is None and shared / 2 > (total - shared / 2) / 2
    speaker = max(seconds, key=lambda name: seconds[name])
    return replace(turn, speaker=speaker, mark="overlap" if overlap else turn.mark)
