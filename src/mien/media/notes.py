"""Notes and reports of damage that reading a media file gives, beside its content."""

from collections.abc import Callable

from mien.utterance import Media


class Note(UserWarning):
    """Something odd about a media file that the user should know; nothing need be lost.

    Parameters
    ----------
    path : Path or MediaBytes
        The file.
    at : float or None
        Seconds from the beginning of the file. None: it concerns the whole file.
    kind : str
        A short phrase by which notes are counted, the same for all of one kind.
    what : str
        The text of the note.

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
        Seconds from the beginning of the file to the damage.
    why : str
        What is wrong.
    kind : str
        See `Note`.
    """

    def __init__(self, path: Media, at: float, why: str, kind: str = "damaged") -> None:
        what = f"damaged at {at:.2f} s ({why}); the rest of it is used"
        super().__init__(path, at, kind, what)


Reporter = Callable[[Note], object]
"""Receives each note as it is found."""
