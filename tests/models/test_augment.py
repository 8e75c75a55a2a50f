"""Random changes that keep what a sample is."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import sample

from mien.models.encoders.audio_reader import AudioReader
from mien.models.encoders.augment import (
    MASK_BINS,
    MASK_COLUMNS,
    SPEEDS,
    augment_faces,
    augment_waveform,
    mask_chunks,
)
from mien.models.encoders.face_reader import FaceReader
from mien.models.encoders.spectrogram import chunks
from mien.utterance import Sample

seeds = st.integers(0, 2**32)


SHIFT_PIXELS = 3
"""Of a crop of 48 pixels."""


def augmented(original: Sample, seed: int) -> Sample:
    return augment_sample(original, np.random.default_rng(seed))


def augment_sample(
    original: Sample, random: np.random.Generator, *, keep_voice: bool = False
) -> Sample:
    """Change what is recorded as the readers of audio and of faces do."""
    for reader in (AudioReader(), FaceReader(48)):
        original = reader.augment(original, random, keep_voice=keep_voice)
    return original


def test_a_larger_face_is_shifted_by_its_share() -> None:
    faces = np.repeat(np.repeat(asymmetric().faces, 2, axis=1), 2, axis=2)  # type: ignore[arg-type]
    assert np.array_equal(augment_faces(faces, Exactly(mirror=False, edge=6)), faces)  # type: ignore[arg-type]


def test_crops_of_another_size_are_resized_before_they_change() -> None:
    original = asymmetric()
    large = np.repeat(np.repeat(original.faces, 2, axis=1), 2, axis=2)  # type: ignore[arg-type]
    wide = Sample(utterance=original.utterance, faces=large)
    for seed in range(3):
        pair = (augmented(one, seed).faces for one in (original, wide))
        np.testing.assert_array_equal(*pair)


def test_sound_and_faces_can_be_changed_alone() -> None:
    one = sample(1)
    assert one.waveform is not None
    random = np.random.default_rng(2)
    expected = augment_waveform(one.waveform, np.random.default_rng(2))
    assert np.array_equal(augment_sample(one, random).waveform, expected)  # type: ignore[arg-type]


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
    front = chunks(torch.from_numpy(changed.astype(np.float32) / 32768))
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


class Exactly:
    """Random numbers as told: mirror or not, the offsets of the shift, no change of light."""

    def __init__(
        self, *, mirror: bool, top: int | None = None, left: int | None = None, edge: int = 3
    ) -> None:
        offsets = (edge if top is None else top, edge if left is None else left)
        self.mirror, self.offsets, self.edge = mirror, offsets, edge

    def random(self) -> float:
        return 0.2 if self.mirror else 0.7

    def integers(self, low: int, high: int, size: int) -> tuple[int, int]:
        assert (low, high, size) == (0, 2 * self.edge + 1, 2)
        return self.offsets

    def uniform(self, low: float, high: float) -> float:
        return (low + high) / 2


def asymmetric() -> Sample:
    """A face whose left third is red, whose right third is blue, with a white line at the top."""
    faces = np.zeros((2, 48, 48, 3), np.uint8)
    faces[:, :, :16, 0] = 200
    faces[:, :, 32:, 2] = 100
    faces[:, 0] = 255
    return Sample(utterance=sample().utterance, faces=faces)


def test_a_picture_is_mirrored_left_to_right_and_no_other_way() -> None:
    original = asymmetric()
    assert original.faces is not None
    for mirror in (False, True):
        changed = augment_sample(original, Exactly(mirror=mirror)).faces  # type: ignore[arg-type]
        expected = np.flip(original.faces, axis=2) if mirror else original.faces
        np.testing.assert_array_equal(changed, expected)
    assert changed is not None
    red, blue = (changed[0, 24, :, channel] for channel in (0, 2))
    assert (red[:32].tolist(), red[32:].tolist()) == ([0] * 32, [200] * 16)
    assert (blue[:16].tolist(), blue[16:].tolist()) == ([100] * 16, [0] * 32)
    assert (changed[0, 0] == 255).all(), "the top stays the top"


def test_half_of_the_pictures_are_mirrored() -> None:
    mirrored = 0
    for seed in range(200):
        faces = augmented(asymmetric(), seed).faces
        assert faces is not None
        left, right = (faces[0, 24, place].astype(int) for place in (4, 43))
        assert (left[0] > left[2]) == (right[2] > right[0])
        mirrored += int(left[2] > left[0])
    assert 70 < mirrored < 130


def test_a_picture_is_shifted_by_so_many_pixels_and_its_edge_repeated() -> None:
    original = asymmetric().faces
    assert original is not None
    down, right = 2, 3
    offsets = Exactly(mirror=False, top=3 - down, left=3 - right)
    changed = augment_sample(asymmetric(), offsets).faces  # type: ignore[arg-type]
    assert changed is not None
    np.testing.assert_array_equal(changed[:, down:, right:], original[:, :-down, :-right])
    np.testing.assert_array_equal(changed[:, down:, :right], original[:, :-down, [0] * right])
    np.testing.assert_array_equal(changed[:, :down], changed[:, [down] * down])


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
    mask_chunks(spectrogram, np.random.default_rng(0))
    assert torch.equal(spectrogram, copy)


@pytest.mark.parametrize("modalities", ["t", "a", "v"])
def test_what_is_missing_stays_missing(modalities: str) -> None:
    changed = augmented(sample(1, modalities), 0)
    assert changed.modalities == modalities


@given(seed=seeds, count=st.integers(1, 7))
@settings(max_examples=30, deadline=None)
def test_masks_blank_two_bands_and_some_columns(seed: int, count: int) -> None:
    original = 1 + torch.rand(count, 1, 128, 32)
    masked = mask_chunks(original, np.random.default_rng(seed))
    assert masked.shape == original.shape
    blank = (masked == 0)[:, 0]
    assert torch.equal(masked[:, 0][~blank], original[:, 0][~blank])
    assert blank.all(dim=2).all(dim=0).sum() < 2 * MASK_BINS
    columns = blank.all(dim=1).sum(dim=1)
    assert columns.max() < MASK_COLUMNS
    assert (columns > 0).sum() <= -(-count // 3)
