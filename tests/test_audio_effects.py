"""What each effect does to a waveform, in numbers."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from voices import voice

from mien import MienError, audio_effects
from mien.audio_effects import (
    NOISE_RMS,
    add_noise,
    babble,
    change_speed,
    from_int16,
    gain,
    pink,
    reverberate,
    telephone,
    to_int16,
    white,
)

RATE = 16_000
SPOKEN = np.concatenate([np.zeros(8000, np.float32), voice(2, 0.05), np.zeros(16_000, np.float32)])
"""A synthetic voice of 2 seconds, with silence before and after it."""


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def decibels(ratio: float) -> float:
    return 10 * np.log10(ratio)


def power_between(sound: np.ndarray, low: float, high: float) -> float:
    """The power of a band, by the discrete Fourier transform."""
    frequencies = np.fft.rfftfreq(len(sound), 1 / RATE)
    band = (frequencies >= low) & (frequencies < high)
    return float(np.sum(np.abs(np.fft.rfft(sound.astype(float))[band]) ** 2))


def tone(frequency: float, level: float = 0.1, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


@pytest.mark.parametrize("make", [white, pink])
@pytest.mark.parametrize("length", [400, 16_001, 50_000])
def test_noise_has_its_length_and_level(make, length: int) -> None:
    noise = make(length, generator())
    assert noise.shape == (length,)
    assert noise.dtype == np.float32
    assert np.abs(noise).max() <= 1
    assert np.sqrt(np.mean(noise.astype(float) ** 2)) == pytest.approx(NOISE_RMS, rel=1e-4)
    assert np.array_equal(noise, make(length, generator()))
    assert not np.array_equal(noise, make(length, generator(1)))


def slope(noise: np.ndarray) -> float:
    """Decibels per octave of the power at one frequency, from 31 Hz to 8 kHz."""
    edges = 31.25 * 2.0 ** np.arange(9)
    density = [decibels(power_between(noise, a, b) / (b - a)) for a, b in pairwise(edges)]
    return float(np.polyfit(range(8), density, 1)[0])


def test_pink_noise_falls_by_3_db_per_octave_and_white_noise_does_not() -> None:
    assert slope(pink(20 * RATE, generator())) == pytest.approx(-3.01, abs=0.15)
    assert slope(white(20 * RATE, generator())) == pytest.approx(0, abs=0.15)


def test_pink_noise_has_nothing_that_is_too_low_to_be_heard() -> None:
    noise = pink(20 * RATE, generator())
    assert decibels(power_between(noise, 0, 18) / power_between(noise, 22, 40)) < -25


@pytest.mark.parametrize("kind", ["white", "pink", "babble"])
@pytest.mark.parametrize("snr", [-5.0, 0.0, 10.0, 20.0])
def test_the_signal_to_noise_ratio_is_reached(kind: str, snr: float) -> None:
    noise = {
        "white": lambda: white(len(SPOKEN), generator()),
        "pink": lambda: pink(len(SPOKEN), generator()),
        "babble": lambda: babble([voice(1, 0.1, 200), voice(2, 0.3, 90)], len(SPOKEN), generator()),
    }[kind]()
    quiet = SPOKEN / 10  # so that nothing is scaled down
    added = add_noise(quiet, noise, snr).astype(float) - quiet
    power = np.mean(quiet.astype(float) ** 2)
    assert decibels(power / np.mean(added**2)) == pytest.approx(snr, abs=0.1)


def test_silence_gets_no_noise() -> None:
    assert not add_noise(np.zeros(8000, np.float32), white(8000, generator()), 0).any()


def test_too_much_noise_is_scaled_down_and_keeps_its_ratio() -> None:
    signal, noise = tone(1000, 0.9), white(RATE, generator())
    mixed = add_noise(signal, noise, 0.0).astype(float)
    assert np.abs(mixed).max() == pytest.approx(1)
    scale = np.dot(mixed, signal) / np.dot(signal, signal)
    assert scale < 0.6
    rest = mixed / scale - signal
    assert decibels(np.mean(signal**2) / np.mean(rest**2)) == pytest.approx(0, abs=0.1)


def test_babble_mixes_voices_at_equal_levels() -> None:
    """Voices of very different levels and lengths, told apart by their pitch."""
    long = 4 * RATE
    found = babble([tone(500, 0.5), tone(2000, 0.005, 6)], long, generator()).astype(float)
    assert decibels(
        power_between(found, 450, 550) / power_between(found, 1950, 2050)
    ) == pytest.approx(0, abs=0.1)
    assert np.sqrt(np.mean(found**2)) == pytest.approx(NOISE_RMS, rel=1e-4)


def test_babble_takes_int16_and_repeats_a_short_voice() -> None:
    short = np.arange(1, 401, dtype=np.int16)
    found = babble([short], 1000, generator())
    assert np.allclose(found[:600], found[400:])
    begins = {int(np.argmin(babble([short], 400, generator(seed)))) for seed in range(5)}
    assert len(begins) > 1


def test_babble_without_a_voice_is_refused() -> None:
    for voices in ([], [np.zeros(400, np.int16)]):
        with pytest.raises(MienError, match="there are none"):
            babble(voices, 400, generator())


def decay(response: np.ndarray) -> float:
    """Measure RT60 from 5 to 25 dB of the backward integral (Schroeder 1965)."""
    energy = np.cumsum(response[::-1].astype(float) ** 2)[::-1]
    level = 10 * np.log10(energy / energy[0])
    start, end = np.argmax(level < -5), np.argmax(level < -25)
    return 3 * (end - start) / RATE


@pytest.mark.parametrize("rt60", [0.2, 0.5, 0.8, 2.0])
def test_reverberation_decays_as_told(rt60: float) -> None:
    click = np.zeros(5 * RATE, np.float32)
    click[0] = 0.5
    found = reverberate(click, rt60, generator())
    assert decay(found) == pytest.approx(rt60, rel=0.2)
    # the direct sound first, and as strong as all that follows
    assert found[0] ** 2 / np.sum(found[1:].astype(float) ** 2) == pytest.approx(1, rel=0.01)


def test_reverberation_keeps_length_and_energy() -> None:
    quiet = SPOKEN / 10
    found = reverberate(quiet, 0.5, generator())
    assert found.shape == quiet.shape
    assert found.dtype == np.float32
    assert np.sum(found.astype(float) ** 2) == pytest.approx(np.sum(quiet.astype(float) ** 2))
    assert np.abs(found[:8000]).max() < 1e-5  # nothing before the sound
    assert np.sqrt(np.mean(found[40_000:42_000] ** 2)) > 1e-4  # something after it


@pytest.mark.parametrize(
    ("frequency", "lost"),
    [(100, 76.3), (300, 3.0), (600, 0.0), (1000, 0.0), (2500, 0.0), (3400, 3.0), (6000, 39.5)],
)
def test_a_telephone_keeps_its_band(frequency: float, lost: float) -> None:
    middle = slice(8000, -8000)  # away from where the tone begins and ends
    before = tone(frequency, seconds=2) * np.hanning(2 * RATE).astype(np.float32)
    after = telephone(before)
    assert after.shape == before.shape
    assert after.dtype == np.float32
    ratio = np.mean(before[middle].astype(float) ** 2) / np.mean(after[middle].astype(float) ** 2)
    assert decibels(ratio) == pytest.approx(lost, abs=1.0)


def test_gain_is_in_decibels_and_never_beyond_full_scale() -> None:
    assert np.allclose(gain(tone(500), -20), tone(500) / 10)
    assert np.abs(gain(tone(500), 20)).max() == pytest.approx(1, abs=1e-3)
    assert np.abs(gain(tone(500), 40)).max() == 1
    assert np.allclose(gain(tone(500), 40), gain(tone(500), 60))  # its shape is kept


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_speed_changes_duration_and_pitch(factor: float) -> None:
    found = change_speed(tone(500), factor)
    assert found.dtype == np.float32
    assert len(found) == pytest.approx(RATE / factor, abs=2)
    peak = np.argmax(np.abs(np.fft.rfft(found))) * RATE / len(found)
    assert peak == pytest.approx(500 * factor, abs=2)


def test_int16_comes_back_as_it_was() -> None:
    every = np.arange(-32768, 32768).astype(np.int16)
    assert np.array_equal(to_int16(from_int16(every)), every)
    assert from_int16(every).dtype == np.float32
    assert to_int16(np.array([-1, 0, 1], np.float32)).tolist() == [-32768, 0, 32767]


@given(seed=st.integers(0, 2**32), length=st.integers(400, 3000), level=st.floats(0, 1))
def test_no_effect_leaves_the_range_or_the_length(seed: int, length: int, level: float) -> None:
    random = generator(seed)
    sound = np.float32(level) * random.uniform(-1, 1, length).astype(np.float32)
    for found in (
        add_noise(sound, white(length, random), -20),
        reverberate(sound, 0.3, random),
        telephone(sound),
        gain(sound, 30),
    ):
        assert found.shape == (length,)
        assert found.dtype == np.float32
        assert np.isfinite(found).all()
        assert np.abs(found).max() <= 1


def test_lengths_are_rounded_up_to_fast_ones() -> None:
    for length in range(1, 5000):
        size = audio_effects._fast_size(length)
        assert length <= size <= 1.25 * length + 1
        while size % 2 == 0:
            size //= 2
        assert size in (1, 3, 5, 7)
