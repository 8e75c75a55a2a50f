from dataclasses import replace

import numpy as np
import pytest
import soundfile
from media_files import murmur, truncate, write_video

from mien.dataset.sample import from_clip, to_sample, to_samples
from mien.dataset.turn_media import DecodeOptions
from mien.media.faces import Face, FaceCropper
from mien.utterance import Clip, Sample, Skipped, Utterance


@pytest.fixture(scope="module")
def cropper() -> FaceCropper:
    return FaceCropper()


def utterance(id: str = "a", **fields) -> Utterance:
    return Utterance(id=id, corpus="synthetic", synthetic=True, **fields)


def write_noise(path, seconds: float, channels: int = 1):
    soundfile.write(path, murmur(round(16_000 * seconds), channels), 16_000)
    return path


CENTRE = DecodeOptions(no_face="centre")


def test_a_real_clip(cropper, shared_data):
    path = shared_data / "grid" / "swiz3n.mpg"
    sample, skipped = to_sample(utterance(video=path, audio=path, text="set white"), cropper)
    assert skipped == []
    assert sample.modalities == "tav"
    assert sample.faces.shape == (6, 112, 112, 3)
    assert sample.faces.dtype == np.uint8
    assert sample.face_times.tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert sample.face_times.dtype == np.float32
    assert sample.face_found.tolist() == [True] * 6
    assert sample.waveform.dtype == np.int16
    assert len(sample.waveform) == pytest.approx(2.98 * 16_000, abs=400)


def test_the_turns_of_one_recording_are_the_same_together_and_alone(cropper, tmp_path):
    sound = murmur(64_000)[:, 0]
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
    together = list(to_samples(turns, cropper, CENTRE))
    assert [item.utterance.id for item in together] == list("012345")
    assert [item.modalities for item in together] == ["av", "av", "av", "a", "t", "v"]
    for turn, sample in zip(turns, together, strict=True):
        alone, skipped = to_sample(turn, cropper, CENTRE)
        assert skipped == []
        assert sample.seconds == alone.seconds
        for part in ("frame_times", "faces", "face_times", "face_found", "waveform"):
            np.testing.assert_array_equal(getattr(sample, part), getattr(alone, part))
    assert len(together[0].waveform) == round(1.4 * 16_000)
    assert len(together[3].waveform) == 16_000


def test_a_bad_video_costs_only_the_frames(cropper, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"no video" * 100)
    sound = write_noise(tmp_path / "a.wav", 1)
    sample, skipped = to_sample(utterance(video=tmp_path / "bad.mp4", audio=sound), cropper)
    assert skipped[0].kind == "video: unreadable"
    assert sample.modalities == "a"
    (note,) = skipped
    assert note.id == "a"
    assert note.reason.startswith("video: cannot be read as a media file")
    assert note.source == str(tmp_path / "bad.mp4")


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(1 / 16_000, "audio: only 1 sample in the file"), (399 / 16_000, "audio: only 399 samples")],
)
def test_audio_too_short_to_analyse_is_absent(cropper, tmp_path, seconds, reason):
    path = write_noise(tmp_path / "a.wav", seconds)
    sample, skipped = to_sample(utterance(audio=path, text="yes"), cropper)
    assert sample.modalities == "t"
    assert sample.waveform is None
    assert skipped[0].reason.startswith(reason)
    nothing, skipped = to_sample(utterance(audio=path), cropper)
    assert nothing is None
    assert [note.reason for note in skipped][1:] == ["no text, audio or video"]


SILENCES = {
    "digital silence": np.zeros(16_000),
    "an offset": np.full(16_000, 0.3),
    "a click": np.eye(1, 16_000, 8_000)[0],
    "rounding noise": np.random.default_rng(0).normal(0, 3e-5, 16_000),
    "faint hiss": np.random.default_rng(0).normal(0, 1e-3, 16_000),
    "a faint hum": 1e-3 * np.sin(np.arange(16_000) * 2 * np.pi * 50 / 16_000),
}


