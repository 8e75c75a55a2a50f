"""One class answers for files, clips in memory and prepared samples, however long."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from media_files import murmur, write_video
from samples import sample, tiny_run

from mien.errors import MienError
from mien.inference.prediction import Prediction
from mien.inference.recognizer import Recognizer
from mien.inference.segments import MAX_SEGMENT_SECONDS
from mien.media.decode import decode
from mien.runs.run import Run
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
    assert from_file.modalities == in_memory.modalities == ["text", "audio", "video"]
    assert from_file.faces == from_file.faces_found == 6
    assert scores(from_file) == pytest.approx(scores(in_memory), abs=1e-3)


@pytest.mark.parametrize("size", [48, 112])
def test_faces_are_cut_out_at_the_size_of_the_training_data(
    tmp_path: Path, tiny_text: Path, shared_data: Path, size: int
) -> None:
    run = tiny_run(tmp_path / "run", tiny_text)
    run.record_data(run.config.data.model_copy(update={"face_size": size}))
    recognizer = Recognizer(Run(run.folder), device="cpu")
    path = shared_data / "grid" / "brbk7n.mpg"
    clip = decode(Utterance(id="x", corpus="own", video=path, audio=path))
    for recording in (recognizer.read(path), recognizer.read(clip)):
        faces = recording.sample.faces
        assert faces is not None
        assert faces.shape == (6, size, size, 3)


@pytest.mark.slow
def test_a_face_is_found_in_95_of_100_frames_of_every_grid_clip(
    recognizer: Recognizer, shared_data: Path
) -> None:
    for path in sorted((shared_data / "grid").glob("*.mpg")):
        prediction = recognizer(path)
        assert prediction.faces_found >= 0.95 * prediction.faces > 0, path.name
        assert prediction.modalities == ["audio", "video"]
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
    assert max(s.end - s.start for s in prediction.segments) <= MAX_SEGMENT_SECONDS
    mean = np.mean([s.answers["person"].scores["a"] for s in prediction.segments])
    assert prediction.answers["person"].scores["a"] == pytest.approx(mean, abs=0.01)


def test_a_clip_is_the_mean_of_its_segments_by_their_length(
    recognizer: Recognizer, tmp_path: Path
) -> None:
    """Two cues of 1 and 3 s: the second counts three times as much."""
    sound = murmur(4 * 16_000)
    sound[16_000:] *= 0.1
    soundfile.write(tmp_path / "a.wav", sound, 16_000)
    cues = "00:00.000 --> 00:01.000\nI am glad.\n\n00:01.000 --> 00:04.000\nNo.\n"
    (tmp_path / "a.vtt").write_text(f"WEBVTT\n\n{cues}")
    prediction = recognizer(tmp_path / "a.wav", transcript=tmp_path / "a.vtt")
    first, second = (segment.answers["person"].scores for segment in prediction.segments)
    for label, score in prediction.answers["person"].scores.items():
        assert score == pytest.approx((first[label] + 3 * second[label]) / 4, abs=1e-5)
    assert abs(first["a"] - second["a"]) > 0.001  # or the weights would not matter


@pytest.mark.parametrize("frames", [60, 80, 89])
def test_a_video_lasts_as_long_as_its_last_frame_is_shown(
    recognizer: Recognizer, tmp_path: Path, frames: int
) -> None:
    path = write_video(tmp_path / "a.mp4", frames)
    prediction = recognizer(path, text="I am glad.")
    assert prediction.seconds == pytest.approx(frames / 30, abs=2e-3)
    assert prediction.segments[-1].end == prediction.seconds
    assert (prediction.modalities, prediction.faces_found) == (["text"], 0)
    assert prediction.faces == -(-frames // 15)


def test_sound_lasts_as_long_as_it_does(recognizer: Recognizer, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", murmur(round(3.12 * 16_000)), 16_000)
    prediction = recognizer(tmp_path / "a.wav")
    assert prediction.seconds == prediction.segments[0].end == 3.12
    assert prediction.warnings == []


def test_silence_is_not_answered(recognizer: Recognizer, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(4 * 16_000), 16_000)
    with pytest.raises(MienError, match=r"there is none \(audio: silent in the file"):
        recognizer(tmp_path / "a.wav")
    prediction = recognizer(tmp_path / "a.wav", text="I am glad.")
    assert (prediction.modalities, prediction.seconds) == (["text"], 4.0)
    assert prediction.warnings[0].startswith("audio: silent in the file")
    assert scores(prediction) == scores(recognizer(text="I am glad."))


def test_a_silent_part_of_a_clip_has_no_sound(recognizer: Recognizer, tmp_path: Path) -> None:
    sound = murmur(40 * 16_000)
    sound[: 14 * 16_000] = 0
    soundfile.write(tmp_path / "a.wav", sound, 16_000)
    prediction = recognizer(tmp_path / "a.wav")
    assert [round(s.start, 2) for s in prediction.segments] == [13.33, 26.67]
    assert prediction.warnings == [
        "no prediction from 0.0 to 13.3 s: this segment has nothing that the model uses"
    ]


def test_a_black_video_is_not_answered(recognizer: Recognizer, tmp_path: Path) -> None:
    black = write_video(tmp_path / "a.mp4", 90, picture=np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(MienError, match="no face was found in any of 6 frames"):
        recognizer(black)


def test_a_longer_clip_is_cut_with_a_note(tmp_path: Path, tiny_text: Path) -> None:
    recognizer = Recognizer(tiny_run(tmp_path / "run", tiny_text), "cpu", max_seconds=2)
    soundfile.write(tmp_path / "a.wav", murmur(5 * 16_000), 16_000)
    prediction = recognizer(tmp_path / "a.wav")
    assert prediction.seconds == 2.0
    assert prediction.warnings == ["longer than 2 s: only its beginning is used"]


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
    with pytest.raises(MienError, match="text or audio or faces, and there is none"):
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
    assert str(nothing) == f"no label above its threshold {highest}"


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


def test_cues_are_cut_to_the_clip_and_name_who_speaks(
    recognizer: Recognizer, tmp_path: Path
) -> None:
    clip, transcript = tmp_path / "a.wav", tmp_path / "a.srt"
    soundfile.write(clip, murmur(3 * 16_000), 16_000)
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
