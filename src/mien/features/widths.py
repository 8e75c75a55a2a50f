"""Find arrays with another number of features per step than most of their modality."""

from collections import Counter, defaultdict

import numpy as np

from mien.errors import MienError

OTHER_WIDTH = "another number of columns than most"


class Widths:
    """Counts the widths of arrays (steps, features) by modality.

    A model takes arrays of one width: the most frequent one, of equally frequent ones the first.

    Examples
    --------
    >>> widths = Widths()
    >>> for width in (7, 8, 7):
    ...     widths.add("v", width)
    >>> widths.check("v", np.ones((3, 7)), "u1.npz, face")
    """

    def __init__(self) -> None:
        self._counts: defaultdict[str, Counter[int]] = defaultdict(Counter)

    def add(self, m: str, width: int, times: int = 1) -> None:
        """Count arrays of a width, for the letter of a modality."""
        self._counts[m][width] += times

    def check(self, m: str, array: np.ndarray, where: str) -> None:
        """Refuse an array of another width than most. Raises `MienError`, which names `where`."""
        found = array.shape[1]
        if not self._counts[m]:
            self.add(m, found)
        (usual, _), *_ = self._counts[m].most_common(1)
        if found != usual:
            raise MienError(
                f"{where}: {found} features per step, most have {usual}: write it again"
            )