@pytest.mark.parametrize("sound", SILENCES.values(), ids=SILENCES)
def test_silence_is_no_audio(cropper, tmp_path, sound):
    soundfile.write(tmp_path / "a.wav", sound, 16_000)
    sample, skipped = to_sample(utterance(audio=tmp_path / "a.wav", text="hm"), cropper)
    assert (sample.modalities, sample.waveform, sample.seconds) == ("t", None, 1.0)
    assert [note.kind for note in skipped] == ["audio: silent"]
    assert skipped[0].reason.startswith("audio: silent in the file: nothing is louder than ")


def test_steady_audio_is_noted_and_kept(cropper, tmp_path):
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
    sample, skipped = to_sample(utterance(audio=tmp_path / "a.wav"), cropper)
    assert (sample.modalities, len(sample.waveform)) == ("a", 16_000)
    assert [note.kind for note in skipped] == ["note: steady audio"]


def test_a_faint_voice_is_audio(cropper, shared_data, tmp_path):
    """The faintest clip of RAVDESS, of an actor who whispers."""
    path = shared_data / "ravdess" / "03-01-02-01-01-01-19.flac"
    sample, skipped = to_sample(utterance(audio=path), cropper)
    assert (sample.modalities, skipped) == ("a", [])


def test_a_video_without_a_face_is_no_video(cropper, tmp_path):
    path = write_video(tmp_path / "a.mkv", 60, codec="ffv1")
    sample, skipped = to_sample(utterance(video=path, text="hm"), cropper)
    assert (sample.modalities, sample.faces) == ("t", None)
    assert sample.frame_times.tolist() == [0, 0.5, 1, 1.5]
    assert sample.seconds == pytest.approx(2.0, abs=1e-3)
    assert [(note.kind, note.reason) for note in skipped] == [
        ("video: no face found", "video: no face was found in any of 4 frames")
    ]
    sample, skipped = to_sample(utterance(video=path, text="hm"), cropper, CENTRE)
    assert (sample.modalities, len(sample.faces), skipped) == ("tv", 4, [])
    assert not sample.face_found.any()


class Sometimes:
    """A detector that sees a face in bright pictures, and counts how often it looks."""

    def __init__(self):
        self.looked = 0

    def crop(self, frame, size):
        self.looked += 1
        face = np.full((size, size, 3), frame[0, 0, 0])
        return Face(pixels=face, found=bool(frame[0, 0, 0] > 100), box=None)


def test_frames_without_a_face_are_left_out_among_others(tmp_path):
    path = write_video(tmp_path / "a.mkv", 60, codec="ffv1")
    sample, skipped = to_sample(utterance(video=path), Sometimes())
    assert skipped == []
    assert sample.frame_times.tolist() == [0, 0.5, 1, 1.5]
    assert sample.face_times.tolist() == [1, 1.5]
    assert sample.face_found.tolist() == [True, True]
    assert sample.faces[:, 0, 0, 0].tolist() == pytest.approx([120, 180], abs=3)


def test_frames_that_look_the_same_are_searched_once(tmp_path):
    still = np.full((48, 64, 3), 200, np.uint8)
    path = write_video(tmp_path / "a.mkv", 90, codec="ffv1", picture=still)
    detector = Sometimes()
    sample, _ = to_sample(utterance(video=path), detector)
    assert (len(sample.faces), detector.looked) == (6, 1)


def test_a_clip_in_memory_is_treated_as_a_file_is(cropper):
    black = Clip(frames=np.zeros((3, 48, 64, 3), np.uint8), waveform=np.zeros(16_000), rate=16_000)
    sample, skipped = from_clip(black, cropper)
    assert (sample.modalities, sample.seconds) == ("", 1.5)
    assert [item.kind for item in skipped] == ["video: no face found", "audio: silent"]
    assert [item.reason for item in skipped] == [
        "video: no face was found in any of 3 frames",
        "audio: silent in the clip: nothing is louder than 96 dB below full scale",
    ]
    sample, skipped = from_clip(replace(black, waveform=murmur(8_000)[:, 0]), cropper, CENTRE)
    assert (sample.modalities, skipped) == ("av", [])


