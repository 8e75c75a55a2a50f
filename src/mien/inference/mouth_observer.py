"""What faces do while they are followed: pose, mouth and eyes, a few numbers a face and frame."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mien.models.face_geometry import eye_openness, head_pose, mouth_opening
from mien.models.pretrained.face_landmarks import PRESENT, Box, FaceLandmarks, Landmarks

MEASURES = (
    *("left", "top", "right", "bottom"),
    *("yaw", "pitch", "roll", "mouth", "left_eye", "right_eye"),
)
"""The columns of a `FaceSeries`, as `mien.models.face_geometry` defines them."""

_NEXT = 0.25
"""Seconds from one frame to the next within which the points of a face are near those before."""


@dataclass
class FaceSeries:
    """The measures of one face over time.

    An hour at 25 frames a second takes 4.3 MB.
    """

    _times: "array[float]" = field(default_factory=lambda: array("d"))
    _values: "array[float]" = field(default_factory=lambda: array("f"))

    @classmethod
    def of(cls, times: np.ndarray, values: np.ndarray) -> "FaceSeries":
        """Make a series of times (N,) and measures (N, 11)."""
        return cls(array("d", times.tolist()), array("f", values.reshape(-1).tolist()))

    def moved(self, seconds: float) -> "FaceSeries":
        """Return the series so much later."""
        return FaceSeries.of(self.times + seconds, self.values)

    def append(self, time: float, values: Mapping[str, float]) -> None:
        """Add a frame; measures that are missing in `values` are NaN."""
        self._times.append(time)
        self._values.extend(values.get(name, np.nan) for name in MEASURES)

    @property
    def times(self) -> np.ndarray:
        """Seconds (N,) from the beginning of the recording, ascending."""
        return np.array(self._times)

    @property
    def values(self) -> np.ndarray:
        """The measures (N, 10) float32, NaN where they are not known."""
        return np.array(self._values, np.float32).reshape(-1, len(MEASURES))

    def __getitem__(self, name: str) -> np.ndarray:
        """One of `MEASURES` (N,) float32."""
        return self.values[:, MEASURES.index(name)]


class MouthObserver:
    """Measures every face in every frame, while somebody else follows the faces.

    Parameters
    ----------
    landmarks : FaceLandmarks, optional
        What finds the points of a face; by default one of its own.

    Raises
    ------
    MienError
        The package with the weights is not installed.

    Examples
    --------
    >>> observer = MouthObserver()
    >>> observer(0.0, np.zeros((120, 160, 3), np.uint8), {1: (40, 20, 120, 100)})
    >>> observer.faces[1].times.tolist(), observer.faces[1]["mouth"].tolist()  # there is no face
    ([0.0], [nan])
    """

    def __init__(self, landmarks: FaceLandmarks | None = None) -> None:
        self.faces: dict[int, FaceSeries] = {}
        """What was measured so far, by track."""
        self._landmarks = landmarks or FaceLandmarks()
        self._latest: dict[int, Landmarks] = {}
        self._time = -np.inf

    def __call__(self, time: float, image: np.ndarray, boxes: Mapping[int, Box]) -> None:
        """Measure the faces of a frame.

        Parameters
        ----------
        time : float
            Seconds from the beginning of the recording, later than that of the frame before.
        image : array (H, W, 3) uint8
            RGB. It is not kept.
        boxes : mapping of int to (left, top, right, bottom)
            By track where the face is in this frame, in pixels.
        """
        before = self._latest if time - self._time <= _NEXT else {}
        self._latest = {
            track: self._landmarks(image, box, before.get(track)) for track, box in boxes.items()
        }
        self._time = time
        for track, box in boxes.items():
            where = dict(zip(MEASURES, box, strict=False))
            measured = _measure(self._latest[track])
            self.faces.setdefault(track, FaceSeries()).append(time, where | measured)


def _measure(found: Landmarks) -> dict[str, float]:
    """Measure the points of a face; nothing, if there is none."""
    if found.presence < PRESENT:
        return {}
    left, right = eye_openness(found.points)
    return {
        **head_pose(found.points)._asdict(),
        "mouth": mouth_opening(found.points),
        "left_eye": left,
        "right_eye": right,
    }
