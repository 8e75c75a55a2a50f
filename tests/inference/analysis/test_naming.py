"""What a speaker is recognised by: their longest clean turns, and their face."""

import numpy as np

from mien.inference.analysis.naming import MOST_SECONDS, renamed, speaker_sample
from mien.inference.analysis.spoken import SpokenTurn

RATE = 16_000


def turn(start: float, end: float, mark=None) -> SpokenTurn:
    return SpokenTurn(start=start, end=end, speaker="Speaker 1", mark=mark)


def test_overlapped_and_short_turns_are_left_out_and_the_others_joined_in_order() -> None:
    waveform = np.repeat(np.arange(10, dtype=np.int16), RATE)
    turns = [turn(1, 2), turn(3, 4, "overlap"), turn(5, 7), turn(8, 8.3, "short")]
    sample = speaker_sample(turns, waveform, None)
    assert sample.waveform is not None
    assert sorted(set(sample.waveform.tolist())) == [1, 5, 6]
    assert len(sample.waveform) == 3 * RATE
    assert sample.text is None
    assert sample.faces is None


def test_no_more_is_taken_than_helps() -> None:
    waveform = np.ones(200 * RATE, np.int16)
    sample = speaker_sample([turn(0, 50), turn(60, 110), turn(120, 190)], waveform, None)
    assert sample.waveform is not None
    assert len(sample.waveform) == MOST_SECONDS * RATE


def test_too_little_speech_is_none() -> None:
    waveform = np.ones(10 * RATE, np.int16)
    assert speaker_sample([turn(0, 0.4)], waveform, None).waveform is None
    assert speaker_sample([], waveform, None).waveform is None
    assert speaker_sample([turn(0, 5)], None, None).waveform is None


def test_faces_are_found_ones() -> None:
    sample = speaker_sample([], None, np.zeros((3, 48, 48, 3), np.uint8))
    assert sample.modalities == "v"
    assert sample.face_found is not None
    assert sample.face_found.all()


def test_two_labels_of_one_person_become_one_name() -> None:
    turns = [turn(0, 1), SpokenTurn(start=1, end=2, speaker="Speaker 2"), turn(2, 3)]
    names = {"Speaker 1": "Anna", "Speaker 2": "Anna"}
    assert {one.speaker for one in renamed(turns, names)} == {"Anna"}
    assert [one.speaker for one in renamed(turns, {"Speaker 2": "Ben"})] == [
        "Speaker 1",
        "Ben",
        "Speaker 1",
    ]
