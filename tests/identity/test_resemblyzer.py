"""The pretrained speaker encoder gives its authors' numbers."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from voices import voice

from mien.errors import MienError
from mien.identity.resemblyzer import Voiceprint
from mien.models.speaker_mel import speaker_mel, speaker_windows

GOLDEN = json.loads(Path(__file__).with_name("voiceprint.json").read_text())


@pytest.fixture(scope="module")
def voiceprint(voice_weights: None) -> Voiceprint:
    return Voiceprint("cpu")


def test_the_mel_spectrogram_is_librosas() -> None:
    mel = speaker_mel(torch.from_numpy(voice(2.0, 0.2)))
    assert list(mel.shape) == GOLDEN["mel"]["shape"]
    for column, expected in GOLDEN["mel"]["columns"].items():
        assert mel[int(column)].tolist() == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("sound", GOLDEN["embeddings"])
def test_the_embeddings_are_resemblyzers(voiceprint: Voiceprint, sound: str) -> None:
    seconds, level = map(float, sound.split())
    found = voiceprint(voice(seconds, level))
    assert found.dtype == np.float32
    assert found.tolist() == pytest.approx(GOLDEN["embeddings"][sound], abs=1e-4)


def test_samples_of_both_kinds_give_the_same_voice(voiceprint: Voiceprint) -> None:
    sound = voice(2.0, 0.2)
    whole = np.rint(sound * 32768).astype(np.int16)
    assert voiceprint(whole) @ voiceprint(sound) == pytest.approx(1, abs=1e-3)


def test_silence_has_a_voiceprint_too(voiceprint: Voiceprint) -> None:
    found = voiceprint(np.zeros(16_000, np.int16))
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)


def test_too_little_sound_is_told(voiceprint: Voiceprint) -> None:
    with pytest.raises(MienError, match="399 samples are too few"):
        voiceprint(np.zeros(399, np.float32))


def test_a_file_has_the_voiceprint_of_its_sound(voiceprint: Voiceprint, tmp_path: Path) -> None:
    sound, path = voice(2.0, 0.2), tmp_path / "voice.flac"
    soundfile.write(path, sound, 16_000)
    assert voiceprint.embed(path) @ voiceprint(sound) == pytest.approx(1, abs=1e-3)
    soundfile.write(path, sound[:200], 16_000)
    with pytest.raises(MienError, match=r"voice\.flac: 200 samples are too few"):
        voiceprint.embed(path)
    with pytest.raises(MienError, match="gone"):
        voiceprint.embed(tmp_path / "gone.flac")


@pytest.mark.parametrize("level", [0, 3])
def test_a_file_without_a_voice_has_none(
    voiceprint: Voiceprint, tmp_path: Path, level: int
) -> None:
    path = tmp_path / "silent.wav"
    noise = level * np.random.default_rng(0).standard_normal(16_000)
    soundfile.write(path, noise.astype(np.int16), 16_000)
    with pytest.raises(MienError, match=r"silent\.wav: is silent"):
        voiceprint.embed(path)
    soundfile.write(path, 0.003 * voice(2.0, 0.2), 16_000)
    assert np.linalg.norm(voiceprint.embed(path)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("samples", "windows"), [(400, 1), (25_600, 1), (25_760, 1), (31_519, 1), (31_520, 2)]
)
def test_the_last_window_counts_if_most_of_it_is_sound(samples: int, windows: int) -> None:
    assert len(speaker_windows(torch.rand(samples) - 0.5)) == windows


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resemblyzer", None)
    with pytest.raises(MienError, match="pip install --no-deps resemblyzer"):
        Voiceprint("cpu")


def test_damaged_weights_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "pretrained.pt"
    path.write_bytes(b"nothing of the kind")
    monkeypatch.setattr("mien.models.pretrained.voice.packaged_file", lambda: path)
    with pytest.raises(MienError, match="cannot be read"):
        Voiceprint("cpu")
    torch.save({"model_state": {"linear.bias": torch.zeros(256)}}, path)
    with pytest.raises(MienError, match="cannot be read"):
        Voiceprint("cpu")
