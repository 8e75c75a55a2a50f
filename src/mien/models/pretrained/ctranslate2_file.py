"""Files of CTranslate2 (`model.bin`): named arrays, one after the other, then their other names.

All numbers are little-endian: a version, the name of the model's class, a revision, the number of
variables, and for each its name, rank, sizes, type, number of bytes, and the bytes themselves.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mien.errors import MienError

VERSION = 6
"""The version of the format that is read: that of CTranslate2 4."""

_TYPES = {0: "<f4", 1: "i1", 2: "<i2", 3: "<i4", 4: "<f2"}
_MAX_RANK = 8


class _DamagedError(Exception):
    """What is wrong with a file."""


def read_variables(path: Path, wanted: Callable[[str], bool]) -> dict[str, NDArray[Any]]:
    """Read some variables of a model of CTranslate2.

    The bytes of the others are skipped. Nothing the file says is believed before it is compared
    with what is left of the file, so a damaged one costs no more memory than its size.

    Parameters
    ----------
    path : Path
        The file, `model.bin` in the folder of a model.
    wanted : callable
        Called with the name of each variable, such as "encoder/conv1/weight": is it to be read?

    Returns
    -------
    dict of str to array
        By name and in the order of the file, in the types and shapes of the file, read-only. Other
        names of a variable (aliases) are left out.

    Raises
    ------
    MienError
        The file is missing, damaged, or of another version.
    """
    try:
        with path.open("rb") as file:
            return _variables(_Reader(file), wanted)
    except (OSError, _DamagedError) as error:
        raise MienError(
            f"{path} is no model of CTranslate2 that mien can read ({error}): copy it again"
        ) from error


class _Reader:
    """Take numbers and names from a file that may end anywhere."""

    def __init__(self, file: BinaryIO) -> None:
        self.left = file.seek(0, 2)
        file.seek(0)
        self._file = file

    def take(self, size: int) -> bytes:
        """Read so many bytes, if there are as many."""
        self._pass(size)
        data = self._file.read(size)
        if len(data) < size:  # it became shorter in the meantime
            raise _DamagedError("it ends too early")
        return data

    def skip(self, size: int) -> None:
        """Go on behind so many bytes, if there are as many."""
        self._pass(size)
        self._file.seek(size, 1)

    def number(self, size: int) -> int:
        """Read an unsigned integer of so many bytes."""
        return int.from_bytes(self.take(size), "little")

    def name(self) -> str:
        """Read a text, which has its length before it and a zero at its end."""
        raw = self.take(self.number(2))
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            raise _DamagedError("a name is no text") from error
        if not text.endswith("\0") or "\0" in text[:-1]:
            raise _DamagedError("a name does not end where it should")
        return text[:-1]

    def _pass(self, size: int) -> None:
        if size > self.left:
            raise _DamagedError("it ends too early")
        self.left -= size


def _variables(reader: _Reader, wanted: Callable[[str], bool]) -> dict[str, NDArray[Any]]:
    if (version := reader.number(4)) != VERSION:
        raise _DamagedError(f"version {version}, not {VERSION}")
    reader.name()  # the model's class
    reader.number(4)  # its revision
    seen, read = set(), {}
    # counts need no limit: each round takes bytes, and those are counted
    for _ in range(reader.number(4)):
        name = reader.name()
        if name in seen:
            raise _DamagedError(f"{name} is there twice")
        seen.add(name)
        shape, kind, size = _layout(reader)
        if wanted(name):
            read[name] = np.frombuffer(reader.take(size), kind).reshape(shape)
        else:
            reader.skip(size)
    for _ in range(reader.number(4)):
        reader.name(), reader.name()
    if reader.left:
        raise _DamagedError(f"{reader.left} bytes too many")
    return read


def _layout(reader: _Reader) -> tuple[list[int], np.dtype[Any], int]:
    """Read shape, type and number of bytes of a variable, which must agree."""
    rank = reader.number(1)
    if rank > _MAX_RANK:
        raise _DamagedError(f"an array of {rank} dimensions")
    shape = [reader.number(4) for _ in range(rank)]
    code = reader.number(1)
    if code not in _TYPES:
        raise _DamagedError(f"unknown type of numbers {code}")
    kind, size = np.dtype(_TYPES[code]), reader.number(4)
    # an array of no numbers could have other sizes beyond all limits
    if not size or size != math.prod(shape) * kind.itemsize:
        raise _DamagedError(f"{size} bytes for an array of sizes {shape}")
    return shape, kind, size
