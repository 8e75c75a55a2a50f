"""The noise in a recording is estimated from the recording alone."""

import numpy as np
import pytest

from mien.audio_effects import add_noise, from_int16, pink, to_int16, white
from mien.media.decode import read_audio
from mien.media.signal_to_noise import LIMIT, signal_to_noise

RATE = 16_000


def syllables(seconds: int, seed: int = 0) -> np.ndarray:
    """Synthetic syllables, four a second, with pauses between them; float32."""
    random = np.random.default_rng(seed)
    on = np.repeat(np.tile([0.0, 1.0], 4 * seconds), RATE // 8)
    return (0.1 * on * random.normal(size=len(on))).astype(np.float32)


@pytest.mark.parametrize("noise", [white, pink])
@pytest.mark.parametrize("ratio", [0, 5, 10, 20])
def test_the_ratio_is_found_within_a_decibel(noise, ratio: int) -> None:
    sound = syllables(4)
    mixed = add_noise(sound, noise(len(sound), np.random.default_rng(1)), ratio)
    assert signal_to_noise(to_int16(mixed)) == pytest.approx(ratio, abs=1)


def test_loudness_and_digital_silence_do_not_matter() -> None:
    sound = syllables(4)
    mixed = to_int16(add_noise(sound, white(len(sound), np.random.default_rng(1)), 6))
    found = signal_to_noise(mixed)
    assert signal_to_noise(mixed // 4) == pytest.approx(found, abs=0.1)
    padded = np.concatenate([mixed, np.zeros(8 * RATE, np.int16)])
    assert signal_to_noise(padded) == pytest.approx(found, abs=0.3)


def test_nothing_but_noise_and_nothing_but_silence_are_at_the_end_of_the_scale() -> None:
    noise = to_int16(white(3 * RATE, np.random.default_rng(0)))
    assert signal_to_noise(noise) < -15
    assert signal_to_noise(np.zeros(RATE, np.int16)) == -LIMIT


def test_clean_speech_is_far_above_and_noise_is_found_in_it(shared_data) -> None:
    for path in sorted((shared_data / "ravdess").glob("03-01-*.flac"))[::120]:
        sound = read_audio(path)
        assert signal_to_noise(sound) > 20, path.name
        mixed = add_noise(from_int16(sound), white(len(sound), np.random.default_rng(0)), 5)
        assert signal_to_noise(to_int16(mixed)) == pytest.approx(5, abs=1), path.name
