"""Which face of a frame is which of those that are followed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from mien.media.face_track import SAME_FACE, FaceTrack
from mien.media.faces import Box, Face, overlap
from mien.resize import resize_to

Describe = Callable[[np.ndarray, Box], np.ndarray]
"""Describes a face, given the image (H, W, 3) uint8 and its box, by a vector (E,)."""

# Crops are compared as grey thumbnails of this edge, pixels.
_LOOK = 12

SURE_OVERLAP, SURE_LEAD, SURE_LOOK = 0.4, 0.3, 0.8
"""A face is the one followed if their boxes overlap by this much, by so much more than with any
other, and if the crops correlate by this much: of one person half a second apart 19 of 20 do, of
two persons 1 of 100 (GRID)."""

LIKE_LOOK, NEAR_OVERLAP = 0.55, 0.2
"""Least correlation of crops, and least overlap, where faces are not described."""


@dataclass(eq=False)
class LiveFace:
    """A track that has not ended, and what its face is recognised by.

    Parameters
    ----------
    track : FaceTrack
        As far as it goes.
    look : array (_LOOK, _LOOK)
        Thumbnail of the last crop, of zero mean and unit length.
    descriptors : list of array (E,)
        Of unit length.
    """

    track: FaceTrack
    look: np.ndarray
    descriptors: list[np.ndarray] = field(default_factory=list)

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

    def near(self, time: float, box: Box) -> float:
        """Give the overlap with a box, where the face was or where it is expected."""
        return max(overlap(self.track.boxes[-1], box), overlap(self.predict(time), box))

    def similarity(self, descriptor: np.ndarray) -> float:
        """Give the cosine with the mean of its descriptors."""
        mean = np.mean(self.descriptors, axis=0)
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
        self,
        live: Sequence[LiveFace],
        faces: Sequence[Face],
        time: float,
        image: np.ndarray,
        recent: float,
    ) -> tuple[dict[int, int], dict[int, np.ndarray]]:
        """Assign faces to live ones.

        Parameters
        ----------
        live : sequence of LiveFace
            Those that are followed.
        faces : sequence of Face
            Those of the frame.
        time : float
            Of the frame, seconds.
        image : array (H, W, 3) uint8
            The frame.
        recent : float
            Seconds since the last detection beyond which boxes alone are not trusted.

        Returns
        -------
        matches : dict of int to int
            By the number of a face that of the live one.
        descriptors : dict of int to array (E,)
            By the number of a face its descriptor, where it was described.
        """
        near = _table(live, faces, lambda one, face: one.near(time, face.box or (0, 0, 1, 1)))
        looks = [look(face.pixels) for face in faces]
        like = np.array([[float((one.look * other).sum()) for other in looks] for one in live])
        like = like.reshape(near.shape)
        late = np.array([time - one.track.end > recent for one in live], bool)
        sure = _unrivalled(near) & (like >= SURE_LOOK) & ~late[:, None]
        matches = {int(j): int(i) for i, j in zip(*np.nonzero(sure), strict=True)}
        rows = [i for i in range(len(live)) if i not in matches.values()]
        columns = [j for j in range(len(faces)) if j not in matches]
        if not rows or not columns:
            return matches, {}
        described = {}
        for j in columns:
            found = self.describe(image, faces[j])
            if found is not None:
                described[j] = found
        score = np.full(near.shape, -1.0)
        for i in rows:
            for j in columns:
                if j in described and live[i].descriptors:
                    cosine = live[i].similarity(described[j])
                    if cosine >= self._threshold:
                        score[i, j] = cosine + 0.05 * near[i, j]
                elif near[i, j] >= NEAR_OVERLAP and like[i, j] >= LIKE_LOOK:
                    score[i, j] = near[i, j] + like[i, j]
        return matches | _greedy(score), described


def look(pixels: np.ndarray) -> np.ndarray:
    """Make the grey thumbnail of a crop (S, S, 3), of zero mean and unit length."""
    grey = resize_to(pixels, _LOOK, _LOOK).astype(np.float32).mean(axis=2)
    grey -= grey.mean()
    unit: np.ndarray = grey / max(float(np.linalg.norm(grey)), 1e-6)
    return unit


def _table(
    live: Sequence[LiveFace], faces: Sequence[Face], value: Callable[[LiveFace, Face], float]
) -> np.ndarray:
    table = np.array([[value(one, face) for face in faces] for one in live], float)
    return table.reshape(len(live), len(faces))


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
