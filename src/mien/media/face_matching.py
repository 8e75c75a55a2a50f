"""Which face of a frame is which of those that are followed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from mien.media.crop_codec import encode_crop
from mien.media.face_track import SAME_FACE, FaceTrack
from mien.media.faces import Box, Face, overlap
from mien.resize import resize_to

Describe = Callable[[np.ndarray, Box], np.ndarray]
"""Describes a face, given the image (H, W, 3) uint8 and its box, by a vector (E,)."""

# Crops are compared as grey thumbnails of this edge, pixels.
_LOOK = 12

SURE_OVERLAP, SURE_LEAD = 0.4, 0.3
"""A face is the one followed if their boxes overlap by this much, and by so much more than with any
other, and if they look alike."""

SURE_LOOK, SURE_LOOK_AT_CUT = 0.8, 0.9
"""Least correlation of the crops, and where the scene may be cut.

Of one person half a second apart 19 of 20 are above .84 and half above .96, of two persons 1 of 100
is above .80 and none above .87 (GRID)."""

LIKE_LOOK, NEAR_OVERLAP = 0.55, 0.1
"""Least correlation of crops, and least overlap, where faces are not described."""


@dataclass(eq=False)
class LiveFace:
    """A track that has not ended, and what its face is recognised by.

    Parameters
    ----------
    track : FaceTrack
        As far as it goes.
    crops : bool
        Keep its crops: compressing them takes as long as finding them.
    """

    track: FaceTrack
    crops: bool = True
    _face: Face | None = None
    _look: np.ndarray | None = None
    _descriptors: list[np.ndarray] = field(default_factory=list)

    def extend(self, time: float, face: Face, descriptor: np.ndarray | None) -> None:
        """Add a detection, and the descriptor (E,) of unit length if the face was described."""
        assert face.box is not None
        assert face.confidence is not None
        track, same = self.track, face is self._face  # the image was the same
        if self.crops:
            track.crops.append(track.crops[-1] if same else encode_crop(face.pixels))
        track.times.append(time)
        track.boxes.append(face.box)
        track.confidences.append(face.confidence)
        self._face, self._look = face, look(face.pixels)
        if descriptor is not None:
            self._descriptors.append(descriptor)

    def is_due(self, face: Face) -> bool:
        """Tell whether to describe the face: the first, and ever fewer of the later ones.

        Describing takes longer than detecting.
        """
        count = len(self.track.times)
        return face is not self._face and (count == 0 or (count >= 4 and count & (count - 1) == 0))

    def close(self) -> FaceTrack:
        """End the track, with its mean embedding."""
        if self._descriptors:
            mean = np.mean(self._descriptors, axis=0)
            self.track.embedding = mean / np.linalg.norm(mean)
        return self.track

    def predict(self, time: float) -> Box:
        """Tell where the face is if it goes on as it moved between its last two detections."""
        times, boxes = self.track.times[-2:], self.track.boxes[-2:]
        if len(times) < 2 or time - times[1] > 2 * (times[1] - times[0]):
            return boxes[-1]
        share = (time - times[1]) / (times[1] - times[0])
        moved = [share * (b - a) for a, b in zip(*boxes, strict=True)]
        # the size is left alone: it changes more by chance than by movement
        x, y = round((moved[0] + moved[2]) / 2), round((moved[1] + moved[3]) / 2)
        left, top, right, bottom = boxes[1]
        return left + x, top + y, right + x, bottom + y

    def near(self, time: float, box: Box | None) -> float:
        """Give the overlap with a box, where the face was or where it is expected."""
        if box is None:
            return 0.0
        return max(overlap(self.track.boxes[-1], box), overlap(self.predict(time), box))

    def likeness(self, other: np.ndarray) -> float:
        """Give the correlation of the last crop with another, by their thumbnails."""
        return 0.0 if self._look is None else float((self._look * other).sum())

    def similarity(self, descriptor: np.ndarray) -> float | None:
        """Give the cosine with the mean of the descriptors; None: the face was not described."""
        if not self._descriptors:
            return None
        mean = np.mean(self._descriptors, axis=0)
        return float(mean @ descriptor / np.linalg.norm(mean))


class FaceMatcher:
    """Assigns the faces of a frame to those that are followed.

    Where the boxes and the looks leave no doubt, they decide. Else faces are described; without a
    descriptor the looks decide among faces that overlap.

    Parameters
    ----------
    describe : callable, optional
        See `Describe`.
    threshold : float
        Cosine of descriptors from which on two faces are of one person.
    """

    def __init__(self, describe: Describe | None = None, threshold: float = SAME_FACE) -> None:
        self._describe, self._threshold = describe, threshold

    def describe(self, image: np.ndarray, face: Face) -> np.ndarray | None:
        """Describe a face by a vector (E,) of unit length; None without a descriptor."""
        if self._describe is None or face.box is None:
            return None
        found = np.asarray(self._describe(image, face.box), np.float32)
        unit: np.ndarray = found / np.linalg.norm(found)
        return unit

    def match(
        self, live: Sequence[LiveFace], faces: Sequence[Face], scene: "Scene"
    ) -> tuple[dict[int, int], dict[int, np.ndarray]]:
        """Assign faces to live ones.

        Parameters
        ----------
        live : sequence of LiveFace
            Those that are followed.
        faces : sequence of Face
            Those of the frame.
        scene : Scene
            The frame.

        Returns
        -------
        matches : dict of int to int
            By the number of a face that of the live one.
        descriptors : dict of int to array (E,)
            By the number of a face its descriptor, where it was described.
        """
        shape = len(live), len(faces)
        looks = [look(face.pixels) for face in faces]
        near = np.array([[one.near(scene.time, face.box) for face in faces] for one in live])
        like = np.array([[one.likeness(other) for other in looks] for one in live])
        near, like = near.reshape(shape), like.reshape(shape)
        alike = like >= (SURE_LOOK_AT_CUT if scene.suspect else SURE_LOOK)
        seen = np.array([scene.time - one.track.end <= scene.recent for one in live], bool)
        sure = _unrivalled(near) & alike & seen[:, None]
        matches = {int(j): int(i) for i, j in zip(*np.nonzero(sure), strict=True)}
        rows = sorted(set(range(len(live))) - set(matches.values()))
        columns = sorted(set(range(len(faces))) - set(matches))
        described = {}
        score = np.full(near.shape, -1.0)
        for j in columns if rows else []:
            descriptor = self.describe(scene.image, faces[j])
            if descriptor is not None:
                described[j] = descriptor
            for i in rows:
                score[i, j] = self._score(live[i], descriptor, near[i, j], like[i, j], scene)
        return matches | _greedy(score), described

    def _score(
        self,
        one: LiveFace,
        descriptor: np.ndarray | None,
        near: float,
        like: float,
        scene: "Scene",
    ) -> float:
        """Tell how well a face fits a live one whose place does not tell; 0 or less: not at all."""
        if near < NEAR_OVERLAP and (scene.suspect or descriptor is None):
            return 0.0
        cosine = None if descriptor is None else one.similarity(descriptor)
        if cosine is not None:
            # the place tells only between two that are as similar
            return cosine + 0.05 * near if cosine >= self._threshold else 0.0
        return near + like if like >= (SURE_LOOK if scene.suspect else LIKE_LOOK) else 0.0


@dataclass(frozen=True, eq=False)
class Scene:
    """A frame in which faces are assigned.

    Parameters
    ----------
    time : float
        Seconds.
    image : array (H, W, 3) uint8
        RGB.
    suspect : bool
        Whether the scene may have been cut: faces that moved away are others then.
    recent : float
        Seconds since the last detection up to which the place of a face is trusted.
    """

    time: float
    image: np.ndarray
    suspect: bool
    recent: float


def look(pixels: np.ndarray) -> np.ndarray:
    """Make the grey thumbnail of a crop (S, S, 3), of zero mean and unit length."""
    grey = resize_to(pixels, _LOOK, _LOOK).astype(np.float32).mean(axis=2)
    grey -= grey.mean()
    unit: np.ndarray = grey / max(float(np.linalg.norm(grey)), 1e-6)
    return unit


def _unrivalled(near: np.ndarray) -> np.ndarray:
    """Tell which pairs overlap by much more than either of them does with any other."""
    rivals = np.zeros_like(near)
    for i, j in np.ndindex(*near.shape):
        rivals[i, j] = max([*np.delete(near[i], j), *np.delete(near[:, j], i)], default=0.0)
    return (near >= SURE_OVERLAP) & (near - rivals >= SURE_LEAD)


def _greedy(score: np.ndarray) -> dict[int, int]:
    """Pair rows and columns from the highest score down, each once, while it is positive."""
    pairs: dict[int, int] = {}
    for flat in np.argsort(-score, axis=None, kind="stable"):
        i, j = divmod(int(flat), score.shape[1])
        if score[i, j] <= 0:
            break
        if j not in pairs and i not in pairs.values():
            pairs[j] = i
    return pairs
