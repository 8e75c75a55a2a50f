"""Head pose, mouth opening and eye openness, from the points of a face mesh.

The points are those of `mien.models.pretrained.face_landmarks`, by their numbers in MediaPipe's
mesh of 468 points: x to the right, y down, z away from the camera, all three in the same unit. Left
and right are those of the person, who faces the camera: the left eye is on the right of the image.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

POINTS = 468
"""Points of a mesh."""

EYE_CORNERS = (33, 263)
"""The outer corners of the right and of the left eye; their distance is the unit of the face."""

INNER_LIPS = ((13, 14), (82, 87), (312, 317))
"""Pairs of points on the upper and the lower edge of the opening of the mouth."""

RIGHT_EYE = (33, 160, 158, 133, 153, 144)
LEFT_EYE = (263, 387, 385, 362, 380, 373)
"""Of each eye the outer corner, two points of the upper lid, the inner corner, and the two points
of the lower lid below those, from the inside (Soukupová and Čech 2016)."""

_MIDDLE = {
    10: (-0.599, -0.141),
    151: (-0.431, -0.196),
    168: (-0.072, -0.235),
    197: (0.097, -0.354),
    4: (0.345, -0.525),
}
"""Forehead and nose: y and z of points on the plane of symmetry."""

_BOTH_SIDES = {
    (33, 263): (0.500, 0.000, 0.000),
    (133, 362): (0.191, 0.012, -0.059),
    (127, 356): (0.772, 0.094, 0.546),
    (54, 284): (0.660, -0.370, 0.189),
    (67, 297): (0.389, -0.557, -0.058),
    (116, 345): (0.701, 0.207, 0.121),
    (193, 417): (0.085, -0.056, -0.190),
    (129, 358): (0.234, 0.419, -0.204),
}
"""Corners of the eyes, temples, forehead, cheekbones, nose: x, y and z on the left side.

Points that neither speech nor lids move. They are the mean of 10 faces of the GRID corpus, made
symmetric, in units of the distance between the outer corners of the eyes, and turned so that the
line from forehead (10) to chin (152) is upright: so it is in MediaPipe's own model of a face."""

RIGID = (*_MIDDLE, *(number for pair in _BOTH_SIDES for number in pair))
"""Numbers of the points that move with the head alone."""

RIGID_FACE = np.array(
    [(0.0, *point) for point in _MIDDLE.values()]
    + [(side * x, y, z) for x, y, z in _BOTH_SIDES.values() for side in (-1, 1)]
)
"""These points (21, 3) on a face that looks straight into the camera."""

_CENTRED_FACE = RIGID_FACE - RIGID_FACE.mean(axis=0)


class HeadPose(NamedTuple):
    """Where a head is turned, in degrees.

    Parameters
    ----------
    yaw : float
        Positive: to the right of the image, which is to the person's left.
    pitch : float
        Positive: up.
    roll : float
        Positive: the head is tilted clockwise, as the image shows it.
    """

    yaw: float
    pitch: float
    roll: float


def head_pose(points: np.ndarray) -> HeadPose:
    """Measure where a head is turned: yaw, pitch and roll in degrees.

    The rotation is the one that brings `RIGID_FACE`, scaled and moved, nearest to the same points
    of the mesh (Kabsch 1976). Perspective is left out: a face at the edge of a wide image is turned
    by some degrees more or less than this says.

    Parameters
    ----------
    points : array (468, 3)
        The mesh.

    Returns
    -------
    HeadPose
        The head is rolled first, then pitched, then turned.

    Examples
    --------
    >>> mesh = np.zeros((468, 3))
    >>> mesh[list(RIGID)] = 80 * RIGID_FACE
    >>> [round(angle) for angle in head_pose(mesh)]
    [0, 0, 0]
    """
    covariance = _CENTRED_FACE.T @ points[list(RIGID)]  # the mean of the points drops out
    left, _, right = np.linalg.svd(covariance)
    mirrored = np.linalg.det(left @ right) < 0
    rotation = (left * np.array([1, 1, -1 if mirrored else 1]) @ right).T.tolist()
    x, y, z = (-row[2] for row in rotation)
    angles = (
        math.atan2(x, -z),
        math.asin(min(max(-y, -1), 1)),
        math.atan2(rotation[1][0], rotation[1][1]),
    )
    return HeadPose(*(math.degrees(angle) for angle in angles))


def mouth_opening(points: np.ndarray) -> float:
    """Measure how far the lips are apart, in units of the distance between the eyes.

    It is the mean distance between the inner edges of the lips at three places, relative to the
    distance between the outer corners of the eyes. The width of the mouth is not the unit, as is
    often done, because speech changes it, too. Distances are taken in three dimensions, so that a
    turned head does not shorten them.

    Parameters
    ----------
    points : array (468, 3)
        The mesh.

    Returns
    -------
    float
        About 0 for closed lips; in speech seldom more than 0.3.
    """
    *lips, eyes = _distances(points, (*INNER_LIPS, EYE_CORNERS))
    return sum(lips) / len(lips) / max(eyes, 1e-9)


def eye_openness(points: np.ndarray) -> tuple[float, float]:
    """Measure how open the left and the right eye are: their eye aspect ratio.

    It is the mean distance of the lids at two places, relative to the distance between the corners
    of the eye (Soukupová and Čech 2016).

    Parameters
    ----------
    points : array (468, 3)
        The mesh.

    Returns
    -------
    tuple of (float, float)
        Left and right; an open eye has 0.2 to 0.4, a closed one 0.1 or less.
    """
    return _aspect(points, LEFT_EYE), _aspect(points, RIGHT_EYE)


def _aspect(points: np.ndarray, eye: tuple[int, ...]) -> float:
    outer, upper, upper_inner, inner, lower_inner, lower = eye
    pairs = (upper, lower), (upper_inner, lower_inner), (outer, inner)
    *lids, width = _distances(points, pairs)
    return sum(lids) / 2 / max(width, 1e-9)


def _distances(points: np.ndarray, pairs: Sequence[tuple[int, int]]) -> list[float]:
    first, second = zip(*pairs, strict=True)
    apart = points[list(first)] - points[list(second)]
    found: list[float] = np.sqrt((apart * apart).sum(axis=1)).tolist()
    return found
