"""What reading a media file has to say about it, other than that it failed."""

from collections.abc import Callable
from pathlib import Path


class Damage(UserWarning):
    """Part of a media file cannot be read; what could be read is used.

    Attributes
    ----------
    at : float
        Seconds from the beginning of the file to where the damage was met.
    """

    def __init__(self, path: Path, at: float, why: str) -> None:
        super().__init__(f"{path}: damaged at {at:.2f} s ({why}); the rest of it is used")
        self.at = at


Report = Callable[[Damage], object]
