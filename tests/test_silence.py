"""Pauses are found by their energy, and speech is never taken for a pause."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.silence import FRAME_LENGTH, MARGIN_FRAMES, is_silence

RATE = 16_000
NOISE = np.random.default_rng(0).normal(size=RATE).astype(np.float32)


def recording(pauses: list[float], noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Synthetic words of 0.4 s, each after a pause (s), in noise; second: where the words are."""
    random = np.random.default_rng(seed)
    levels = [np.repeat([0.0, 0.1], [round(pause * RATE), 6400]) for pause in pauses]
    level = np.concatenate(levels)
    sound = (level + noise) * random.normal(size=len(level))
    return sound.astype(np.float32), level > 0


@settings(max_examples=60, deadline=None)
@given(
    pauses=st.lists(st.floats(0.0, 1.5), min_size=1, max_size=5),
    noise=st.sampled_from([0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1]),
    seed=st.integers(0, 99),
)
def test_no_word_is_taken_for_silence(pauses: list[float], noise: float, seed: int) -> None:
    sound, spoken = recording(pauses, noise, seed)
    found = is_silence(sound)
    assert found.shape == sound.shape
    assert not (found & spoken).any()


def test_a_pause_is_kept_but_for_its_margins() -> None:
    sound, _ = recording([1.0, 1.0], 1e-4, 0)
    # three margins: the first pause has nothing before it
    expected = 2.0 - 3 * MARGIN_FRAMES * FRAME_LENGTH / RATE
    assert is_silence(sound).sum() / RATE == pytest.approx(expected, abs=0.03)


def test_loudness_and_the_kind_of_samples_do_not_matter() -> None:
    sound, _ = recording([0.7, 0.9], 1e-3, 1)
    whole = np.rint(sound * 20_000).astype(np.int16)
    found = is_silence(sound)
    assert found.any()
    assert np.array_equal(found, is_silence(whole))
    assert np.array_equal(found, is_silence(whole // 2))


@pytest.mark.parametrize(
    "sound",
    [NOISE, NOISE[:1600], NOISE[:100], NOISE[:0], np.zeros(RATE, np.int16)],
    ids=["noise", "less than a margin", "less than a frame", "nothing", "digital silence"],
)
def test_without_contrast_nothing_is_told_from_speech(sound: np.ndarray) -> None:
    assert not is_silence(sound).any()


def at_levels(*parts: tuple[float, int]) -> np.ndarray:
    """A synthetic tone of 500 Hz at levels (dB) for so many frames of 10 ms each; -inf: nothing."""
    power = np.repeat(
        [10 ** (level / 10) for level, _ in parts], [n * FRAME_LENGTH for _, n in parts]
    )
    return np.sqrt(2 * power) * np.sin(np.pi / 16 * np.arange(len(power)))


@pytest.mark.parametrize(
    ("floor", "threshold"),
    [
        # little contrast: 20 dB below the loud frames; else 35 % of the way up from the quiet ones
        (-25.0, -20.0),
        (-60.0, -39.0),
        # digital silence counts as the error of 16 bits, -96.3 dB
        (-np.inf, -96.33 * 0.65),
    ],
)
def test_what_counts_as_quiet(floor: float, threshold: float) -> None:
    """Quiet and loud are the 5th and 95th percentile: 7 % of the frames are either."""
    for level, silent in ((threshold - 1, True), (threshold + 1, False)):
        sound = at_levels((0.0, 70), (level, 860), (floor, 70))
        assert is_silence(sound)[500 * FRAME_LENGTH] == silent


def test_a_pause_lasts_at_least_50_ms_between_margins_of_150_ms() -> None:
    for frames, found in ((34, 0), (35, 5), (36, 6)):
        sound = at_levels((0.0, 100), (-np.inf, frames), (0.0, 100), (-np.inf, 100))
        assert is_silence(sound)[: (200 + frames) * FRAME_LENGTH].sum() == found * FRAME_LENGTH
