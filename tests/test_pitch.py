"""The pitch of known sounds is found; noise and silence have none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.pitch import PITCH_WINDOW, pitches

RATE = 16_000


def windows(sound: np.ndarray) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(sound.astype(np.float32), PITCH_WINDOW)[::160]


def pulses(pitch: float, seconds: float = 1.0) -> np.ndarray:
    """Make a train of clicks, as vocal folds do."""
    train = np.zeros(round(RATE * seconds))
    train[np.round(RATE * np.arange(0, seconds, 1 / pitch)[:-1]).astype(int)] = 1
    return train


@given(pitch=st.floats(76, 590), level=st.floats(1e-3, 1))
def test_a_tone_has_its_pitch(pitch: float, level: float) -> None:
    sound = level * np.sin(2 * np.pi * pitch * np.arange(4000) / RATE)
    assert pitches(windows(sound)) == pytest.approx(pitch, rel=0.02)


@pytest.mark.parametrize("pitch", [80, 93.7, 120, 150, 211.3, 333, 400, 481, 590])
def test_pulses_have_their_pitch_also_in_noise(pitch: float) -> None:
    noise = np.random.default_rng(0).normal(0, 1, RATE)
    for sound in (pulses(pitch), pulses(pitch) + 0.02 * noise):
        found = pitches(windows(sound))
        assert np.nanmedian(found) == pytest.approx(pitch, rel=0.02)
        assert np.isfinite(found).mean() > 0.9


def test_noise_and_silence_have_none() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 5 * RATE)
    assert np.isnan(pitches(windows(noise))).mean() > 0.99
    assert np.isnan(pitches(windows(np.zeros(RATE)))).all()
