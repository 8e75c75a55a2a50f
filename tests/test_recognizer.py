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


def test_thresholds_of_the_run_decide_and_the_most_likely_label_is_with_them(
    recognizer: Recognizer, monkeypatch
) -> None:
    monkeypatch.setitem(recognizer.thresholds, "emotion", [0.0, 1.0, 1.0])
    answers = recognizer(text="I am here").answers
    emotion = answers["emotion"]
    best = max(emotion.scores, key=emotion.scores.__getitem__)
    assert best != "happy"
    assert emotion.above_threshold == ["happy"]
    assert emotion.decision == ["happy", best]
    assert len(answers["person"].decision) == 1
    assert answers["person"].above_threshold is None
    monkeypatch.setitem(recognizer.thresholds, "emotion", [1.0, 1.0, 1.0])
    nothing = recognizer(text="I am here").answers["emotion"]
    assert (nothing.decision, nothing.above_threshold) == ([], [])
    highest = f"(highest: {best} {emotion.scores[best]:.2f})"
    assert str(nothing) == f"none above its threshold {highest}"


def test_a_run_whose_training_had_one_label_each_answers_with_the_most_likely(
    tmp_path: Path, tiny_text: Path
) -> None:
    run = tiny_run(tmp_path / "run", tiny_text)
    emotion, person = run.config.tasks
    single = emotion.model_copy(update={"single_label": True})
    run.config = run.config.model_copy(update={"tasks": (single, person)})
    run.write("thresholds.json", {"emotion": {"happy": 0.0, "sad": 1.0, "angry": 1.0}})
    answer = Recognizer(run, device="cpu")(text="I am here").answers["emotion"]
    best = max(answer.scores, key=answer.scores.__getitem__)
    assert best != "happy"
    assert (answer.decision, answer.above_threshold) == ([best], ["happy"])


def test_scores_that_are_no_numbers_are_no_answer(recognizer: Recognizer, monkeypatch) -> None:
    forward = recognizer.model.forward

    def broken(batch):
        output = forward(batch)
        output.logits["person"][:] = float("inf")
        return output

    monkeypatch.setattr(recognizer.model, "forward", broken)
    with pytest.raises(MienError, match="scores are not finite numbers"):
        recognizer(text="I am here")
