"""One class answers for files, clips in memory and prepared samples, however long."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from samples import sample, tiny_run

from mien.errors import MienError
from mien.media.decode import decode
from mien.prediction import Prediction
from mien.recognizer import LONGEST, Recognizer
from mien.utterance import Clip, Utterance


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory, tiny_text: Path) -> Recognizer:
    run = tiny_run(tmp_path_factory.mktemp("recognizer") / "run", tiny_text)
    return Recognizer(run, device="cpu")


def scores(prediction: Prediction) -> list[float]:
    return [s for answer in prediction.answers.values() for s in answer.scores.values()]


def test_a_file_and_the_same_clip_in_memory_give_the_same(
    recognizer: Recognizer, shared_data: Path
) -> None:
    path = shared_data / "grid" / "brbk7n.mpg"
    from_file = recognizer(path, text="bin red by k seven now")
    clip = decode(Utterance(id="x", corpus="own", video=path, audio=path))
    in_memory = recognizer(replace(clip, text="bin red by k seven now"))
    assert from_file.modalities == in_memory.modalities == "tav"
    assert from_file.faces == from_file.faces_found == 6
    assert scores(from_file) == pytest.approx(scores(in_memory), abs=1e-3)


@pytest.mark.slow
def test_a_face_is_found_in_95_of_100_frames_of_every_grid_clip(
    recognizer: Recognizer, shared_data: Path
) -> None:
    for path in sorted((shared_data / "grid").glob("*.mpg")):
        prediction = recognizer(path)
        assert prediction.faces_found >= 0.95 * prediction.faces > 0, path.name
        assert prediction.modalities == "av"
        assert np.isfinite(scores(prediction)).all()


def test_a_clip_at_another_rate_is_resampled(recognizer: Recognizer) -> None:
    time = np.arange(48_000) / 48_000
    fast = Clip(waveform=np.sin(2 * np.pi * 300 * time).astype(np.float32) / 2, rate=48_000)
    slow = Clip(waveform=fast.waveform[::3], rate=16_000)
    assert recognizer(fast).seconds == recognizer(slow).seconds == 1.0
    assert scores(recognizer(fast)) == pytest.approx(scores(recognizer(slow)), abs=0.02)


def test_a_long_clip_is_answered_by_segments_that_cover_it(
    recognizer: Recognizer, tmp_path: Path
) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 40 * 16_000), 16_000)
    prediction = recognizer(path)
    assert len(prediction.segments) == 3
    edges = [0.0, *(segment.end for segment in prediction.segments)]
    assert [segment.start for segment in prediction.segments] == edges[:-1]
    assert edges[-1] == prediction.seconds == 40.0
    assert max(s.end - s.start for s in prediction.segments) <= LONGEST
    mean = np.mean([s.answers["person"].scores["a"] for s in prediction.segments])
    assert prediction.answers["person"].scores["a"] == pytest.approx(mean, abs=0.01)


def test_a_turn_within_a_recording_keeps_its_faces(recognizer: Recognizer) -> None:
    turn = sample(3, faces=4)
    late = replace(
        turn,
        utterance=replace(turn.utterance, start=100.0, end=102.0),
        face_times=turn.face_times + 100,
    )
    assert recognizer(late).faces == recognizer(turn).faces == 4
    assert scores(recognizer(late)) == pytest.approx(scores(recognizer(turn)), abs=1e-6)


def test_what_there_is_none_of_is_said(recognizer: Recognizer, tmp_path: Path) -> None:
    with pytest.raises(MienError, match="words or pictures or sound, and there is none"):
        recognizer()
    with pytest.raises(MienError, match="does not exist"):
        recognizer(tmp_path / "gone.wav")
    with pytest.raises(MienError, match="not both"):
        recognizer(text="a", transcript=tmp_path / "a.txt")


def test_thresholds_of_the_run_decide(recognizer: Recognizer) -> None:
    recognizer.thresholds["emotion"] = [0.0, 0.0, 1.0]
    answer = recognizer(text="I am here").answers
    assert answer["emotion"].decision == ["happy", "sad"]
    assert len(answer["person"].decision) == 1


def test_cues_are_cut_to_the_clip_and_name_who_speaks(
    recognizer: Recognizer, tmp_path: Path
) -> None:
    clip, transcript = tmp_path / "a.wav", tmp_path / "a.srt"
    soundfile.write(clip, np.random.default_rng(0).normal(0, 0.1, 3 * 16_000), 16_000)
    cues = {
        "00:00:00,000 --> 00:00:01,000": "ANNA: I am here",
        "00:00:01,000 --> 01:00:00,000": "you",
    }
    late = {"00:00:03,500 --> 00:00:04,000": "never said"}
    transcript.write_text("\n\n".join(f"{times}\n{words}" for times, words in cues.items()))
    prediction = recognizer(clip, transcript=transcript)
    assert [(s.start, s.end, s.text, s.speaker) for s in prediction.segments] == [
        (0.0, 1.0, "I am here", "ANNA"),
        (1.0, 3.0, "you", None),
    ]
    assert prediction.warnings == []
    text = "\n\n".join(f"{times}\n{words}" for times, words in (cues | late).items())
    transcript.write_text(text)
    noted = recognizer(clip, transcript=transcript)
    assert noted.warnings == [
        "1 of 3 cues of the transcript begin after the clip's end, at 3 s, and are left out"
    ]
    assert scores(noted) == scores(prediction)


def test_a_transcript_of_another_clip_is_refused(recognizer: Recognizer, shared_data: Path) -> None:
    odd = shared_data / "odd"
    with pytest.raises(MienError, match="not the transcript of this clip"):
        recognizer(odd / "voice.wav", transcript=odd / "starts_after_the_clip.srt")
    segments = recognizer(odd / "voice.wav", transcript=odd / "youtube_auto.vtt").segments
    assert [segment.text for segment in segments] == ["hello there", "my friend"]
    assert [segment.end for segment in segments] == [2.0, 3.0]