@pytest.mark.parametrize(("end", "kinds"), [(3.4, []), (1500, ["note: ends after its recording"])])
def test_an_end_after_the_recording_is_noted(cropper, tmp_path, end, kinds):
    path = write_noise(tmp_path / "a.wav", 3)
    sample, skipped = to_sample(utterance(audio=path, start=1, end=end), cropper)
    assert (sample.seconds, [note.kind for note in skipped]) == (2.0, kinds)
    if kinds:
        assert skipped[0].reason == "should end at 1500 s, but its recording ends at 3.00 s"


@pytest.mark.parametrize("end", [None, 50.0])
def test_what_is_longer_than_the_limit_is_cut_with_a_note(cropper, tmp_path, end):
    sound = murmur(5 * 16_000)[:, 0]
    path = write_video(tmp_path / "a.mkv", 150, codec="ffv1", sound=sound)
    turn = utterance(video=path, audio=path, start=1.0, end=end)
    sample, skipped = to_sample(turn, cropper, DecodeOptions(no_face="centre", max_seconds=2))
    assert (len(sample.waveform), sample.seconds) == (32_000, 2.0)
    assert sample.face_times.tolist() == [1, 1.5, 2, 2.5]
    assert [(note.kind, note.reason) for note in skipped] == [
        ("note: longer than the limit", "longer than 2 s: only its beginning is used")
    ]


def test_a_video_without_audio_or_audio_without_video(cropper, tmp_path):
    video = write_video(tmp_path / "mute.mkv", 30, codec="ffv1")
    sample, skipped = to_sample(utterance(video=video, audio=video), cropper, CENTRE)
    assert (sample.modalities, skipped[0].reason) == ("v", "audio: holds no audio")
    assert skipped[0].kind == "audio: no such track"
    sound = write_noise(tmp_path / "a.wav", 1)
    sample, skipped = to_sample(utterance(video=sound, audio=sound), cropper)
    assert (sample.modalities, skipped[0].reason) == ("a", "video: holds no video")


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_nothing_at_all(cropper, text):
    assert to_sample(utterance(text=text), cropper) == (
        None,
        [Skipped("a", "no text, audio or video", kind="no text, audio or video")],
    )


def test_a_turn_after_the_end_of_the_recording(cropper, tmp_path):
    sound = murmur(32_000)[:, 0]
    path = write_video(tmp_path / "a.mkv", 60, codec="ffv1", sound=sound)
    turns = [
        utterance("in", video=path, audio=path, start=0.5, end=1.5),
        utterance("out", video=path, audio=path, start=7.25, end=9, text="bye"),
        utterance("backwards", video=path, audio=path, start=1.5, end=0.5, text="bye"),
    ]
    items = list(to_samples(turns, cropper, CENTRE))
    samples = [item for item in items if isinstance(item, Sample)]
    assert [s.modalities for s in samples] == ["av", "t", "t"]
    assert [(n.id, n.reason) for n in items if isinstance(n, Skipped)] == [
        ("out", "video: no frame from 7.25 s to 9 s"),
        ("out", "audio: only 0 samples from 7.25 s to 9 s"),
        ("backwards", "video: no frame from 1.5 s to 0.5 s"),
        ("backwards", "audio: only 0 samples from 1.5 s to 0.5 s"),
    ]


def test_damage_is_noted_with_the_turns_it_reaches(cropper, tmp_path):
    path = truncate(write_video(tmp_path / "a.mkv", 120, codec="ffv1"), 0.6)
    turns = [
        utterance("before", video=path, start=0, end=1),
        utterance("across", video=path, start=1.5, end=4),
        utterance("after", video=path, start=3, end=4, text="bye"),
    ]
    items = list(to_samples(turns, cropper, CENTRE))
    samples = {item.utterance.id: item for item in items if isinstance(item, Sample)}
    assert samples["before"].face_times.tolist() == [0, 0.5]
    assert samples["across"].face_times.tolist() == [1.5, 2]
    assert samples["after"].faces is None
    notes = {item.id: item.reason for item in items if isinstance(item, Skipped)}
    assert sorted(notes) == ["across", "after"]
    assert notes["across"].startswith("video: damaged at 2.")
    assert notes["after"] == "video: no frame from 3 s to 4 s"
