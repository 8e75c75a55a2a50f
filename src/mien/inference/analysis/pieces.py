"""Long turns, divided into pieces as a model takes them as input."""

import math
from bisect import bisect
from collections.abc import Sequence
from itertools import pairwise

from mien.inference.analysis.spoken import SpokenTurn
from mien.inference.segments import MAX_SEGMENT_SECONDS
from mien.inference.timeline import Word
from mien.inference.words import text_of

NEAR = 2.0
"""Seconds by which a cut is moved at most, to fall between two words."""


def pieces_of(turns: Sequence[SpokenTurn]) -> list[SpokenTurn]:
    """Divide turns that are longer than `MAX_SEGMENT_SECONDS` into about equal pieces.

    A cut falls into the longest pause between two words near the place where pieces are equal; the
    text of a piece is that of its words. A turn without words has its whole text in each piece, as
    `mien.inference.segments.segments_of` has.

    Examples
    --------
    >>> [(piece.start, piece.end) for piece in pieces_of([SpokenTurn(start=0, end=20)])]
    [(0.0, 10.0), (10.0, 20.0)]
    """
    return [piece for turn in turns for piece in _divided(turn)]


def _divided(turn: SpokenTurn) -> list[SpokenTurn]:
    count = _count(turn)
    if count <= 1:
        return [turn]
    equal = [turn.start + turn.seconds * i / count for i in range(1, count)]
    edges = [float(turn.start), *(_between_words(turn, edge) for edge in equal), float(turn.end)]
    shares: list[list[Word]] = [[] for _ in range(count)]
    for word in turn.words:
        # a word may lie a little outside of its turn
        place = bisect(edges[1:-1], (word.start + word.end) / 2)
        shares[place].append(word)
    return [
        turn.model_copy(
            update={
                "start": start,
                "end": end,
                "words": words,
                "text": text_of(words) or None if turn.words else turn.text,
            }
        )
        for (start, end), words in zip(pairwise(edges), shares, strict=True)
    ]


def _between_words(turn: SpokenTurn, edge: float) -> float:
    """Move a cut into the longest pause nearby; a piece stays within the limit."""
    room = min(NEAR, (MAX_SEGMENT_SECONDS - turn.seconds / _count(turn)) / 2)
    pauses = [
        (after.start - before.end, (before.end + after.start) / 2)
        for before, after in pairwise(turn.words)
        if abs((before.end + after.start) / 2 - edge) <= room
    ]
    return max(pauses)[1] if pauses else edge


def _count(turn: SpokenTurn) -> int:
    return math.ceil(turn.seconds / MAX_SEGMENT_SECONDS)
