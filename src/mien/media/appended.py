"""Recordings behind the end of the first one in a file, which FFmpeg passes over in silence."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mien.media.notes import Note

_RIFF, _RIFX = b"RIFF", b"RIFX"
# Boxes of an MP4 that are looked at; one that is cut into more is a long broadcast of fragments.
_BOXES = 100_000


def note_appended(path: Path, container: str) -> Note | None:
    """Tell of another recording that was appended to a WAV, MP4 or MOV and is not read.

    Parameters
    ----------
    path : Path
        The file. Only headers are read.
    container : str
        Its format, as FFmpeg names it.

    Returns
    -------
    Note or None
        None where there is no other recording, or FFmpeg reads it as well.
    """
    find = {"wav": _after_wav, "mov": _after_mov}.get(container.partition(",")[0])
    if find is None:
        return None
    with path.open("rb", buffering=0) as file:
        place = find(file)
    if place is None:
        return None
    what = (
        f"another recording follows at byte {place} and is not read: split the file there, or"
        " convert both into one"
    )
    return Note(path, None, "appended recording", what)


def _after_wav(file: BinaryIO) -> int | None:
    """Give where a second WAV begins, if it is right behind what the first says is its end.

    A length that is unknown or wrong leads anywhere, hardly ever to another header.
    """
    head = file.read(8)
    if head[:4] not in (_RIFF, _RIFX):
        return None
    end = 8 + int.from_bytes(head[4:], "big" if head[:4] == _RIFX else "little")
    for place in (end, end + 1) if end % 2 else (end,):
        file.seek(place)
        following = file.read(12)
        if following[:4] in (_RIFF, _RIFX) and following[8:] == b"WAVE":
            return place
    return None


def _after_mov(file: BinaryIO) -> int | None:
    """Give where a second MP4 begins: behind the first index, at the next `ftyp` or index.

    Where there are fragments FFmpeg goes on with those of the second one.
    """
    found, indexed = None, False
    for place, kind in _boxes(file):
        if kind == b"moof":
            return None
        if indexed and found is None and kind in (b"ftyp", b"moov"):
            found = place
        indexed |= kind == b"moov"
    return found


def _boxes(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the places and kinds of the outermost boxes."""
    place = 0
    for _ in range(_BOXES):
        file.seek(place)
        head = file.read(16)
        size = int.from_bytes(head[:4])
        if size == 1 and len(head) == 16:
            size = int.from_bytes(head[8:])
        if len(head) < 8:
            return
        yield place, head[4:8]
        place += size
        if size < 8 or place > 2**62:  # the last box, which has no length, or no box at all
            return
