"""The faces of the last seconds of a stream, in bounded memory."""

import math
from collections import deque
from collections.abc import Callable

import numpy as np

from mien.media.faces import Face


class RecentFaces:
    """Searches frames for a face, not all of them, and keeps the last crops.

    Parameters
    ----------
    seconds : float
        For how long a crop is kept.
    interval : float
        Seconds from one frame that is searched to the next: the first frame at or after each
        multiple is, as in a file.
    """

    def __init__(self, seconds: float, interval: float) -> None:
        self._interval = interval
        self._next = 0.0
        self._faces: deque[tuple[float, Face]] = deque(maxlen=math.ceil(seconds / interval) + 1)

    def is_due(self, time: float) -> bool:
        """Tell whether a frame of this time, in seconds, is to be searched."""
        return time >= self._next

    def add(self, frame: np.ndarray, time: float, crop: Callable[[np.ndarray], Face]) -> None:
        """Search a frame (H, W, 3) uint8 that is due."""
        self._next = (math.floor(time / self._interval) + 1) * self._interval
        self._faces.append((time, crop(frame)))

    def between(self, start: float, end: float) -> list[tuple[float, Face]]:
        """Return the searched frames of a span, with their times in seconds from its start."""
        return [(time - start, face) for time, face in self._faces if start <= time < end]
