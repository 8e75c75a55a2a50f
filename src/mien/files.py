"""Files that appear whole or not at all."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mien.errors import MienError

PART = ".part"
"""Ending of a file that is still being written."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Lend a temporary name; the file takes its own only when all of it is written.

    Raises
    ------
    MienError
        The file can't be written, for want of space for instance.

    Examples
    --------
    >>> with whole(Path("figures.json")) as part:  # doctest: +SKIP
    ...     part.write_text("{}")
    """
    part = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise MienError(f"{path}: can't be written ({error.strerror or error})") from error
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole or not at all. Raises as `whole` does."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")


def fingerprint(path: Path) -> str:
    """Give the SHA-256 of a file's content. Raises `MienError` where it can't be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise MienError(f"{path}: can't be read ({error.strerror or error})") from error
