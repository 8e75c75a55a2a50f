"""Locks between the processes of one machine that share a gallery."""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mien.gallery.private_files import open_private


class Locks:
    """Locks for writing, reading and deleting.

    One process writes. Meanwhile others read: they see the state before or after a write, never
    half of one. Only while old files are deleted nobody may read. The kernel releases the locks of
    a process that dies.

    Parameters
    ----------
    folder : Path
        Where the lock files lie, on a local disk: not every network file system keeps locks.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[bool]:
        """Keep other writers out; without `wait`, give whether there was none."""
        with ExitStack() as stack:
            try:
                kind = fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB
                stack.enter_context(self._hold("writers.lock", kind))
            except BlockingIOError:
                yield False
                return
            yield True

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keep the files that are there from being deleted."""
        with ExitStack() as stack:
            # who waits to delete holds the gate, or overlapping readers would keep it out for good
            with self._hold("gate.lock", fcntl.LOCK_SH):
                stack.enter_context(self._hold("readers.lock", fcntl.LOCK_SH))
            yield

    @contextmanager
    def deleting(self) -> Iterator[None]:
        """Wait until nobody reads, and keep readers out."""
        with (
            self._hold("gate.lock", fcntl.LOCK_EX),
            self._hold("readers.lock", fcntl.LOCK_EX),
        ):
            yield

    @contextmanager
    def _hold(self, name: str, kind: int) -> Iterator[None]:
        # closing the file releases the lock; each use opens its own file, so threads wait, too
        with open_private(self.folder / name, "ab") as file:
            fcntl.flock(file, kind)
            yield
