"""Pose, mouth and eyes of made-up faces are what they were made with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.models.face_geometry import (
    EYE_CORNERS,
    INNER_LIPS,
    LEFT_EYE,
    POINTS,
    RIGHT_EYE,
    RIGID,
    RIGID_FACE,
    eye_openness,
    head_pose,
    mouth_opening,
)


def about(axis: int, degrees: float) -> np.ndarray:
    """Rotate about x, y or z, by the right-hand rule."""
    a = np.radians(degrees)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    rotation = np.eye(3)
    rotation[first, first] = rotation[second, second] = np.cos(a)
    rotation[second, first], rotation[first, second] = np.sin(a), -np.sin(a)
    return rotation


def mesh(*, yaw: float = 0, pitch: float = 0, roll: float = 0, scale: float = 80) -> np.ndarray:
    """Make a mesh whose rigid points are turned: roll first, then pitch, then yaw."""
    rotation = about(1, -yaw) @ about(0, -pitch) @ about(2, roll)
    points = np.zeros((POINTS, 3))
    points[list(RIGID)] = scale * RIGID_FACE @ rotation.T + (200, 150, 3)
    return points


def eye(points: np.ndarray, numbers: tuple[int, ...], width: float, height: float) -> None:
    """Draw the corners and the lids of an eye."""
    outer, upper, upper_inner, inner, lower_inner, lower = numbers
    at = {outer: (0, 0), inner: (width, 0)}
    at |= {upper: (width / 3, -height / 2), upper_inner: (2 * width / 3, -height / 2)}
    at |= {lower: (width / 3, height / 2), lower_inner: (2 * width / 3, height / 2)}
    for number, place in at.items():
        points[number, :2] = place


@given(
    yaw=st.floats(-80, 80),
    pitch=st.floats(-60, 60),
    roll=st.floats(-170, 170),
    scale=st.floats(5, 900),
)
def test_a_known_rotation_is_that_pose(yaw: float, pitch: float, roll: float, scale: float) -> None:
    found = head_pose(mesh(yaw=yaw, pitch=pitch, roll=roll, scale=scale))
    assert found == pytest.approx((yaw, pitch, roll), abs=1e-3)


def test_the_signs_are_those_that_the_picture_shows() -> None:
    ahead, nose, forehead = mesh(), RIGID.index(4), RIGID.index(10)
    assert RIGID_FACE[nose, 2] < RIGID_FACE[forehead, 2], "z is away from the camera"
    assert mesh(yaw=20)[4, 0] > ahead[4, 0], "the nose moves to the right of the image"
    assert mesh(pitch=20)[4, 1] < ahead[4, 1], "the nose moves up"
    assert mesh(roll=20)[10, 0] > ahead[10, 0], "the forehead tilts to the right, as a clock does"


def test_noise_of_a_pixel_turns_a_face_by_few_degrees() -> None:
    points = mesh(yaw=25, pitch=-10, roll=5)
    points += np.random.default_rng(0).normal(0, 1, points.shape)
    assert head_pose(points) == pytest.approx((25, -10, 5), abs=2)


def test_the_lips_are_apart_by_a_share_of_the_distance_of_the_eyes() -> None:
    points = mesh(yaw=40, scale=90)
    assert np.linalg.norm(points[EYE_CORNERS[0]] - points[EYE_CORNERS[1]]) == pytest.approx(90)
    for upper, lower in INNER_LIPS:
        points[lower] = points[upper] + (0, 18, 0)
    assert mouth_opening(points) == pytest.approx(0.2)
    for upper, lower in INNER_LIPS:
        points[lower] = points[upper]
    assert mouth_opening(points) == 0


def test_each_eye_has_its_own_openness() -> None:
    points = np.zeros((POINTS, 3))
    eye(points, LEFT_EYE, width=30, height=9)
    eye(points, RIGHT_EYE, width=-20, height=2)
    assert eye_openness(points) == pytest.approx((0.3, 0.1))


def test_points_that_fall_together_give_numbers() -> None:
    nothing = np.zeros((POINTS, 3))
    assert np.isfinite([*head_pose(nothing), *eye_openness(nothing), mouth_opening(nothing)]).all()
