"""The speakers of the cues of a transcript, where it names some of them or none."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from mien.inference.analysis.spoken import SpokenTurn
from mien.inference.timeline import Word
from mien.inference.words import assign_words, text_of
from mien.turn import Turn

LEAST_PIECE = 1.0
"""Seconds that another speaker must speak within a cue for it to be divided.

The bounds of cues are those of subtitles, and bounds of voices are some tenths of a second off."""


def named_voices(turns: Sequence[SpokenTurn], found: Sequence[Turn]) -> dict[str, str]:
    """Tell which voice has which name, by the turns that a transcript names.

    Parameters
    ----------
    turns : sequence of SpokenTurn
        Those of a transcript; some have names.
    found : sequence of Turn
        Those of diarization, whose speakers have numbers.

    Returns
    -------
    dict of str to str
        By the label of a voice the name that it has for most of the time. Several voices may have
        one name: then one person was taken for two.
    """
    seconds: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    starts, ends = np.array([(turn.start, turn.end) for turn in turns], float).reshape(-1, 2).T
    for one in found:
        shared = np.minimum(ends, one.end) - np.maximum(starts, one.start)
        for place in np.flatnonzero(shared > 0).tolist():
            if (name := turns[place].speaker) and one.speaker:
                seconds[one.speaker][name] += float(shared[place])
    return {voice: max(names, key=lambda name: names[name]) for voice, names in seconds.items()}


def with_speakers(turns: Sequence[SpokenTurn], found: Sequence[Turn]) -> list[SpokenTurn]:
    """Give the turns without a name the speakers of diarization.

    A turn within which the speaker changes is divided there, and its words with it.
    """
    names = named_voices(turns, found)
    voices = [
        Turn(one.start, one.end, names.get(one.speaker or "", one.speaker), mark=one.mark)
        for one in found
    ]
    done: list[SpokenTurn] = []
    for turn in turns:
        done += [turn] if turn.speaker else divide(turn, _pieces(turn, voices))
    return done


def _pieces(turn: SpokenTurn, voices: Sequence[Turn]) -> list[Turn]:
    """Divide the time of a turn among those who speak in it; short ones are left out."""
    inside = [one for one in voices if turn.shared(one.start, one.end) > 0]
    if not inside:
        return [Turn(turn.start, turn.end)]
    long = [one for one in inside if turn.shared(one.start, one.end) >= LEAST_PIECE]
    if not long:
        long = [max(inside, key=lambda one: turn.shared(one.start, one.end))]
    pieces: list[Turn] = []
    for one in sorted(long, key=lambda one: one.start):
        if pieces and pieces[-1].speaker == one.speaker:
            continue
        begin = turn.start if not pieces else max(one.start, pieces[-1].start)
        pieces.append(Turn(begin, turn.end, one.speaker, mark=one.mark))
    ends = [piece.start for piece in pieces[1:]] + [turn.end]
    return [
        Turn(piece.start, end, piece.speaker, mark=piece.mark)
        for piece, end in zip(pieces, ends, strict=True)
        if end > piece.start
    ]


def divide(turn: SpokenTurn, pieces: Sequence[Turn]) -> list[SpokenTurn]:
    """Divide a turn into pieces, which have their own speakers and marks."""
    if len(pieces) == 1:
        (piece,) = pieces
        mark = turn.mark or piece.mark
        return [turn.model_copy(update={"speaker": piece.speaker, "mark": mark})]
    words: Sequence[list[Word]] = assign_words(turn.words, [(p.start, p.end) for p in pieces]).words
    return [
        SpokenTurn(
            start=piece.start,
            end=piece.end,
            speaker=piece.speaker,
            mark=turn.mark or piece.mark,
            text=text_of(own) or None,
            words=own,
        )
        for piece, own in zip(pieces, words, strict=True)
    ]


def mark_overlaps(turns: Sequence[SpokenTurn]) -> list[SpokenTurn]:
    """Mark the turns during more than half of which a turn of another speaker goes on."""
    starts, ends = np.array([(turn.start, turn.end) for turn in turns], float).reshape(-1, 2).T
    speakers = np.array([turn.speaker or "" for turn in turns])
    marked = []
    for turn in turns:
        shared = np.minimum(ends, turn.end) - np.maximum(starts, turn.start)
        others = shared[(speakers != (turn.speaker or "")) & (shared > 0)].sum()
        overlaps = turn.mark is None and others > turn.seconds / 2
        marked.append(turn.model_copy(update={"mark": "overlap"}) if overlaps else turn)
    return marked
