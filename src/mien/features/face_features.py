"""Hand-crafted features of faces: 35 numbers per frame."""

import numpy as np

from mien.resize import resize_faces

FACE_SIZE = 48
"""Edge of the face crops that are described, pixels."""

REGIONS = {
    "left brow": (slice(8, 16), slice(3, 23)),
    "right brow": (slice(8, 16), slice(25, 45)),
    "left eye": (slice(15, 23), slice(3, 23)),
    "right eye": (slice(15, 23), slice(25, 45)),
    "nose": (slice(22, 34), slice(12, 36)),
    "mouth": (slice(32, 42), slice(8, 40)),
    "chin": (slice(40, 48), slice(8, 40)),
}
"""Rows and columns of such a crop; left and right as in the image."""

DIRECTIONS = ("upright", "rising", "level", "falling")
"""Directions of edges. The brows, lids and lips of a calm face are level."""

SIZE = len(REGIONS) * (1 + len(DIRECTIONS))

_MIN_CONTRAST = 1.0  # grey level: a crop below it is not scaled up


def face_features(faces: np.ndarray) -> np.ndarray:
    """Describe face crops.

    Parameters
    ----------
    faces : array (T, S, S, 3) uint8
        RGB, of any size; they are resized to 48 x 48.

    Returns
    -------
    array (T, 35) float32
        For each of seven `REGIONS`: its brightness, in standard deviations from the mean of the
        face, and its edges in four `DIRECTIONS`, relative to the mean edge of the face.

    Notes
    -----
    The published 35 are the action units of OpenFace, 17 intensities and 18 presences, which it
    computes from histograms of edges of an aligned face (Baltrušaitis et al. 2018). These are
    such histograms, of the regions of the face that the action units describe.

    Examples
    --------
    >>> face_features(np.zeros((2, 112, 112, 3), np.uint8)).shape
    (2, 35)
    """
    import cv2

    described = np.empty((len(faces), SIZE), np.float32)
    for row, face in enumerate(resize_faces(faces, FACE_SIZE)):
        grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.float32)
        across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
        described[row] = _described(grey, across, down)
    return described


def _described(grey: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Describe a grey image (48, 48) by its brightness and its gradients."""
    light = (grey - grey.mean()) / max(float(grey.std()), _MIN_CONTRAST)
    strength = np.hypot(across, down)
    strength = strength / max(float(strength.mean()), _MIN_CONTRAST)
    # an edge is perpendicular to its gradient, and opposite gradients are the same edge
    gradient = np.round(np.arctan2(down, across) / np.pi * len(DIRECTIONS)).astype(int)
    direction = gradient % len(DIRECTIONS)
    maps = [light, *(strength * (direction == n) for n in range(len(DIRECTIONS)))]
    return np.array([m[rows, columns].mean() for rows, columns in REGIONS.values() for m in maps])
