"""When the whole of a frame is searched for faces, which takes ten times as long as near others."""

from collections.abc import Sequence

import numpy as np

FULL_SEARCH_INTERVAL = 1.0
"""Seconds from one search of a whole frame to the next, where something moves."""

STILL_INTERVAL = 10.0
"""The same where nothing moves but the faces that are followed."""

Place = tuple[float, float, float, float]
"""Left, top, right and bottom of a face, in places of a thumbnail."""

APPEARED = 12.0
"""Grey levels by which a place of a thumbnail changes where something moves or appears.

The smallest face that is found is 3 % of the width, one and a half places of a thumbnail; noise of
a standard deviation of 10 grey levels in each pixel changes a place by 2.4 (640 x 360)."""


class FullSearch:
    """Tells when a whole frame is due, after one has been searched.

    Parameters
    ----------
    early : float
        Seconds by which a search may come early: half of the time from one search to the next.

    Examples
    --------
    >>> full, empty = FullSearch(0.25), np.zeros((27, 48), np.float32)
    >>> full.done(0.0, empty)
    >>> full.is_due(1.0, empty, []), full.is_due(1.0, empty + 20, []), full.is_due(10.0, empty, [])
    (False, True, True)
    """

    def __init__(self, early: float) -> None:
        self._early = early
        self._time = -np.inf
        self._thumbnail = np.zeros((0, 0), np.float32)

    def done(self, time: float, thumbnail: np.ndarray) -> None:
        """Remember that a frame was searched, and its thumbnail (H, W) in grey levels."""
        self._time, self._thumbnail = time, thumbnail

    def is_due(self, time: float, thumbnail: np.ndarray, faces: Sequence[Place]) -> bool:
        """Tell whether a whole frame has to be searched.

        Parameters
        ----------
        time : float
            Seconds.
        thumbnail : array (H, W) float32
            Of the frame, as `mien.media.scene_cuts.CutFinder` makes it.
        faces : sequence of (left, top, right, bottom)
            Those that are followed. What moves there, half their size around them, and below
            them, where their bodies are, doesn't count.
        """
        since = time - self._time + self._early
        if since >= STILL_INTERVAL:
            return True
        return since >= FULL_SEARCH_INTERVAL and self._has_changed(thumbnail, faces)

    def _has_changed(self, thumbnail: np.ndarray, faces: Sequence[Place]) -> bool:
        apart = np.abs(thumbnail - self._thumbnail)
        for left, top, right, bottom in faces:
            width, height = right - left, bottom - top
            head = _part(left - width / 2, top - height / 2, right + width / 2, bottom + height / 2)
            body = _part(left - width, bottom - height / 2, right + width, len(apart))
            apart[head] = apart[body] = 0
        return bool(apart.max() > APPEARED)


def _part(left: float, top: float, right: float, bottom: float) -> tuple[slice, slice]:
    """Give the rows and columns of a rectangle that may begin outside."""
    return (
        slice(max(round(top), 0), max(round(bottom), 0)),
        slice(max(round(left), 0), max(round(right), 0)),
    )
