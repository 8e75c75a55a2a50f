"""What reading a media file has to say about it, other than that it failed."""

from collections.abc import Callable

from mien.utterance import Media


class Note(UserWarning):
    """Something odd about a media file that whoever uses it should know; nothing need be lost.

    Parameters
    ----------
    path : Path or MediaBytes
        The file.
    at : float or None
        Seconds from the beginning of the file to where it is met. None: it is about the whole.
    kind : str
        A short phrase that is the same for all notes of one kind, to be counted by.
    what : str
        The note in words.

    Attributes
    ----------
    at, kind
        As given.
    """

    def __init__(self, path: Media, at: float | None, kind: str, what: str) -> None:
        super().__init__(f"{path}: {what}")
        self.at = at
        self.kind = kind


class Damage(Note):
    """Part of a media file cannot be read; what could be read is used.

    Parameters
    ----------
    path : Path or MediaBytes
        The file.
    at : float
        Seconds from the beginning of the file to where the damage was met.
    why : str
        What is wrong there.
    kind : str
        See `Note`.
    """

    def __init__(self, path: Media, at: float, why: str, kind: str = "damaged") -> None:
        what = f"damaged at {at:.2f} s ({why}); the rest of it is used"
        super().__init__(path, at, kind, what)


Report = Callable[[Note], object]
