"""How many numbers a step has in most arrays of a modality, so that others stand out."""

from collections import Counter, defaultdict

import numpy as np

from mien.errors import MienError

NAMES = {"t": "text", "a": "voice", "v": "face"}

OTHER_WIDTH = "another number of columns than most"


class Widths:
    """The widths of arrays (steps, numbers) by modality.

    A model reads arrays of one width. Which one that is, most arrays decide, and of equally many
    the first.

    Examples
    --------
    >>> widths = Widths()
    >>> for width in (7, 8, 7):
    ...     widths.add("v", width)
    >>> widths.check("v", np.ones((3, 7)), "u1.npz")
    """

    def __init__(self) -> None:
        self._counts: defaultdict[str, Counter[int]] = defaultdict(Counter)

    def add(self, m: str, width: int, times: int = 1) -> None:
        """Count arrays of a width, of the modality with that letter."""
        self._counts[m][width] += times

    def check(self, m: str, array: np.ndarray, where: str) -> None:
        """Refuse an array of another width than most. Raises `MienError`, which says `where`."""
        found = array.shape[1]
        if not self._counts[m]:
            self.add(m, found)
        (usual, _), *_ = self._counts[m].most_common(1)
        if found != usual:
            raise MienError(
                f"{where}: {NAMES[m]} has {found} numbers a step, most have {usual}: write it anew"
            )
