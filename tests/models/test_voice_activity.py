"""Speech is told from noise, hums and silence, and from itself it takes nothing away."""

from pathlib import Path

import numpy as np
import pytest
import torch
from media_files import murmur

from mien.audio_effects import add_noise, from_int16, to_int16, white
from mien.errors import MienError
from mien.media.decode import read_audio
from mien.models.pretrained.voice_activity import FRAME_SAMPLES, VoiceActivity
from mien.models.pretrained.weights import Package


@pytest.fixture(scope="module")
def activity() -> VoiceActivity:
    return VoiceActivity()


@pytest.mark.parametrize("length", [0, 1, 511, 512, 513, 16_000])
def test_there_is_a_probability_for_each_frame(activity: VoiceActivity, length: int) -> None:
    found = activity(torch.zeros(length))
    assert found.shape == (-(-length // FRAME_SAMPLES),)
    assert ((found >= 0) & (found <= 1)).all()


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(48_000),
        np.random.default_rng(0).normal(0, 0.1, 48_000),
        np.sin(np.arange(48_000) / 10) / 4,
        np.sin(np.arange(48_000) * 2 * np.pi * 50 / 16_000) / 4,
        murmur(48_000)[:, 0],
    ],
    ids=["silence", "hiss", "a tone", "mains hum", "noise like syllables"],
)
def test_what_is_no_speech_has_none(activity: VoiceActivity, sound: np.ndarray) -> None:
    assert activity.seconds(to_int16(sound)) < 0.1


def test_a_sentence_is_found_also_in_noise(activity: VoiceActivity, shared_data) -> None:
    for path in sorted((shared_data / "ravdess").glob("03-01-0[1-8]-01-01-01-1*.flac"))[::10]:
        sound = read_audio(path)
        found = activity.seconds(sound)
        assert 1 < found < len(sound) / 16_000 - 1, path.name  # a second of pauses around it
        noise = white(len(sound), np.random.default_rng(0))
        mixed = to_int16(add_noise(from_int16(sound), noise, 5))
        assert activity.seconds(mixed) == pytest.approx(found, abs=0.4), path.name


def test_what_comes_later_does_not_change_what_was_said(
    activity: VoiceActivity, shared_data
) -> None:
    path = next((shared_data / "ravdess").glob("03-01-05-*.flac"))
    sound = torch.from_numpy(from_int16(read_audio(path)))
    whole, begun = activity(sound), activity(sound[: 40 * FRAME_SAMPLES])
    assert torch.allclose(whole[:40], begun, atol=1e-5)


@pytest.mark.parametrize("block", [1, 7, 100])
def test_block_by_block_the_numbers_are_those_of_the_whole(
    activity: VoiceActivity, shared_data, block: int
) -> None:
    path = next((shared_data / "ravdess").glob("03-01-05-*.flac"))
    sound = read_audio(path)
    for length in (len(sound), 7 * FRAME_SAMPLES, 7 * FRAME_SAMPLES + 1, 100):
        whole = activity(torch.from_numpy(from_int16(sound[:length])))
        found = activity.probabilities(sound[:length], block)
        assert found.dtype == np.float32
        assert np.abs(found - whole.numpy()).max() < 1e-5, length
    assert activity.probabilities(np.zeros(0, np.int16)).shape == (0,)


def test_a_recording_may_lie_in_a_file(
    activity: VoiceActivity, shared_data, tmp_path: Path
) -> None:
    sound = read_audio(next((shared_data / "ravdess").glob("03-01-05-*.flac")))
    sound.tofile(tmp_path / "a.pcm")
    mapped = np.memmap(tmp_path / "a.pcm", np.int16, "r")
    assert np.array_equal(activity.probabilities(mapped, 20), activity.probabilities(sound, 20))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Package, "find", lambda package: None)
    with pytest.raises(MienError, match="pip install --no-deps silero-vad==6"):
        VoiceActivity()
