"""Another recording appended to a file, which FFmpeg ignores without a warning."""

from collections.abc import Iterator
from typing import BinaryIO

from mien.media.notes import Note
from mien.media.streams import open_bytes
from mien.utterance import Media

_RIFF, _RIFX = b"RIFF", b"RIFX"
# Boxes of an MP4 that are searched; a file with more is a long broadcast in fragments.
_BOXES = 100_000


def note_appended(path: Media, container: str) -> Note | None:
    """Note another recording that was appended to a WAV, MP4 or MOV and is not read.

    Parameters
    ----------
    path : Path or MediaBytes
        The file. Only headers are read.
    container : str
        Its format, as FFmpeg names it.

    Returns
    -------
    Note or None
        None where there is no other recording, or FFmpeg reads it too.
    """
    find = {"wav": _after_wav, "mov": _after_mov}.get(container.partition(",")[0])
    if find is None:
        return None
    with open_bytes(path) as file:
        position = find(file)
    if position is None:
        return None
    what = (
        f"another recording follows at byte {position} and is not read: split the file there, or"
        " convert both into one"
    )
    return Note(path, None, "appended recording", what)


def _after_wav(file: BinaryIO) -> int | None:
    """Return where a second WAV begins, if it directly follows the end that the first one states.

    A size that is unknown or wrong hardly ever leads to another header.
    """
    head = file.read(8)
    if head[:4] not in (_RIFF, _RIFX):
        return None
    end = 8 + int.from_bytes(head[4:], "big" if head[:4] == _RIFX else "little")
    for position in (end, end + 1) if end % 2 else (end,):
        file.seek(position)
        following = file.read(12)
        if following[:4] in (_RIFF, _RIFX) and following[8:] == b"WAVE":
            return position
    return None


def _after_mov(file: BinaryIO) -> int | None:
    """Return where a second MP4 begins: after the first index, at the next `ftyp` or index.

    Where there are fragments, FFmpeg goes on to read those of the second one.
    """
    found, indexed = None, False
    for position, kind in _boxes(file):
        if kind == b"moof":
            return None
        if indexed and found is None and kind in (b"ftyp", b"moov"):
            found = position
        indexed |= kind == b"moov"
    return found


def _boxes(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the positions and kinds of the outermost boxes."""
    position = 0
    for _ in range(_BOXES):
        file.seek(position)
        head = file.read(16)
        size = int.from_bytes(head[:4])
        if size == 1 and len(head) == 16:
            size = int.from_bytes(head[8:])
        if len(head) < 8:
            return
        yield position, head[4:8]
        position += size
        if size < 8 or position > 2**62:  # the last box, which has no size, or no box at all
            return
