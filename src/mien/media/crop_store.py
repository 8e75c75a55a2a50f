"""Compressed face crops of a long recording, in a temporary file."""

from collections.abc import Sequence
from os import SEEK_END
from pathlib import Path
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import IO, cast, overload

IN_MEMORY = 64 * 2**20
"""Bytes of crops from which on they go to the disk: two faces of 112 pixels for 20 minutes."""


class CropStore:
    """Keeps the crops of all tracks of a recording; what is beyond `IN_MEMORY` is on the disk.

    Parameters
    ----------
    path : Path, optional
        The file. What it holds already can be read; what is written comes behind it. None: a
        file without a name, which is gone as soon as nothing refers to the store.

    Examples
    --------
    >>> store = CropStore()
    >>> one, other = StoredCrops(store), StoredCrops(store)
    >>> one.append(b"a"); other.append(b"bc"); one.append(b"d")
    >>> one[:], other[-1], len(one)
    ([b'a', b'd'], b'bc', 2)
    """

    def __init__(self, path: Path | None = None) -> None:
        # not closed here: the files live as long as the crops
        self._file: IO[bytes] = (
            cast(IO[bytes], SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115
            if path is None
            else path.open("a+b")
        )
        self._end = self._file.seek(0, SEEK_END)
        self._using = Lock()

    def write(self, data: bytes) -> tuple[int, int]:
        """Keep a crop, and give its place: offset and length."""
        with self._using:
            self._file.seek(self._end)
            self._file.write(data)
            place = self._end, len(data)
            self._end += len(data)
        return place

    def read(self, place: tuple[int, int]) -> bytes:
        """Give the crop at a place."""
        with self._using:
            self._file.seek(place[0])
            return self._file.read(place[1])


class StoredCrops(Sequence[bytes]):
    """The crops of one track, read from a store when they are asked for.

    Parameters
    ----------
    store : CropStore
        Where they are kept.
    places : sequence of (offset, length)
        Of those that the store holds already.
    """

    def __init__(self, store: CropStore, places: Sequence[tuple[int, int]] = ()) -> None:
        self._store = store
        self.places: list[tuple[int, int]] = list(places)

    def append(self, data: bytes) -> None:
        """Add a crop; one that is the same as the last takes no place."""
        if self.places and self[-1] == data:
            self.places.append(self.places[-1])
        else:
            self.places.append(self._store.write(data))

    def __len__(self) -> int:
        """Count the crops."""
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> bytes: ...

    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...

    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        """Read one crop, or several."""
        if isinstance(index, slice):
            return [self._store.read(place) for place in self.places[index]]
        return self._store.read(self.places[index])
