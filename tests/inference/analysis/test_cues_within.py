"""Cues of a transcript, placed within the stretch that is analysed."""

import pytest

from mien.errors import MienError
from mien.inference.analysis.cues_within import cues_within
from mien.media.cues import Cue, Transcript
from mien.media.timed_words import TimedWord

CUES = [
    Cue("one", 0.0, 2.0),
    Cue("two three", 4.0, 6.0, "Anna", (TimedWord("two", 4.0, 5.0), TimedWord("three", 5.0, 6.0))),
    Cue("four", 9.0, 12.0),
    Cue("five", 20.0, 21.0),
]


def test_cues_are_moved_and_cut_and_those_outside_are_counted() -> None:
    found = cues_within(Transcript(CUES, ["a note"]), 4.5, 6.0)
    assert [(cue.text, cue.start, cue.end) for cue in found.cues] == [
        ("two three", 0.0, 1.5),
        ("four", 4.5, 6.0),
    ]
    assert [(w.text, w.start, w.end) for w in found.cues[0].timed_words] == [
        ("two", 0.0, 0.5),
        ("three", 0.5, 1.5),
    ]
    assert found.cues[0].speaker == "Anna"
    assert found.notes[0] == "a note"
    assert found.notes[1].startswith("2 of 4 cues")


def test_a_transcript_of_something_else_is_refused() -> None:
    with pytest.raises(MienError, match="not the transcript"):
        cues_within(Transcript(CUES[3:], []), 0.0, 10.0)


def test_no_cues_are_no_error() -> None:
    assert cues_within(Transcript([], []), 0.0, 10.0).cues == []
