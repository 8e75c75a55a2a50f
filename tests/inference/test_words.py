"""Each word of a recording belongs to the turn in which it is spoken, and none is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.inference.timeline import Word
from mien.inference.words import MAX_DISTANCE, assign_words, text_of, words_of
from mien.media.cues import Cue
from mien.media.timed_words import TimedWord

TIMES = st.floats(0, 100, allow_nan=False)
SPANS = st.tuples(TIMES, st.floats(0, 20)).map(lambda pair: (pair[0], pair[0] + pair[1]))
WORDS = st.lists(SPANS.map(lambda span: word("word", *span)), max_size=20)


def word(text: str, start: float, end: float) -> Word:
    return Word(text=text, start=start, end=end)


def overlap(one: Word, turn: tuple[float, float]) -> float:
    """Seconds that a word and a turn have in common; below 0: how far they are apart."""
    return min(one.end, turn[1]) - max(one.start, turn[0])


@given(WORDS, st.lists(SPANS, max_size=8))
def test_no_word_is_lost_and_each_is_given_once(words: list[Word], turns: list) -> None:
    assigned = assign_words(words, turns)
    given_ = [one for row in [*assigned.words, assigned.outside] for one in row]
    assert len(assigned.words) == len(turns)
    assert sorted(map(id, given_)) == sorted(map(id, words))


@given(WORDS, st.lists(SPANS, min_size=1, max_size=8))
def test_a_word_lies_in_its_turn_which_is_the_best(words: list[Word], turns: list) -> None:
    assigned = assign_words(words, turns)
    for turn, row in zip(turns, assigned.words, strict=True):
        assert row == sorted(row, key=lambda one: (one.start, one.end))
        for one in row:
            best = max(overlap(one, other) for other in turns)
            assert overlap(one, turn) == pytest.approx(best, abs=1e-6)
            assert overlap(one, turn) >= -MAX_DISTANCE
    for one in assigned.outside:
        assert max(overlap(one, turn) for turn in turns) < -MAX_DISTANCE


def test_words_inside_one_turn_each_stay_there() -> None:
    words = [word("a", 0.1, 0.4), word("b", 0.9, 1.3), word("c", 1.6, 1.9)]
    assert assign_words(words, [(0.0, 1.0), (1.0, 2.0)]).words == [words[:1], words[1:]]


def test_of_equal_overlaps_the_nearer_turn_has_the_word() -> None:
    inside = word("both", 4.0, 5.0)
    assert assign_words([inside], [(0.0, 20.0), (3.0, 7.0)]).words == [[], [inside]]
    assert assign_words([inside], [(3.0, 7.0), (0.0, 20.0)]).words == [[inside], []]


def test_a_word_in_a_pause_goes_to_the_nearest_turn() -> None:
    between = word("so", 2.6, 2.9)
    assert assign_words([between], [(0.0, 2.0), (3.0, 4.0)]).words == [[], [between]]


def test_words_far_from_all_turns_are_counted() -> None:
    words = [word("far", 8.0, 8.4), word("farther", 9.0, 9.4), word("near", 2.2, 2.4)]
    assigned = assign_words(words, [(0.0, 2.0)])
    assert (assigned.words, assigned.outside) == ([[words[2]]], words[:2])
    (note,) = assigned.notes
    assert note == "2 words left out, more than 1 s from any turn, the first at 8.0 s: 'far'"
    assert assign_words(words[2:], [(0.0, 2.0)]).notes == []


def test_without_turns_all_words_are_outside() -> None:
    words = [word("far", 8.0, 8.4)]
    assert assign_words(words, []) == ([], words)


def test_a_cue_without_a_speaker_is_divided_where_the_speaker_changes() -> None:
    timed = (
        TimedWord("Are", 0.0, 0.3),
        TimedWord("you", 0.3, 0.5),
        TimedWord("glad?", 0.5, 1.0),
        TimedWord("Very.", 1.4, 2.0),
    )
    cue = Cue("Are you glad? Very.", 0.0, 2.0, timed_words=timed)
    assigned = assign_words(words_of([cue]), [(0.0, 1.1), (1.2, 2.1)])
    assert [text_of(row) for row in assigned.words] == ["Are you glad?", "Very."]
    assert assigned.words[1] == [word("Very.", 1.4, 2.0)]


def test_words_without_times_share_their_cue_by_their_length() -> None:
    found = words_of([Cue("I am here.", 10.0, 14.0), Cue("no times")])
    assert [(one.text, one.start, one.end) for one in found] == [
        ("I", 10.0, 10.5),
        ("am", 10.5, 11.5),
        ("here.", 11.5, 14.0),
    ]
    assert all(one.probability is None for one in found)


@given(st.text(max_size=60), TIMES, st.floats(0.001, 30))
def test_estimated_words_are_in_order_and_fill_their_cue(
    text: str, start: float, length: float
) -> None:
    found = words_of([Cue(text, start, start + length)])
    letters = "".join(text.split())
    assert "".join(one.text for one in found) == letters
    times = [time for one in found for time in (one.start, one.end)]
    assert times == sorted(times)
    if found:
        assert (times[0], times[-1]) == (start, pytest.approx(start + length))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["I", "am", "glad."], "I am glad."),
        ([" I", " am", " glad."], "I am glad."),
        (["我", "很", "高兴", "。"], "我很高兴。"),
        (["嬉しい", "です"], "嬉しいです"),
        (["ฉัน", "ดีใจ"], "ฉันดีใจ"),
        (["나는", "기뻐요"], "나는 기뻐요"),
        (["我", "love", "你"], "我 love 你"),
        ([], ""),
    ],
)
def test_words_are_joined_as_they_are_written(words: list[str], text: str) -> None:
    assert text_of([word(one, 0, 1) for one in words]) == text
