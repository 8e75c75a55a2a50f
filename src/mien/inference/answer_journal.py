"""The journal of a file of predictions: what is done already, whatever interrupts the work.

A text file beside the file of predictions, with a JSON object a line: first what it was begun with,
then an entry for each clip, in the order in which they were done. A line that an interruption left
unfinished is dropped.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.files import sync, unwritable

JOURNAL = ".journal"
"""Ending of its name, behind that of the file of predictions."""

SYNC_SECONDS = 1.0
"""Entries of so many seconds may be lost when the machine itself fails."""

Entry = dict[str, Any]


BEGINNING = b'{"journal": 1'
"""How every journal begins."""


class AnswerJournal:
    """The journal of a file of predictions. Only one process has it open at a time.

    Parameters
    ----------
    path : Path
        The file, which is created if there is none.

    Raises
    ------
    MienError
        Another process has it open, it can't be written, or it is no journal.

    Attributes
    ----------
    header : dict or None
        What it was begun with; None if it is new.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header: Entry | None = None
        self._places: dict[int, int] = {}
        self._synced = time.monotonic()
        try:
            self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", 0)
            self._lock()
            self._read()
        except OSError as error:
            raise unwritable(path, error) from error

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise MienError(
                f"{self.path}: another command is writing this file; wait for it, or name another",
                parameter="out",
            ) from None
        except OSError:  # a file system without locks
            pass

    def _read(self) -> None:
        """Find all entries, and cut off what follows the last whole line."""
        with open(self._file.fileno(), "rb", closefd=False) as file:
            first = file.read(len(BEGINNING))
            if not BEGINNING.startswith(first):
                raise MienError(f"{self.path} is no journal of mien: move it away", parameter="out")
            file.seek(end := 0)
            for line in file:
                if (entry := _parsed(line)) is None:
                    break
                if end == 0:
                    self.header = entry
                else:
                    self._places[entry["clip"]] = end
                end += len(line)
        self._file.truncate(end)
        self._file.seek(end)

    def begin(self, header: Mapping[str, Any]) -> None:
        """Record what a new journal is begun with: plain JSON values. Raises `MienError`."""
        try:
            self._append({"journal": 1, **header})
            os.fsync(self._file.fileno())
            sync(self.path.parent)
        except OSError as error:
            raise unwritable(self.path, error) from error
        self.header = dict(header)

    def _append(self, entry: Entry) -> int:
        place = self._file.tell()
        text = json.dumps(entry, ensure_ascii=False, allow_nan=False) + "\n"
        left = memoryview(text.encode())
        while left:
            left = left[self._file.write(left) :]
        return place

    def add(self, clip: int, entry: Entry) -> None:
        """Record a clip by its number; an entry that it has already is replaced.

        Raises
        ------
        MienError
            It can't be written.
        """
        try:
            self._places[clip] = self._append({"clip": clip, **entry})
            if time.monotonic() - self._synced >= SYNC_SECONDS:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise unwritable(self.path, error) from error

    def __contains__(self, clip: int) -> bool:
        """Tell whether a clip is recorded."""
        return clip in self._places

    def __len__(self) -> int:
        """Count the clips that are recorded."""
        return len(self._places)

    def __iter__(self) -> Iterator[int]:
        """List the clips that are recorded."""
        return iter([*self._places])

    def __getitem__(self, clip: int) -> Entry:
        """Read the entry of a clip."""
        end = self._file.tell()
        self._file.seek(self._places[clip])
        with open(self._file.fileno(), "rb", closefd=False) as file:
            line = file.readline()
        self._file.seek(end)
        return dict(json.loads(line))

    def forget(self, clip: int) -> None:
        """Take a clip for one that is not recorded."""
        del self._places[clip]

    def close(self) -> None:
        """Close it, with all that is recorded on the disk; delete it if nothing is."""
        if self._file.closed:
            return
        if self.header is None:
            self.path.unlink(missing_ok=True)
        with suppress(OSError):
            os.fsync(self._file.fileno())
        self._file.close()

    def remove(self) -> None:
        """Close and delete it."""
        self.path.unlink(missing_ok=True)
        self._file.close()


def _parsed(line: bytes) -> Entry | None:
    """Read a line; None if it is not whole."""
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and _is_entry(entry) else None


def _is_entry(entry: Entry) -> bool:
    """Tell the header, and the entry of a clip, from anything else."""
    of_clip = type(entry.get("clip")) is int and isinstance(entry.get("row"), dict)
    return "journal" in entry or (of_clip and "files" in entry)
