"""The words of turns: which word of a recording belongs to which stretch of speech."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from mien.inference.timeline import Word
from mien.media.cues import Cue
from mien.media.timed_words import TimedWord, estimate_times, join_words, split_words

MAX_DISTANCE = 1.0
"""Seconds from the nearest turn within which a word that is in none is still one of its words.

Recognised words are timed to about a quarter of a second, and turns have their own error."""


class Assigned(NamedTuple):
    """The words of each turn, in order of time, and those that are near no turn."""

    words: list[list[Word]]
    outside: list[Word]

    @property
    def notes(self) -> list[str]:
        """How many words were left out, and the first of them."""
        if not self.outside:
            return []
        first = min(self.outside, key=lambda word: word.start)
        return [
            f"{len(self.outside)} words left out, more than {MAX_DISTANCE:g} s from any turn, the"
            f" first at {first.start:.1f} s: {first.text[:40]!r}"
        ]


def assign_words(words: Iterable[Word], turns: Sequence[tuple[float, float]]) -> Assigned:
    """Give each word to the turn that it overlaps most; between equals to the nearer.

    A word that is in no turn goes to the nearest if that is at most `MAX_DISTANCE` away. So a cue
    that goes on while the speaker changes is divided at the change.

    Parameters
    ----------
    words : iterable of Word
        In any order. Their times stay as they are.
    turns : sequence of (start, end)
        Seconds from the beginning of the recording, in any order; they may overlap.

    Examples
    --------
    >>> words = [Word(text="Hello", start=0.1, end=0.5), Word(text="there", start=0.6, end=0.9)]
    >>> assigned = assign_words(words, [(0.0, 0.55), (0.55, 1.0)])
    >>> [text_of(words) for words in assigned.words]
    ['Hello', 'there']
    """
    assigned = Assigned([[] for _ in turns], [])
    starts, ends = np.array(turns, float).reshape(-1, 2).T
    middles = (starts + ends) / 2
    for word in sorted(words, key=lambda word: (word.start, word.end)):
        best = _best(word, starts, ends, middles)
        (assigned.outside if best is None else assigned.words[best]).append(word)
    return assigned


def _best(word: Word, starts: np.ndarray, ends: np.ndarray, middles: np.ndarray) -> int | None:
    """Find the turn of a word; None where all are too far away."""
    if not len(starts):
        return None
    # where a word overlaps no turn, this is how far it is away, below 0
    overlap = np.minimum(ends, word.end) - np.maximum(starts, word.start)
    equal = np.flatnonzero(overlap >= overlap.max() - 1e-9)
    middle = (word.start + word.end) / 2
    best = int(equal[np.abs(middles[equal] - middle).argmin()])
    return best if overlap[best] >= -MAX_DISTANCE else None


def text_of(words: Iterable[Word]) -> str:
    """Join words to a text, with spaces where their script has them."""
    return join_words(word.text for word in words)


def words_of(cues: Iterable[Cue]) -> list[Word]:
    """Give the words of cues with their times.

    Where a transcript has no times of words, they are estimated: each word takes the share of its
    cue that it has of the cue's letters, as if the cue were spoken evenly and without a pause.

    Parameters
    ----------
    cues : iterable of Cue
        Those without times give no words.
    """
    return [
        Word(text=word.text, start=word.start, end=word.end, probability=word.probability)
        for cue in cues
        for word in cue.timed_words or _estimated(cue)
    ]


def _estimated(cue: Cue) -> Sequence[TimedWord]:
    if cue.start is None or cue.end is None:
        return ()
    return estimate_times(split_words(cue.text), cue.start, cue.end)
