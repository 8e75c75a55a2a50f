"""Observe frames in a thread of their own, while the next ones are decoded and searched."""

from collections.abc import Mapping
from queue import Queue
from threading import Thread
from types import TracebackType

import numpy as np

from mien.media.face_observers import Observer
from mien.media.faces import Box

WAITING = 16
"""Frames that wait at most; then the search for faces waits, too."""


class InBackground:
    """An observer whose work is done in another thread; use it within `with`.

    At the end of the block all frames are done. An error of the observer is raised with the next
    frame, or there.

    Parameters
    ----------
    observer : callable
        What observes the frames, in their order.

    Examples
    --------
    >>> seen = []
    >>> with InBackground(lambda time, image, boxes: seen.append(time)) as observer:
    ...     observer(0.0, np.zeros((2, 2, 3), np.uint8), {})
    >>> seen
    [0.0]
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._queue: Queue[tuple[float, np.ndarray, Mapping[int, Box]] | None] = Queue(WAITING)
        self._thread = Thread(target=self._work, daemon=True)
        self._error: BaseException | None = None

    def __call__(self, time: float, image: np.ndarray, boxes: Mapping[int, Box]) -> None:
        """Take a frame."""
        if self._error is not None:
            raise self._error
        self._queue.put((time, image, dict(boxes)))

    def __enter__(self) -> "InBackground":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._queue.put(None)
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (frame := self._queue.get()) is not None:
            if self._error is None:
                try:
                    self._observer(*frame)
                except BaseException as error:  # it is raised where the frames come from
                    self._error = error
