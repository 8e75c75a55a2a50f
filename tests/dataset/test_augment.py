"""Random changes that keep what a sample is."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import sample

from mien.dataset.augment import MASK_BINS, MASK_COLUMNS, SPEEDS, augment_sample, mask_pieces
from mien.media.spectrogram import pieces
from mien.utterance import Sample

seeds = st.integers(0, 2**32)


def augmented(original: Sample, seed: int) -> Sample:
    return augment_sample(original, np.random.default_rng(seed))


def of_sound(waveform: np.ndarray) -> Sample:
    return Sample(utterance=sample().utterance, waveform=waveform.astype(np.int16))


@given(seed=seeds, faces=st.integers(1, 5), seconds=st.floats(0.025, 2))
@settings(max_examples=30, deadline=None)
def test_shapes_and_types_stay(seed: int, faces: int, seconds: float) -> None:
    original = sample(1, faces=faces, seconds=seconds)
    changed = augmented(original, seed)
    assert changed.faces is not None
    assert changed.waveform is not None
    assert original.waveform is not None
    assert (changed.faces.shape, changed.faces.dtype) == ((faces, 48, 48, 3), np.uint8)
    assert (changed.waveform.ndim, changed.waveform.dtype) == (1, np.int16)
    length = len(original.waveform)
    assert 0.9 * length / SPEEDS[1] - 2 <= len(changed.waveform) <= length / SPEEDS[0] + 2
    assert changed.utterance is original.utterance
    assert changed.face_times is original.face_times
    assert changed.face_found is original.face_found


@pytest.mark.parametrize("length", [400, 16_000])
@pytest.mark.parametrize("value", [0, -32768, 32767])
@given(seed=seeds)
@settings(max_examples=8, deadline=None)
def test_extreme_sounds_stay_sounds(length: int, value: int, seed: int) -> None:
    changed = augmented(of_sound(np.full(length, value)), seed).waveform
    assert changed is not None
    assert changed.any() == (value != 0)
    if value:
        opposite = -changed.astype(int) * np.sign(value)
        assert opposite.max() < 30_000, "wrapped around instead of clipped"
    front = pieces(torch.from_numpy(changed.astype(np.float32) / 32768))
    assert front.isfinite().all()


def test_the_shortest_sound_at_the_highest_speed_is_long_enough() -> None:
    class Fastest:
        """Highest speed, no delay, no noise."""

        uniform = staticmethod(lambda low, high: high)
        integers = staticmethod(lambda low, high: low)
        normal = staticmethod(lambda mean, deviation, size: np.zeros(size))

    changed = augment_sample(of_sound(np.full(400, 1000)), Fastest())  # type: ignore[arg-type]
    assert changed.waveform is not None
    assert len(changed.waveform) >= 400, "one analysis window, as `Sample` promises"


@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_a_voice_can_be_kept_as_it_is(seed: int) -> None:
    original = sample(1, seconds=1.0)
    changed = augment_sample(original, np.random.default_rng(seed), keep_voice=True)
    assert original.waveform is not None
    assert changed.waveform is not None
    rest = original.waveform[len(original.waveform) - len(changed.waveform) :]
    np.testing.assert_array_equal(changed.waveform, rest)


@pytest.mark.parametrize("value", [0, 255])
@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_faces_keep_to_their_range(value: int, seed: int) -> None:
    original = Sample(
        utterance=sample().utterance, faces=np.full((2, 48, 48, 3), value, dtype=np.uint8)
    )
    changed = augmented(original, seed).faces
    assert changed is not None
    assert abs(changed.astype(int) - value).max() <= 0.2 * value + 21, "wrapped around"


def test_all_faces_of_an_utterance_change_alike() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1, 48, 48, 3), dtype=np.uint8)
    original = Sample(utterance=sample().utterance, faces=np.repeat(picture, 3, axis=0))
    for seed in range(5):
        faces = augmented(original, seed).faces
        assert faces is not None
        assert (faces == faces[:1]).all()


def test_the_seed_decides() -> None:
    original = sample(3)
    first, again, other = (augmented(original, seed) for seed in (5, 5, 6))
    assert first.waveform is not None
    assert first.faces is not None
    assert np.array_equal(first.waveform, again.waveform)  # type: ignore[arg-type]
    assert np.array_equal(first.faces, again.faces)  # type: ignore[arg-type]
    assert not np.array_equal(first.waveform, other.waveform)  # type: ignore[arg-type]
    assert not np.array_equal(first.faces, other.faces)  # type: ignore[arg-type]


def test_the_original_is_left_alone() -> None:
    original, untouched = sample(4), sample(4)
    augmented(original, 0)
    assert np.array_equal(original.waveform, untouched.waveform)  # type: ignore[arg-type]
    assert np.array_equal(original.faces, untouched.faces)  # type: ignore[arg-type]
    spectrogram = torch.randn(3, 1, 128, 32)
    copy = spectrogram.clone()
    mask_pieces(spectrogram, np.random.default_rng(0))
    assert torch.equal(spectrogram, copy)


@pytest.mark.parametrize("modalities", ["t", "a", "v"])
def test_what_is_missing_stays_missing(modalities: str) -> None:
    changed = augmented(sample(1, modalities), 0)
    assert changed.modalities == modalities


@given(seed=seeds, count=st.integers(1, 7))
@settings(max_examples=30, deadline=None)
def test_masks_blank_two_bands_and_some_columns(seed: int, count: int) -> None:
    original = 1 + torch.rand(count, 1, 128, 32)
    masked = mask_pieces(original, np.random.default_rng(seed))
    assert masked.shape == original.shape
    blank = (masked == 0)[:, 0]
    assert torch.equal(masked[:, 0][~blank], original[:, 0][~blank])
    assert blank.all(dim=2).all(dim=0).sum() < 2 * MASK_BINS
    columns = blank.all(dim=1).sum(dim=1)
    assert columns.max() < MASK_COLUMNS
    assert (columns > 0).sum() <= -(-count // 3)
