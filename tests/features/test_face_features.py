"""The 35 features of a face describe its regions, whatever the light."""

import numpy as np
import pytest

from mien.features.face_features import DIRECTIONS, REGIONS, face_features
from mien.resize import resize_faces

NAMES = [f"{r} {m}" for r in REGIONS for m in ("light", *DIRECTIONS)]


def described(face: np.ndarray) -> dict[str, float]:
    return dict(zip(NAMES, face_features(face[None])[0].tolist(), strict=True))


def plain() -> np.ndarray:
    random = np.random.default_rng(0)
    return (150 + random.normal(0, 2, (48, 48, 1))).astype(np.uint8).repeat(3, axis=2)


def test_an_open_mouth_is_dark_and_level() -> None:
    shut, opened = plain(), plain()
    opened[35:40, 14:34] = 20
    before, after = described(shut), described(opened)
    assert after["mouth light"] < before["mouth light"] - 0.3
    assert after["mouth level"] == max(after[f"mouth {d}"] for d in DIRECTIONS)
    assert after["left brow light"] > after["mouth light"]


@pytest.mark.parametrize(("step", "direction"), [(1, "falling"), (-1, "rising")])
def test_edges_have_their_direction(step: int, direction: str) -> None:
    face = plain()
    for row in range(48):
        face[row, np.clip(24 + step * (row - 19), 0, 47)] = 0
        face[row, np.clip(24 + step * (row - 19) - 12, 0, 47)] = 0
    tilted = described(face)
    own = tilted[f"nose {direction}"]
    assert own == max(tilted[f"nose {d}"] for d in DIRECTIONS)


def test_brighter_light_and_more_contrast_change_little() -> None:
    face = plain()
    face[15:20, 5:20] = 90
    face[36:39, 14:34] = 60
    bright = (40 + face * 0.6).astype(np.uint8)
    assert face_features(bright[None]) == pytest.approx(face_features(face[None]), abs=0.15)


def test_a_frame_without_contrast_gives_zeros() -> None:
    assert not face_features(np.full((1, 48, 48, 3), 99, np.uint8)).any()


def test_crops_of_another_size_are_described_at_48() -> None:
    large = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3), dtype=np.uint8)
    assert np.array_equal(face_features(large), face_features(resize_faces(large, 48)))


def test_each_frame_is_described_on_its_own() -> None:
    faces = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3), dtype=np.uint8)
    alone = np.concatenate([face_features(face[None]) for face in faces])
    assert np.array_equal(face_features(faces), alone)
    assert alone.shape == (4, len(NAMES))
