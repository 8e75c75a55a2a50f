"""Effects are read from text, and odd text is refused with what to write."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien import MienError, audio_effects
from mien.dataset.effect import EFFECTS, Effect, apply, parse_effect

SOUND = np.random.default_rng(0).normal(0, 800, 8000).astype(np.int16)
VOICES = [np.random.default_rng(n).normal(0, 3000, 5000).astype(np.int16) for n in (1, 2)]


def generator() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.mark.parametrize(
    ("text", "kind", "number", "about"),
    [
        ("white:10", "white", 10, "white noise at 10 dB"),
        (" pink:-2.5 ", "pink", -2.5, "pink noise at -2.5 dB"),
        ("babble:+0", "babble", 0, "babble at 0 dB"),
        ("reverberation", "reverberation", 0.5, "reverberation of 0.5 s"),
        ("reverberation:1.20", "reverberation", 1.2, "reverberation of 1.2 s"),
        ("telephone", "telephone", 0, "the band of a telephone, 300 to 3400 Hz"),
        ("gain:-10", "gain", -10, "a gain of -10 dB"),
        ("gain:-0", "gain", 0, "a gain of 0 dB"),
    ],
)
def test_a_text_names_an_effect(text: str, kind: str, number: float, about: str) -> None:
    found = parse_effect(text)
    assert found == Effect(kind, number)
    assert found.about == about
    assert parse_effect(str(found)) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no effect ''; choose from white, pink, babble, reverberation, telephone, gain"),
        ("whiet:10", "no effect 'whiet' (did you mean white?)"),
        ("White:10", "no effect 'White' (did you mean white?)"),
        ("white", "white needs its signal-to-noise ratio in dB, from -20 to 60, such as white:10"),
        ("gain", "gain needs its gain in dB, from -40 to 40, such as gain:10"),
        ("white:", "'' is not the signal-to-noise ratio in dB, from -20 to 60, of white: write"),
        ("white:nan", "'nan' is not the"),
        ("white:inf", "'inf' is not the"),
        ("white:1e1", "'1e1' is not the"),
        ("white:1_0", "'1_0' is not the"),
        ("white:10:5", "'10:5' is not the"),
        ("white:10 dB", "'10 dB' is not the"),
        ("white:١٠", "'١٠' is not the"),
        ("white:61", "61 is out of range: white takes its signal-to-noise ratio in dB, from -20"),
        ("white:999999999", "999999999 is out of range"),
        ("white:" + "9" * 5000, "'" + "9" * 40 + "' is not the"),
        ("reverberation:0", "0 is out of range: reverberation takes its reverberation time RT60"),
        ("reverberation:x", "write it as reverberation:0.5"),
        ("telephone:8", "telephone takes no number: leave ':8' out"),
        ("gain:-100", "-100 is out of range: gain takes its gain in dB, from -40 to 40"),
    ],
)
def test_odd_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(MienError) as caught:
        parse_effect(text)
    assert message in caught.value.message
    assert caught.value.parameter == "degrade"
    assert len(caught.value.message) < 200


@given(st.text())
def test_any_text_is_an_effect_or_refused(text: str) -> None:
    for each in (text, f"white:{text}"):
        with suppress(MienError):
            assert np.isfinite(parse_effect(each).number)


@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_keeps_the_length_and_repeats_itself(name: str) -> None:
    kind = EFFECTS[name]
    for number in {kind.low, kind.high, kind.default or 0.0}:
        found = apply(Effect(name, number), SOUND, generator(), VOICES)
        assert found.dtype == np.int16
        assert found.shape == SOUND.shape
        assert found.any()
        assert np.array_equal(found, apply(Effect(name, number), SOUND, generator(), VOICES))


@pytest.mark.parametrize("kind", ["white", "pink", "babble"])
def test_noise_is_added_at_its_ratio(kind: str) -> None:
    found = apply(Effect(kind, 10.0), SOUND, generator(), VOICES)
    signal = audio_effects.from_int16(SOUND).astype(float)
    added = audio_effects.from_int16(found) - signal
    assert 10 * np.log10(np.mean(signal**2) / np.mean(added**2)) == pytest.approx(10, abs=0.1)


def test_gain_scales_and_babble_needs_voices() -> None:
    quieter = apply(Effect("gain", -20.0), SOUND, generator())
    assert np.abs(quieter - SOUND / 10).max() <= 0.51
    with pytest.raises(MienError, match="there are none"):
        apply(Effect("babble", 10.0), SOUND, generator())
