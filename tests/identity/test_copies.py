"""Augmented copies of clips keep the voice, differ from one another, and are always the same."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from samples import tiny_run
from voices import voice

from mien.errors import MienError
from mien.identity.copies import copies_of
from mien.identity.embedder import CopyEncoder, RunEncoder
from mien.identity.resemblyzer import Voiceprint


def sound(pitch: float = 120.0) -> np.ndarray:
    return np.rint(32768 * voice(3.0, 0.2, pitch)).astype(np.int16)


def test_copies_are_always_the_same_and_all_different() -> None:
    first = list(copies_of(sound(), 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, copies_of(sound(), 4), strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(first, copies_of(sound(), 2), strict=False))
    assert {copy.shape for copy in first} == {sound().shape}, "at the same speed"
    assert len({copy.tobytes() for copy in (*first, sound())}) == 5
    other = list(copies_of(sound(121), 4))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.fixture(scope="module")
def voiceprint(voice_weights: None) -> Voiceprint:
    return Voiceprint("cpu")


def test_copies_are_nearer_to_their_voice_than_to_another(
    voiceprint: Voiceprint, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "a.wav", sound(), 16_000)
    assert isinstance(voiceprint, CopyEncoder)
    copies = voiceprint.embed_copies(tmp_path / "a.wav", 3)
    assert copies.shape == (3, 256)
    expected = np.stack([voiceprint(copy) for copy in copies_of(sound(), 3)])
    assert copies == pytest.approx(expected, abs=1e-6)
    own, other = voiceprint(sound()), voiceprint(sound(240))
    assert (copies @ own).mean() > (copies @ other).mean() + 0.05
    assert (copies @ own < 0.999).all()


def test_a_run_embeds_copies_of_the_audio(tmp_path: Path, tiny_text: Path) -> None:
    soundfile.write(tmp_path / "a.wav", sound(), 16_000)
    audio = RunEncoder(tiny_run(tmp_path / "a", tiny_text, modalities="ta").folder, "cpu")
    copies = audio.embed_copies(tmp_path / "a.wav", 2)
    for copy, waveform in zip(copies, copies_of(sound(), 2), strict=True):
        expected = audio.recognizer((waveform, 16_000)).embedding
        assert copy == pytest.approx(np.array(expected), abs=1e-5)
    video = RunEncoder(tiny_run(tmp_path / "v", tiny_text, modalities="tv").folder, "cpu")
    with pytest.raises(MienError, match=r"the model uses .*, and there is none"):
        video.embed_copies(tmp_path / "a.wav", 2)
