"""Resize images."""

import numpy as np


def resize_faces(faces: np.ndarray, size: int) -> np.ndarray:
    """Resize square face crops.

    Parameters
    ----------
    faces : array (T, S, S, 3) uint8
        RGB.
    size : int
        Edge of the crops returned, pixels.

    Returns
    -------
    array (T, size, size, 3) uint8
        Area interpolation where they shrink, cubic where they grow; the crops themselves where they
        have that size.

    Examples
    --------
    >>> resize_faces(np.full((2, 112, 112, 3), 7, np.uint8), 48).shape
    (2, 48, 48, 3)
    """
    if faces.shape[1] == size:
        return faces
    scaled = [resize_image(face, size) for face in faces]
    return np.stack(scaled) if scaled else np.empty((0, size, size, 3), faces.dtype)


def resize_image(image: np.ndarray, size: int) -> np.ndarray:
    """Resize an image to a square, as `resize_to` does."""
    return resize_to(image, size, size)


def resize_to(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize an image.

    Area interpolation along each side that shrinks, then cubic where one grows.
    """
    import cv2

    rows, columns = image.shape[:2]
    small = resize_area(image, min(columns, width), min(rows, height))
    if small.shape[:2] == (height, width):
        return small
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def resize_area(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize an image by OpenCV's area interpolation, the mean of each area where it shrinks."""
    import cv2

    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
