"""Cuts of scene, told from thumbnails of consecutive frames."""

from typing import Literal

import numpy as np

from mien.resize import resize_area

# A frame is compared as a grey thumbnail, block by block; each block may have moved.
_WIDTH, _HEIGHT, _BLOCK, _REACH = 48, 27, 9, 6

EXPLAINED = 0.9
"""Share of the variance of a thumbnail that is found again in the next one, below which the scene
may be cut: the faces tell.

Half a second apart it is .96 or more within GRID's recordings, and .55 to .89 from one recording to
another. But it is .85 where a face is covered, and .7 to .9 where persons cross the image."""

CERTAIN = 0.4
"""Share below which the scene is cut for certain."""

Change = Literal["cut", "perhaps"] | None
"""Whether the scene is cut at a frame."""

BLANK = 4.0
"""Standard deviation, in grey levels, below which a frame shows nothing, as in a fade to black."""

BRIGHTER = 20.0
"""Grey levels by which a frame is brighter than the one before if a flash lights it."""

FLASH_SECONDS = 0.15
"""Longest flash: by then it is a cut if what was there before does not come back."""


class CutFinder:
    """Tells where a scene is cut or may be cut, fed with the frames of a video in order.

    Brightness and contrast are evened out, and parts of the image may move, so that fades and small
    movements are no cuts. A blank frame, such as the middle of a fade, is no cut either: the next
    frame that shows something is compared with the last one that did. So is what follows a flash.
    A dissolve is found as far as consecutive frames differ.

    Examples
    --------
    >>> rng, find = np.random.default_rng(0), CutFinder()
    >>> one, other = rng.integers(0, 256, (2, 9, 16, 3), dtype=np.uint8)
    >>> [find(time, image) for time, image in enumerate([one, one, one // 2, other])]
    [None, None, None, 'cut']
    """

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._image: np.ndarray | None = None
        self._time = 0.0
        self.thumbnail = np.zeros((_HEIGHT, _WIDTH), np.float32)
        """The last frame in grey levels."""
        self.unsure = False
        """Whether the last frame is a flash or a cut: the next ones will tell."""

    def __call__(self, time: float, image: np.ndarray) -> Change:
        """Tell whether the scene is cut between the frame before and this one (H, W, 3) uint8."""
        if image is self._image:
            self._time = self._time if self.unsure else time
            return None
        resized = self._image is not None and self._image.shape != image.shape
        self._image = image
        now = self.thumbnail = _thumbnail(image)
        before, gap = self._before, time - self._time
        if before is None or resized:
            self._remember(time, now)
            return "cut" if resized else None
        if now.std() < BLANK:
            return None
        found = _explained_in_place(before, now)
        if found < EXPLAINED:  # which takes longer
            found = explained(before, now)
        changed = found < EXPLAINED
        self.unsure = changed and gap <= FLASH_SECONDS and now.mean() - before.mean() > BRIGHTER
        if self.unsure:
            return None
        self._remember(time, now)
        return "cut" if found < CERTAIN else "perhaps" if changed else None

    def _remember(self, time: float, thumbnail: np.ndarray) -> None:
        self._before, self._time = thumbnail, time


def explained(before: np.ndarray, after: np.ndarray) -> float:
    """Give the share of the variance of a thumbnail that is found again in the next one.

    Parameters
    ----------
    before, after : array (H, W) float32
        Grey levels.

    Returns
    -------
    float
        1 where each block of the first is somewhere near its place in the second.
    """
    import cv2

    first, second = _evened(before), _evened(after)
    wide = cv2.copyMakeBorder(second, *(_REACH,) * 4, cv2.BORDER_REPLICATE)
    missing = 0.0
    for top in range(0, _HEIGHT - _BLOCK + 1, _BLOCK):
        for left in range(0, _WIDTH - _BLOCK + 1, _BLOCK):
            block = first[top : top + _BLOCK, left : left + _BLOCK]
            near = wide[top : top + _BLOCK + 2 * _REACH, left : left + _BLOCK + 2 * _REACH]
            missing += max(float(cv2.matchTemplate(near, block, cv2.TM_SQDIFF).min()), 0.0)
    return 1 - missing / first.size


def _explained_in_place(before: np.ndarray, after: np.ndarray) -> float:
    """Give what `explained` gives at least: the share where no block has moved."""
    apart = _evened(before) - _evened(after)
    return 1 - float(np.vdot(apart, apart)) / apart.size


def _thumbnail(image: np.ndarray) -> np.ndarray:
    # four rows and columns a pixel are enough, in a tenth of the time
    step = max(min(image.shape[0] // (4 * _HEIGHT), image.shape[1] // (4 * _WIDTH)), 1)
    image = np.ascontiguousarray(image[::step, ::step])
    small = resize_area(image, _WIDTH, _HEIGHT).astype(np.float32)
    grey: np.ndarray = small @ np.array([0.299, 0.587, 0.114], np.float32)
    return grey


def _evened(grey: np.ndarray) -> np.ndarray:
    """Scale to a mean of 0 and a variance of 1, but for what is nearly blank."""
    evened: np.ndarray = (grey - grey.mean()) / np.sqrt(grey.var() + 1)
    return evened
