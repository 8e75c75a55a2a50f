"""Synthetic images whose faces are known, and a detector that is told what it finds."""

from collections.abc import Mapping, Sequence

import numpy as np

from mien.media.face_tracking import FaceFollower
from mien.media.faces import Box, Face, overlap

SIZE = 48
EDGE = 80

Cast = Mapping[str, Box]


def pattern(person: str) -> np.ndarray:
    """Give the crop of a person, rough enough to be told from others by a thumbnail."""
    rough = np.random.default_rng(list(person.encode())).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return rough.repeat(SIZE // 6, axis=0).repeat(SIZE // 6, axis=1)


def descriptor(person: str) -> np.ndarray:
    """Give the descriptor of a person, almost at right angles to that of another."""
    return np.random.default_rng(list(person.encode())).normal(size=128)


def background(scene: int) -> np.ndarray:
    """Make an image (36, 64, 3) of a scene; two scenes have nothing in common."""
    return np.random.default_rng(scene).integers(0, 256, (36, 64, 3), dtype=np.uint8)


class ScriptedCropper:
    """Finds in each image the faces that were put there; counts the searches."""

    def __init__(self) -> None:
        self.casts: dict[int, Cast] = {}
        self.images: list[np.ndarray] = []
        self.searches: list[bool] = []

    def image(self, scene: int, cast: Cast) -> np.ndarray:
        """Make an image of some faces, whose coming and going a corner shows."""
        image = background(scene)
        image[:4, :4] = 16 * sum(1 << "abcd".index(person[0]) for person in cast)
        self.images.append(image)
        self.casts[id(image)] = cast
        return image

    def crop_all(self, frame: np.ndarray, size: int, near: Sequence[Box] = ()) -> list[Face]:
        """Find the faces; with `near` only those that are there."""
        self.searches.append(not near)
        found = [
            Face(pixels=pattern(person), found=True, box=box, confidence=0.9)
            for person, box in self.casts[id(frame)].items()
        ]
        if near:
            found = [f for f in found if any(overlap(f.box, box) > 0.1 for box in near)]
        return found

    def describe(self, image: np.ndarray, box: Box) -> np.ndarray:
        """Describe the face at a box."""
        return next(descriptor(p) for p, b in self.casts[id(image)].items() if b == box)


def square(x: float, y: float = 100.0) -> Box:
    """Give the box of a face of `EDGE` pixels about a middle."""
    left, top = round(x - EDGE / 2), round(y - EDGE / 2)
    return left, top, left + EDGE, top + EDGE


def followed(cropper: ScriptedCropper, **options) -> FaceFollower:
    """Begin to follow the faces of scripted images."""
    return FaceFollower(cropper, size=SIZE, **options)
