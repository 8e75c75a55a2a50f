"""Augmented copies: what is changed, how often, and what never is."""

import numpy as np
import pytest
from voices import voice

from mien import audio_effects as effects
from mien.models.encoders import copies
from mien.models.encoders.copies import augmented_copy
from mien.utterance import MIN_SAMPLES

SPOKEN = effects.to_int16(voice(1, 0.02))
VOICES = [effects.to_int16(voice(1, 0.1, pitch)) for pitch in (90, 150, 210, 260, 300, 340, 380)]


def copy(
    seed: int, waveform: np.ndarray = SPOKEN, voices=VOICES, keep_voice: bool = False
) -> np.ndarray:
    return augmented_copy(waveform, np.random.default_rng(seed), voices, keep_voice=keep_voice)


def test_half_of_the_copies_have_another_speed() -> None:
    lengths = np.array([len(copy(seed, SPOKEN[:2000])) for seed in range(2000)])
    shares = [np.mean(abs(lengths - 2000 / speed) <= 2) for speed in (0.9, 1.0, 1.1)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.04)
    assert sum(shares) == 1


def test_the_voice_is_kept_when_it_must_be(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {len(copy(seed, keep_voice=True)) for seed in range(200)} == {16_000}
    monkeypatch.setattr(effects, "change_speed", None)
    for seed in range(50):
        copy(seed, keep_voice=True)


def test_effects_are_as_frequent_as_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    used: dict[str, list[float]] = {name: [] for name in ("white", "pink", "babble")}
    strength: dict[str, list[float]] = {name: [] for name in ("add_noise", "reverberate", "gain")}
    for name in used:
        own = getattr(effects, name)
        monkeypatch.setattr(
            effects, name, lambda *args, own=own, name=name: used[name].append(0) or own(*args)
        )
    for name, place in (("add_noise", 2), ("reverberate", 1), ("gain", 1)):
        own = getattr(effects, name)
        monkeypatch.setattr(
            effects,
            name,
            lambda *args, own=own, name=name, place=place: (
                strength[name].append(args[place]) or own(*args)
            ),
        )
    for seed in range(1000):
        copy(seed, SPOKEN[:2000])
    shares = [len(times) / 1000 for times in used.values()]
    assert shares == pytest.approx([0.3, 0.2, 0.3], abs=0.045)
    assert len(strength["reverberate"]) / 1000 == pytest.approx(0.2, abs=0.04)
    assert len(strength["gain"]) == 1000
    for name, (low, high) in (
        ("add_noise", copies.SNR_DB),
        ("reverberate", copies.RT60),
        ("gain", copies.GAIN_DB),
    ):
        found = np.array(strength[name])
        assert low <= found.min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < found.max() <= high
        assert found.mean() == pytest.approx((low + high) / 2, abs=0.06 * (high - low))


def test_without_voices_babble_is_pink_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "NOISES", {"babble": 1.0})
    alone = copy(3, voices=[])
    monkeypatch.setattr(copies, "NOISES", {"pink": 1.0})
    assert np.array_equal(copy(3), alone)


def test_babble_is_of_some_voices_and_each_at_most_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "NOISES", {"babble": 1.0})
    drawn: list[list[int]] = []
    known = {each.tobytes(): place for place, each in enumerate(VOICES)}
    own = effects.babble

    def babble(voices, length, random) -> np.ndarray:
        drawn.append([known[each.tobytes()] for each in voices])
        return own(voices, length, random)

    monkeypatch.setattr(effects, "babble", babble)
    for seed in range(50):
        copy(seed)
    assert {len(each) for each in drawn} == {len(set(each)) for each in drawn} == {5}
    assert set().union(*drawn) == set(range(7))
    copy(0, voices=VOICES[:2])
    assert sorted(drawn[-1]) == [0, 1]


def test_a_copy_depends_on_its_generator_alone() -> None:
    for seed in range(20):
        assert np.array_equal(copy(seed), copy(seed))
    assert not np.array_equal(copy(0), copy(1))


def test_copies_of_the_shortest_and_loudest_clips_can_be_read() -> None:
    random = np.random.default_rng(0)
    loud = random.choice([-32768, 32767], MIN_SAMPLES).astype(np.int16)
    for seed in range(100):
        found = copy(seed, loud)
        assert found.dtype == np.int16
        assert MIN_SAMPLES <= len(found) <= MIN_SAMPLES / 0.9 + 2
        assert found.any()
