"""When each word of a synthesised line is spoken."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class SpokenWord:
    """A word with its punctuation, and when it is spoken, in seconds."""

    text: str
    start: float
    end: float


def word_times(
    text: str, marks: Sequence[tuple[int | None, float]], seconds: float
) -> list[SpokenWord]:
    """Find the times of the words of a line.

    espeak-ng speaks some pairs, such as "of the", as one word: their time is divided by letters.

    Parameters
    ----------
    text : str
        The line.
    marks : sequence of (int or None, float)
        In order of time: the place in `text` at which a word that is spoken begins, or None at the
        end of a clause; and when, in seconds.
    seconds : float
        Length of the line.

    Returns
    -------
    list of SpokenWord
        The words between spaces; no two overlap.

    Examples
    --------
    >>> marks = [(0, 0.0), (6, 0.2), (None, 0.8), (14, 1.0), (None, 1.5)]
    >>> [(word.text, round(word.start, 2)) for word in word_times("Think of the, sea.", marks, 1.4)]
    [('Think', 0.0), ('of', 0.2), ('the,', 0.4), ('sea.', 1.0)]
    """
    spoken = [
        (place, np.clip([start, end], 0.0, seconds))
        for (place, start), (_, end) in pairwise([*marks, (None, seconds)])
        if place is not None
    ]
    groups: list[tuple[list[str], list[np.ndarray]]] = []
    for word in re.finditer(r"\S+", text):
        spans = [span for place, span in spoken if word.start() <= place < word.end()]
        if spans or not groups:
            groups.append(([word[0]], spans or [np.zeros(2)]))
        else:
            groups[-1][0].append(word[0])
    return [
        word
        for words, spans in groups
        for word in _divided(words, float(spans[0][0]), float(spans[-1][1]))
    ]


def _divided(words: Sequence[str], start: float, end: float) -> list[SpokenWord]:
    """Divide a span of time among words by their letters."""
    lengths = np.cumsum([0, *map(len, words)])
    edges = (start + (end - start) * lengths / lengths[-1]).tolist()
    spans = zip(words, pairwise(edges), strict=True)
    return [SpokenWord(word, *span) for word, span in spans]
