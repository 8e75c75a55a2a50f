"""Speakers of cues: those that a transcript names, and those that only the voice tells."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.inference.analysis.cue_speakers import mark_overlaps, named_voices, with_speakers
from mien.inference.analysis.spoken import SpokenTurn
from mien.inference.timeline import Word
from mien.turn import Turn


def cue(start: float, end: float, speaker: str | None = None, text: str = "") -> SpokenTurn:
    texts = text.split()
    step = (end - start) / max(len(texts), 1)
    words = [
        Word(text=one, start=start + i * step, end=start + (i + 1) * step)
        for i, one in enumerate(texts)
    ]
    return SpokenTurn(start=start, end=end, speaker=speaker, text=text or None, words=words)


def test_a_voice_has_the_name_that_the_transcript_gives_it_for_most_of_the_time() -> None:
    cues = [cue(0, 4, "Anna"), cue(4, 5, "Ben"), cue(6, 9, "Ben"), cue(9, 12)]
    found = [Turn(0, 4.5, "Speaker 1"), Turn(5, 9, "Speaker 2"), Turn(9, 12, "Speaker 3")]
    assert named_voices(cues, found) == {"Speaker 1": "Anna", "Speaker 2": "Ben"}


def test_a_cue_without_a_name_gets_that_of_its_voice_and_the_others_keep_theirs() -> None:
    cues = [cue(0, 4, "Anna"), cue(5, 9, "Ben"), cue(10, 12, text="I agree"), cue(20, 22)]
    found = [Turn(0, 4, "Speaker 1"), Turn(5, 9, "Speaker 2"), Turn(10, 12, "Speaker 1")]
    done = with_speakers(cues, found)
    assert [turn.speaker for turn in done] == ["Anna", "Ben", "Anna", None]
    assert done[2].text == "I agree"


def test_a_cue_is_divided_where_the_speaker_changes_and_its_words_with_it() -> None:
    one = cue(0, 10, text="how are you today I am very well thanks friend")
    done = with_speakers([one], [Turn(0.2, 3.9, "Speaker 1"), Turn(4.1, 9.8, "Speaker 2")])
    assert [(t.start, t.end, t.speaker) for t in done] == [
        (0, 4.1, "Speaker 1"),
        (4.1, 10, "Speaker 2"),
    ]
    assert [turn.text for turn in done] == ["how are you today", "I am very well thanks friend"]


def test_a_cue_is_not_divided_for_what_is_shorter_than_a_second() -> None:
    found = [Turn(0, 4, "Speaker 1"), Turn(4, 4.6, "Speaker 2"), Turn(4.6, 8, "Speaker 1")]
    (only,) = with_speakers([cue(0, 8, text="a b c d")], found)
    assert (only.start, only.end, only.speaker) == (0, 8, "Speaker 1")


def test_cues_of_two_speakers_at_once_are_marked_and_those_of_one_are_not() -> None:
    cues = [cue(0, 4, "Anna"), cue(3, 4.5, "Ben"), cue(5, 9, "Ben"), cue(5.5, 6.5, "Ben")]
    assert [turn.mark for turn in mark_overlaps(cues)] == [None, "overlap", None, None]


times = st.floats(0, 60, allow_nan=False).map(lambda time: round(time, 2))


@st.composite
def voices(draw: st.DrawFn) -> list[Turn]:
    edges = sorted(set(draw(st.lists(times, min_size=2, max_size=12))))
    return [
        Turn(a, b, f"Speaker {draw(st.integers(1, 3))}")
        for a, b in pairwise(edges)
        if draw(st.booleans())
    ]


@settings(max_examples=200, deadline=None)
@given(voices(), times, st.floats(0.5, 20))
def test_pieces_of_a_cue_cover_it_and_lose_no_word(
    found: list[Turn], start: float, seconds: float
) -> None:
    one = cue(start, start + seconds, text="one two three four five six seven eight")
    done = with_speakers([one], found)
    assert done[0].start == one.start
    assert done[-1].end == one.end
    assert [a.end for a in done[:-1]] == [b.start for b in done[1:]]
    assert sorted(w.text for t in done for w in t.words) == sorted(w.text for w in one.words)
    assert all(a.speaker != b.speaker for a, b in pairwise(done))


def test_times_of_pieces_are_those_of_the_voices() -> None:
    done = with_speakers([cue(0, 6)], [Turn(1, 3, "Speaker 1"), Turn(3.5, 6, "Speaker 2")])
    assert [turn.end for turn in done] == pytest.approx([3.5, 6])
