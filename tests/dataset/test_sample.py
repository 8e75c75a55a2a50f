import numpy as np
import pytest
import soundfile
from media_files import truncate, write_video

from mien.dataset.sample import to_sample, to_samples
from mien.media.faces import FaceCropper
from mien.utterance import Sample, Skipped, Utterance


@pytest.fixture(scope="module")
def cropper() -> FaceCropper:
    return FaceCropper()


def utterance(id: str = "a", **fields) -> Utterance:
    return Utterance(id=id, corpus="synthetic", synthetic=True, **fields)


def write_noise(path, seconds: float, channels: int = 1):
    noise = np.random.default_rng(0).normal(0, 0.1, (round(16_000 * seconds), channels))
    soundfile.write(path, noise, 16_000)
    return path


def test_a_real_clip(cropper, shared_data):
    path = shared_data / "grid" / "swiz3n.mpg"
    sample, skipped = to_sample(utterance(video=path, audio=path, text="set white"), cropper)
    assert skipped == []
    assert sample.modalities == "tav"
    assert sample.faces.shape == (6, 48, 48, 3)
    assert sample.faces.dtype == np.uint8
    assert sample.face_times.tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert sample.face_times.dtype == np.float32
    assert sample.face_found.tolist() == [True] * 6
    assert sample.waveform.dtype == np.int16
    assert len(sample.waveform) == pytest.approx(2.98 * 16_000, abs=400)


def test_the_turns_of_one_recording_are_the_same_together_and_alone(cropper, tmp_path):
    sound = np.random.default_rng(0).normal(0, 0.1, 64_000)
    video = write_video(tmp_path / "a.mkv", 120, codec="ffv1", sound=sound)
    stereo = write_noise(tmp_path / "a.wav", 4, channels=2)
    turns = [
        utterance("0", video=video, audio=stereo, audio_channel=1, start=2.5, end=3.9),
        utterance("1", video=video, audio=stereo, audio_channel=0, start=0.1, end=1.7),
        utterance("2", video=video, audio=video, start=1.2, video_side="right"),
        utterance("3", audio=stereo, audio_channel=1, start=-1.0, end=1.0),
        utterance("4", text="hm"),
        utterance("5", video=video, start=0.3, end=0.9, video_side="left"),
    ]
    together = list(to_samples(turns, cropper))
    assert [item.utterance.id for item in together] == list("012345")
    assert [item.modalities for item in together] == ["av", "av", "av", "a", "t", "v"]
    for turn, sample in zip(turns, together, strict=True):
        alone, skipped = to_sample(turn, cropper)
        assert skipped == []
        for part in ("faces", "face_times", "face_found", "waveform"):
            np.testing.assert_array_equal(getattr(sample, part), getattr(alone, part))
    assert len(together[0].waveform) == round(1.4 * 16_000)
    assert len(together[3].waveform) == 16_000


def test_a_bad_video_costs_only_the_pictures(cropper, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"no video" * 100)
    sound = write_noise(tmp_path / "a.wav", 1)
    sample, skipped = to_sample(utterance(video=tmp_path / "bad.mp4", audio=sound), cropper)
    assert sample.modalities == "a"
    (note,) = skipped
    assert note.id == "a"
    assert note.reason.startswith("video: cannot be read as a media file")
    assert note.source == str(tmp_path / "bad.mp4")


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(1 / 16_000, "audio: only 1 sample in the file"), (399 / 16_000, "audio: only 399 samples")],
)
def test_sound_too_short_to_analyse_is_absent(cropper, tmp_path, seconds, reason):
    path = write_noise(tmp_path / "a.wav", seconds)
    sample, skipped = to_sample(utterance(audio=path, text="yes"), cropper)
    assert sample.modalities == "t"
    assert sample.waveform is None
    assert skipped[0].reason.startswith(reason)
    nothing, skipped = to_sample(utterance(audio=path), cropper)
    assert nothing is None
    assert [note.reason for note in skipped][1:] == ["no words, sound or picture"]


def test_silence_is_sound(cropper, tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(400), 16_000)
    sample, skipped = to_sample(utterance(audio=tmp_path / "a.wav"), cropper)
    assert (sample.modalities, len(sample.waveform), skipped) == ("a", 400, [])


def test_a_video_without_sound_or_a_sound_without_picture(cropper, tmp_path):
    video = write_video(tmp_path / "mute.mkv", 30, codec="ffv1")
    sample, skipped = to_sample(utterance(video=video, audio=video), cropper)
    assert (sample.modalities, skipped[0].reason) == ("v", "audio: holds no sound")
    sound = write_noise(tmp_path / "a.wav", 1)
    sample, skipped = to_sample(utterance(video=sound, audio=sound), cropper)
    assert (sample.modalities, skipped[0].reason) == ("a", "video: holds no picture")


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_nothing_at_all(cropper, text):
    assert to_sample(utterance(text=text), cropper) == (
        None,
        [Skipped("a", "no words, sound or picture")],
    )


def test_a_turn_after_the_end_of_the_recording(cropper, tmp_path):
    sound = np.random.default_rng(0).normal(0, 0.1, 32_000)
    path = write_video(tmp_path / "a.mkv", 60, codec="ffv1", sound=sound)
    turns = [
        utterance("in", video=path, audio=path, start=0.5, end=1.5),
        utterance("out", video=path, audio=path, start=7.25, end=9, text="bye"),
        utterance("backwards", video=path, audio=path, start=1.5, end=0.5, text="bye"),
    ]
    items = list(to_samples(turns, cropper))
    samples = [item for item in items if isinstance(item, Sample)]
    assert [s.modalities for s in samples] == ["av", "t", "t"]
    assert [(n.id, n.reason) for n in items if isinstance(n, Skipped)] == [
        ("out", "video: no picture from 7.25 s to 9 s"),
        ("out", "audio: only 0 samples from 7.25 s to 9 s"),
        ("backwards", "video: no picture from 1.5 s to 0.5 s"),
        ("backwards", "audio: only 0 samples from 1.5 s to 0.5 s"),
    ]


def test_damage_is_noted_with_the_turns_it_reaches(cropper, tmp_path):
    path = truncate(write_video(tmp_path / "a.mkv", 120, codec="ffv1"), 0.6)
    turns = [
        utterance("before", video=path, start=0, end=1),
        utterance("across", video=path, start=1.5, end=4),
        utterance("after", video=path, start=3, end=4, text="bye"),
    ]
    items = list(to_samples(turns, cropper))
    samples = {item.utterance.id: item for item in items if isinstance(item, Sample)}
    assert samples["before"].face_times.tolist() == [0, 0.5]
    assert samples["across"].face_times.tolist() == [1.5, 2]
    assert samples["after"].faces is None
    notes = {item.id: item.reason for item in items if isinstance(item, Skipped)}
    assert sorted(notes) == ["across", "after"]
    assert notes["across"].startswith("video: damaged at 2.")
    assert notes["after"] == "video: no picture from 3 s to 4 s"
