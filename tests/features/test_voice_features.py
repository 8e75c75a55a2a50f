"""The 144 features of speech: finite for any audio, and right for known signals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.features.voice_features import BARK, DESCRIPTORS, FUNCTIONALS, voice_features

BANDS, STATISTICS = slice(0, 22), slice(34, 142)


def tone(pitch: float, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(16_000 * seconds)) / 16_000
    return (0.3 * np.sin(2 * np.pi * pitch * time)).astype(np.float32)


def statistic(features: np.ndarray, descriptor: str, functional: str) -> float:
    table = features[0, STATISTICS].reshape(len(DESCRIPTORS), len(FUNCTIONALS))
    return float(table[DESCRIPTORS.index(descriptor), FUNCTIONALS.index(functional)])


@given(
    samples=st.integers(400, 9000),
    level=st.sampled_from([0.0, 1e-5, 0.1, 1.0]),
    kind=st.sampled_from(["noise", "tone", "constant", "click"]),
)
@settings(max_examples=30, deadline=None)
def test_any_audio_gives_finite_numbers(samples: int, level: float, kind: str) -> None:
    random = np.random.default_rng(samples)
    wave = {
        "noise": random.normal(0, 1, samples),
        "tone": np.sin(np.arange(samples) / 10),
        "constant": np.ones(samples),
        "click": np.arange(samples) == samples // 2,
    }[kind]
    features = voice_features((level * wave).astype(np.float32))
    assert features.shape == (-(-(1 + samples // 200) // 8), 144)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert np.ptp(features[:, STATISTICS], axis=0).max() == 0, "of the whole utterance"


@pytest.mark.parametrize("pitch", [95.0, 150.0, 230.0, 340.0])
def test_pitch_and_voicing_of_a_tone(pitch: float) -> None:
    features = voice_features(tone(pitch))
    assert 100 * 2 ** statistic(features, "pitch", "mean") == pytest.approx(pitch, rel=0.03)
    assert statistic(features, "voicing", "mean") > 0.95
    assert features[2:-2, 143].min() > 0.95
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    assert statistic(voice_features(noise), "voicing", "mean") < 0.5


@pytest.mark.parametrize("band", [3, 10, 18])
def test_a_tone_is_in_its_bark_band(band: int) -> None:
    features = voice_features(tone((BARK[band] + BARK[band + 1]) / 2))
    assert features[3, BANDS].argmax() == band


def test_steps_follow_time() -> None:
    loud = np.concatenate([tone(200, 0.5) * 0.01, tone(200, 0.5)])
    energy = voice_features(loud)[:, 142]
    assert energy[5:].min() > energy[:4].max() + 5


def test_a_statistic_is_of_its_descriptor() -> None:
    low, high = voice_features(tone(200)), voice_features(tone(3000))
    assert statistic(low, "centroid", "mean") == pytest.approx(0.2, abs=0.05)
    assert statistic(high, "centroid", "mean") == pytest.approx(3.0, abs=0.05)
    assert statistic(low, "zero crossings", "mean") < statistic(high, "zero crossings", "mean")
    assert statistic(high, "2800-4000 Hz", "mean") > -0.1 > statistic(high, "300-800 Hz", "mean")
    for name in DESCRIPTORS:
        order = [statistic(low, name, f) for f in ("min", "mean", "max")]
        assert order == sorted(order), name
