"""Silence alone: nothing but pauses is read."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
from samples import sample, store

from mien.identity.silence_control import SilentStore, silence_only
from mien.utterance import Sample


def spoken(number: int = 0) -> Sample:
    """A sample of synthetic speech between pauses."""
    random = np.random.default_rng(number)
    level = np.repeat([20, 5000, 20, 5000, 20], 8000)
    sound = (level * random.normal(size=len(level))).clip(-32768, 32767).astype(np.int16)
    return replace(sample(number), waveform=sound)


def test_text_faces_and_speech_are_gone() -> None:
    before = spoken()
    found = silence_only(before)
    assert found.modalities == "a"
    assert found.faces is found.face_times is found.face_found is found.text is None
    assert found.utterance.person == before.utterance.person
    assert 0.5 < len(found.waveform) / 24_000 < 1
    assert np.abs(found.waveform).max() < 200


def test_without_pauses_nothing_is_left() -> None:
    assert silence_only(sample(1)).modalities == ""
    assert silence_only(sample(1, "t")).modalities == ""


def test_a_silent_store_is_like_its_store(tmp_path: Path) -> None:
    full = store(tmp_path / "data", [spoken(0), spoken(1), sample(2, "tv")])
    silent = SilentStore(full.folder)
    assert silent.utterances == full.utterances
    assert silent.modalities == ["a", "a", ""]
    assert silent.fingerprint == full.fingerprint
    again = pickle.loads(pickle.dumps(silent))
    for row in range(3):
        expected = silence_only(full[row])
        assert again[row].modalities == expected.modalities
        if expected.waveform is not None:
            assert np.array_equal(again[row].waveform, expected.waveform)
