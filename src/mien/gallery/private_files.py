"""Private files and folders, which only their owner can read, whatever the umask."""

import os
from pathlib import Path
from typing import IO, Any

FILE, FOLDER = 0o600, 0o700
_OTHERS = 0o177
"""Permissions that a file must not have: any for others, and execution."""


def open_private(path: Path, mode: str, **options: Any) -> IO[Any]:
    """Open a file, as `open` does, so that nobody else can read it, whether it is new or not.

    Raises
    ------
    OSError
        As `open` does.
    """
    file = open(path, mode, opener=_create, **options)  # noqa: SIM115
    status = os.fstat(file.fileno())
    if status.st_mode & _OTHERS and status.st_uid == os.geteuid():
        os.fchmod(file.fileno(), FILE)
    return file


def _create(path: str, flags: int) -> int:
    return os.open(path, flags, FILE)


def make_private(folder: Path) -> None:
    """Make a folder private, an existing one of this user too.

    Raises
    ------
    OSError
        It can't be made.
    """
    folder.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    _restrict(folder, FOLDER)


def restrict(folder: Path) -> None:
    """Remove all permissions of others from a folder and everything in it."""
    for place, folders, files in os.walk(folder):
        for name in folders:
            _restrict(Path(place, name), FOLDER)
        for name in files:
            _restrict(Path(place, name), FILE)


def _restrict(path: Path, mode: int) -> None:
    try:
        status = path.lstat()
        if status.st_mode & 0o077 and status.st_uid == os.geteuid() and not path.is_symlink():
            path.chmod(mode)
    except FileNotFoundError:
        pass  # another process has deleted it
