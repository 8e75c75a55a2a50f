"""Turns whose bounds are given get the speaker who has most of them."""

from hypothesis import given
from hypothesis import strategies as st

from mien.diarization.result import Diarization, label_turns
from mien.turn import Turn

FOUND = Diarization(
    [
        Turn(0.0, 4.0, "Speaker 1"),
        Turn(4.0, 6.0, "Speaker 1", mark="overlap"),
        Turn(4.0, 6.0, "Speaker 2", mark="overlap"),
        Turn(6.0, 9.0, "Speaker 2"),
        Turn(12.0, 20.0, "Speaker 1"),
    ],
    {},
)


def test_the_speaker_is_the_one_who_has_most_of_the_turn() -> None:
    given_turns = [Turn(3.0, 8.5, text="a"), Turn(0.5, 6.5, text="b"), Turn(8.0, 13.5, text="c")]
    labelled = label_turns(given_turns, FOUND)
    assert [turn.speaker for turn in labelled] == ["Speaker 2", "Speaker 1", "Speaker 1"]
    assert [(turn.start, turn.end, turn.text, turn.mark) for turn in labelled] == [
        (turn.start, turn.end, turn.text, None) for turn in given_turns
    ]


def test_a_turn_in_which_two_speak_at_once_for_most_is_marked() -> None:
    marked, alone = label_turns([Turn(3.5, 6.0), Turn(2.0, 6.0)], FOUND)
    assert (marked.mark, alone.mark) == ("overlap", None)


def test_a_turn_without_speech_has_no_speaker_and_a_mark_stays() -> None:
    empty, short = label_turns([Turn(9.5, 11.0, "Anna"), Turn(1.0, 1.2, mark="short")], FOUND)
    assert (empty.speaker, short.speaker, short.mark) == (None, "Speaker 1", "short")
    assert label_turns([Turn(0.0, 1.0)], Diarization([], {})) == [Turn(0.0, 1.0)]


@given(st.permutations(range(6)), st.floats(0, 15), st.floats(0.1, 6))
def test_each_turn_is_labelled_alone(order: list[int], first: float, length: float) -> None:
    turns = [Turn(first + i, first + i + length) for i in range(6)]
    labelled = label_turns(turns, FOUND)
    assert label_turns([turns[i] for i in order], FOUND) == [labelled[i] for i in order]
