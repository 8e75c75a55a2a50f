"""Observers of a video: they are shown every frame, and where the faces in it are."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mien.media.faces import Box

Observer = Callable[[float, np.ndarray, Mapping[int, Box]], None]
"""Receives each frame in order: its time (s), the image (H, W, 3) uint8, and by the id of each
track that is there its box in the image."""

Seen = Mapping[int, tuple[float, Box]]
"""By the id of a track when and where its face was detected last."""

MAX_HELD_BYTES = 256 * 2**20
"""Bytes of the frames that wait for the next search."""

STALE_SECONDS = 1.0
"""How long after its last detection observers are given the box of a face that is missing."""


class FrameRelay:
    """Passes frames on to observers, with boxes interpolated between two searches.

    A frame waits until the next search tells where the faces went, half a second or so. Where the
    frames that wait would take more than `MAX_HELD_BYTES`, they are passed on with the last boxes.

    Parameters
    ----------
    observers : sequence of callable
        Called for each frame in this order.
    """

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers
        self._held: list[tuple[float, np.ndarray]] = []

    def hold(self, time: float, image: np.ndarray, last: Seen) -> None:
        """Take the next frame; `last` are the boxes that are known."""
        if not self._observers:
            return
        self._held.append((time, image))
        if len(self._held) * image.nbytes > MAX_HELD_BYTES:
            self.release(last, {})

    def release(self, before: Seen, after: Seen) -> None:
        """Pass on the frames that wait, between the boxes before and those of a new search."""
        for time, image in self._held:
            boxes = {}
            for track in before.keys() | after.keys():
                box = _box_at(time, before.get(track), after.get(track))
                if box is not None:
                    boxes[track] = box
            for observer in self._observers:
                observer(time, image, boxes)
        self._held.clear()


def _box_at(
    time: float, before: tuple[float, Box] | None, after: tuple[float, Box] | None
) -> Box | None:
    if after is not None and (before is None or time >= after[0]):
        return after[1] if time >= after[0] else None
    if before is None or after is None:
        return before[1] if before is not None and time - before[0] <= STALE_SECONDS else None
    share = (time - before[0]) / (after[0] - before[0])
    left, top, right, bottom = (
        round(a + share * (b - a)) for a, b in zip(before[1], after[1], strict=True)
    )
    return left, top, right, bottom
