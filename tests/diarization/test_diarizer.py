"""Who speaks when, told by tones: no weights are needed."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tones import conversation, hear, tone

from mien.diarization import clustering
from mien.diarization.diarizer import Diarizer
from mien.diarization.result import Diarization, label_turns
from mien.errors import MienError
from mien.turn import Turn

SCRIPT = [(2, 6.0), (0, 5.0), (2, 7.0), (1, 6.0), (0, 8.0), (1, 5.0), (2, 4.0), (0, 5.0)]


def speakers(found: Diarization) -> list[str | None]:
    return [turn.speaker for turn in found.turns]


def same(one: Diarization, other: Diarization) -> bool:
    return one.turns == other.turns and all(
        np.array_equal(one.embeddings[name], other.embeddings[name]) for name in one.embeddings
    )


def test_speakers_are_numbered_by_their_first_speech() -> None:
    waveform, turns = conversation(SCRIPT, pause=0.8)
    found = Diarizer(encoder=hear)(waveform, turns)
    names = {2: "Speaker 1", 0: "Speaker 2", 1: "Speaker 3"}
    assert speakers(found) == [names[voice] for voice, _ in SCRIPT]
    assert list(found.embeddings) == ["Speaker 1", "Speaker 2", "Speaker 3"]
    for turn, given_turn in zip(found.turns, turns, strict=True):
        assert turn.start == pytest.approx(given_turn.start, abs=1e-3)
        assert turn.end == pytest.approx(given_turn.end, abs=1e-3)


def test_an_embedding_is_that_of_the_voice_alone() -> None:
    waveform, turns = conversation(SCRIPT)
    found = Diarizer(encoder=hear)(waveform, turns)
    for name, voice in (("Speaker 1", 2), ("Speaker 2", 0), ("Speaker 3", 1)):
        alone = hear(tone(voice, 1.6)[None].astype(np.float32))[0]
        assert np.linalg.norm(found.embeddings[name]) == pytest.approx(1, abs=1e-5)
        assert found.embeddings[name] @ alone > 0.999


def test_a_change_of_speaker_within_a_stretch_of_speech_is_found() -> None:
    waveform, turns = conversation(SCRIPT, pause=0)
    found = Diarizer(encoder=hear)(waveform, turns)
    edges = np.cumsum([0.0, *(seconds for _, seconds in SCRIPT)])
    scripted = [Turn(start, end) for start, end in pairwise(edges.tolist())]
    names = {2: "Speaker 1", 0: "Speaker 2", 1: "Speaker 3"}
    labelled = label_turns(scripted, found)
    assert [turn.speaker for turn in labelled] == [names[voice] for voice, _ in SCRIPT]
    # a window of tones around a change is as one of both at once: it lasts for 1.6 s
    alone = np.array([(turn.start, turn.end) for turn in found.turns if turn.mark is None])
    for change in edges[1:-1]:
        assert np.abs(alone[:, 0] - change).min() < 0.9
        assert np.abs(alone[:, 1] - change).min() < 0.9


def test_two_who_speak_at_once_both_have_a_turn_marked_as_overlap() -> None:
    waveform, turns = conversation([(0, 12.0), (1, 12.0), (0, 12.0), (1, 12.0)])
    both = ((tone(0, 5) + tone(1, 5)) * 32767).astype(np.int16)
    end = len(waveform) / 16_000
    found = Diarizer(encoder=hear)(np.concatenate([waveform, both]), [*turns, Turn(end, end + 5)])
    marked = [turn for turn in found.turns if turn.mark == "overlap"]
    assert {turn.speaker for turn in marked} == {"Speaker 1", "Speaker 2"}
    for name in ("Speaker 1", "Speaker 2"):
        own = [turn for turn in marked if turn.speaker == name]
        assert sum(turn.end - turn.start for turn in own) == pytest.approx(5, abs=0.5)
        assert min(turn.start for turn in own) >= end - 0.01
    assert len(found.embeddings) == 2


@given(st.permutations(range(len(SCRIPT))))
@settings(max_examples=8, deadline=None)
def test_the_order_of_the_given_turns_does_not_matter(order: list[int]) -> None:
    waveform, turns = conversation(SCRIPT)
    diarizer = Diarizer(encoder=hear)
    assert same(diarizer(waveform, turns), diarizer(waveform, [turns[i] for i in order]))


def test_a_waveform_in_a_file_gives_the_same(tmp_path: Path) -> None:
    waveform, turns = conversation(SCRIPT)
    waveform.tofile(tmp_path / "a.pcm")
    diarizer = Diarizer(encoder=hear)
    mapped = np.memmap(tmp_path / "a.pcm", np.int16, "r")
    assert same(diarizer(waveform, turns), diarizer(mapped, turns))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_number_that_is_given_is_found(count: int) -> None:
    waveform, turns = conversation(SCRIPT)
    found = Diarizer(speakers=count, encoder=hear)(waveform, turns)
    assert len(found.embeddings) == len(set(speakers(found))) == count


def test_more_speakers_than_voices_can_be_asked_for() -> None:
    waveform, turns = conversation([(0, 3.0)])
    assert len(Diarizer(speakers=4, encoder=hear)(waveform, turns).embeddings) == 1


def test_no_more_are_estimated_than_allowed() -> None:
    waveform, turns = conversation(SCRIPT)
    assert len(Diarizer(max_speakers=2, encoder=hear)(waveform, turns).embeddings) <= 2


def test_one_voice_is_one_speaker() -> None:
    waveform, turns = conversation([(1, 4.0), (1, 9.0), (1, 6.0)])
    found = Diarizer(encoder=hear)(waveform, turns)
    assert set(speakers(found)) == {"Speaker 1"}
    assert len(found.turns) == 1  # pauses of 0.4 s do not part the turns of one speaker


def test_where_there_is_no_speech_there_is_no_speaker() -> None:
    silence = np.zeros(16_000, np.int16)
    assert Diarizer(encoder=hear)(silence, []) == Diarization([], {})
    assert Diarizer(encoder=hear)(silence, [Turn(5.0, 6.0)]) == Diarization([], {})


def test_speech_that_is_short_is_marked() -> None:
    waveform, turns = conversation([(0, 8.0), (1, 8.0), (0, 0.3)], pause=1.0)
    assert [turn.mark for turn in Diarizer(encoder=hear)(waveform, turns).turns] == [
        *(None, None, "short")
    ]


def test_the_parts_of_a_long_recording_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    """With few segments compared at once the groups are those of all at once."""
    waveform, turns = conversation(SCRIPT * 3, pause=0.8)
    whole = Diarizer(encoder=hear)(waveform, turns)
    monkeypatch.setattr(clustering, "ITEMS", 12)
    assert same(whole, Diarizer(encoder=hear)(waveform, turns))


@pytest.mark.parametrize("wrong", [{"speakers": 0}, {"max_speakers": 51}, {"speakers": 51}])
def test_a_number_out_of_range_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(MienError, match="takes 1 to 50") as refused:
        Diarizer(encoder=hear, **wrong)
    assert refused.value.parameter == next(iter(wrong))
