"""Where the turns are: by voice, by a transcript, by the clock."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.audio_effects import to_int16
from mien.errors import MienError
from mien.inference.turns import (
    CueSegmenter,
    Segmenter,
    Turn,
    VoiceSegmenter,
    WindowSegmenter,
    hysteresis,
)
from mien.media.cues import Cue, Transcript
from mien.media.decode import read_audio


def segmenter(probabilities: list[float], **settings: float) -> VoiceSegmenter:
    """One that is told the probability of speech in each frame of 32 ms."""

    class Told:
        def probabilities(self, waveform: np.ndarray) -> np.ndarray:
            return np.array(probabilities)

    made = VoiceSegmenter(**settings)
    made.__dict__["_activity"] = Told()
    return made


def frames(*runs: tuple[float, int]) -> tuple[list[float], np.ndarray, float]:
    """Probabilities, each for a number of frames, and a waveform of their length."""
    values = [value for value, count in runs for _ in range(count)]
    return values, np.zeros(len(values) * 512, np.int16), len(values) * 0.032


def test_speech_begins_at_one_probability_and_ends_at_another() -> None:
    values = np.array([0.3, 0.6, 0.3, 0.3, 0.1, 0.3, 0.1, 0.9])
    assert hysteresis(values, 0.5, 0.2).tolist() == [[1, 4], [7, 8]]
    assert hysteresis(values, 0.2, 0.2).tolist() == [[0, 4], [5, 6], [7, 8]]
    assert hysteresis(np.zeros(5), 0.5, 0.2).shape == (0, 2)


def test_short_pauses_are_filled_and_short_speech_is_left_out() -> None:
    values, waveform, seconds = frames(
        *((0.0, 20), (0.9, 40), (0.0, 5), (0.9, 30), (0.0, 20), (0.9, 2), (0.0, 20))
    )
    found = segmenter(values, min_pause=0.2, padding=0)(waveform, seconds)
    assert [(turn.start, turn.end) for turn in found] == [pytest.approx((0.64, 3.04))]
    found = segmenter(values, min_pause=0.1, min_speech=0.0, padding=0)(waveform, seconds)
    assert len(found) == 3


def test_turns_are_padded_but_do_not_meet_nor_leave_the_recording() -> None:
    values, waveform, seconds = frames((0.9, 30), (0.0, 10), (0.9, 30), (0.0, 2))
    first, second = segmenter(values, min_pause=0.1, padding=0.5)(waveform, seconds)
    assert (first.start, second.end) == (0.0, pytest.approx(seconds))
    assert first.end == pytest.approx(1.12) == second.start  # the middle of the pause
    first, second = segmenter(values, min_pause=0.1, padding=0.02)(waveform, seconds)
    assert (first.end, second.start) == (pytest.approx(0.98), pytest.approx(1.26))


def test_little_speech_is_marked_as_short_whatever_its_pauses() -> None:
    values, waveform, seconds = frames((0.9, 6), (0.45, 30), (0.9, 6), (0.0, 40), (0.9, 20))
    first, second = segmenter(values)(waveform, seconds)
    assert first.end - first.start > 1
    assert (first.mark, second.mark) == ("short", None)


@given(st.lists(st.floats(0, 1), max_size=80), st.floats(0, 1), st.floats(0, 1))
def test_turns_are_in_order_and_within_the_recording(
    values: list[float], one: float, other: float
) -> None:
    waveform, seconds = np.zeros(max(0, len(values) * 512 - 100), np.int16), len(values) * 0.032
    made = segmenter(values, onset=max(one, other), offset=min(one, other))
    found = made(waveform, seconds)
    edges = [edge for turn in found for edge in (turn.start, turn.end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= seconds for edge in edges)


def test_without_audio_there_is_no_speech() -> None:
    assert VoiceSegmenter()(None, 10.0) == []
    assert VoiceSegmenter()(np.zeros(0, np.int16), 0.0) == []


def test_speech_is_found_and_a_hum_is_not(shared_data) -> None:
    clip = read_audio(next((shared_data / "librispeech").glob("1688/*-0000.flac")))
    hum = to_int16(0.1 * np.sin(np.arange(48_000) * 2 * np.pi * 50 / 16_000))
    waveform = np.concatenate([hum, clip, hum])
    found = VoiceSegmenter()(waveform, len(waveform) / 16_000)
    assert found[0].start == pytest.approx(3, abs=0.6)
    assert found[-1].end == pytest.approx(3 + len(clip) / 16_000, abs=0.6)
    spoken = sum(turn.end - turn.start for turn in found)
    assert spoken > 0.7 * len(clip) / 16_000


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"onset": 0.3, "offset": 0.4}, "onset"),
        ({"onset": 1.5}, "onset"),
        ({"min_pause": -1.0}, "min_pause"),
        ({"padding": float("nan")}, "padding"),
    ],
)
def test_thresholds_out_of_range_are_refused(wrong: dict[str, float], name: str) -> None:
    with pytest.raises(MienError) as refused:
        VoiceSegmenter(**wrong)
    assert refused.value.parameter == name


def test_cues_are_turns_with_their_text_and_speaker() -> None:
    cues = [Cue("Yes.", 1.0, 3.0, "Anna"), Cue("No.", 3.0, 3.3), Cue("Well.", 8.0, 12.0)]
    found = CueSegmenter(Transcript([*cues, Cue("Late.", 11.0, 12.0)], []))(None, 10.0)
    assert found == [
        Turn(1.0, 3.0, "Anna", "Yes."),
        Turn(3.0, 3.3, None, "No.", "short"),
        Turn(8.0, 10.0, None, "Well."),
    ]


def test_a_cue_without_times_is_the_whole_recording() -> None:
    transcript = Transcript([Cue("All of it.")], [])
    assert CueSegmenter(transcript)(None, 7.5) == [Turn(0.0, 7.5, None, "All of it.")]


@given(st.floats(0, 500), st.floats(0.1, 50), st.floats(0.1, 50))
def test_windows_reach_from_the_beginning_to_the_end(
    seconds: float, length: float, hop: float
) -> None:
    found = WindowSegmenter(length, hop)(None, seconds)
    if not seconds:
        assert found == []
        return
    assert found[0].start == 0
    assert max(turn.end for turn in found) == pytest.approx(seconds, abs=1e-6) or hop > length
    for number, turn in enumerate(found):
        assert turn.start == number * hop
        assert turn.start < turn.end <= seconds
        assert turn.end - turn.start <= length + 1e-9
    assert sum(turn.end >= seconds - 1e-9 for turn in found) <= 1 or hop < 1e-6


def test_windows_follow_each_other_unless_a_hop_is_given() -> None:
    found = WindowSegmenter(2.0)(None, 4.25)
    assert [(turn.start, turn.end, turn.mark) for turn in found] == [
        *((0.0, 2.0, None), (2.0, 4.0, None), (4.0, 4.25, "short"))
    ]


@pytest.mark.parametrize("wrong", [(0.0, None), (1.0, 0.0), (float("nan"), None), (1.0, -1.0)])
def test_windows_without_a_length_are_refused(wrong: tuple[float, float | None]) -> None:
    with pytest.raises(MienError, match=r"0\.1 or more"):
        WindowSegmenter(*wrong)


def test_all_are_segmenters() -> None:
    made: list[Segmenter] = [
        *(VoiceSegmenter(), CueSegmenter(Transcript([], [])), WindowSegmenter(1.0))
    ]
    assert [one(None, 0.0) for one in made] == [[], [], []]
