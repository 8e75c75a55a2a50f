"""Atomic and durable writing of files, and careful reading of small ones."""

import fcntl
import hashlib
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import Any

from mien.errors import MienError

PART = ".part"
"""Ending of a file that is still being written."""

LARGEST_JSON = 64 * 2**20
"""Bytes of the largest JSON file that is read; mien writes none as large."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; the file gets its name when all of it is on the disk.

    Temporary files that killed writers of the same file left are removed.

    Raises
    ------
    MienError
        The file can't be written, for want of space for instance.

    Examples
    --------
    >>> with atomic_write(Path("metrics.json")) as part:  # doctest: +SKIP
    ...     part.write_text("{}")
    """
    part = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    try:
        _clear(path)
        yield part
        sync(part)
        part.replace(path)
        sync(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        part.unlink(missing_ok=True)


def _clear(path: Path) -> None:
    """Remove the temporary files of processes that no longer run."""
    for part in path.parent.glob(f"{escape(path.name)}.*{PART}"):
        pid = part.name.removeprefix(f"{path.name}.").removesuffix(PART)
        if pid.isdigit() and not _runs(int(pid)):
            part.unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def publish(draft: Path, folder: Path) -> None:
    """Give a folder its name when everything in it is on the disk. Raises `OSError`."""
    for path in (*draft.rglob("*"), draft):
        sync(path)
    draft.replace(folder)
    sync(folder.parent)


def sync(path: Path) -> None:
    """Wait until a file, or the list of a folder, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unwritable(path: Path, error: OSError) -> MienError:
    """Make the error for a file or folder that can't be written."""
    return MienError(f"{path}: can't be written ({error.strerror or error})")


def check_file(path: Path) -> None:
    """Check that a file exists. Raises `MienError` if not."""
    if not path.is_file():
        raise MienError(f"{path} {'is no file' if path.exists() else 'does not exist'}")


def check_writable(folder: Path) -> None:
    """Check that files can be made in a folder, before long work whose result goes there.

    Raises
    ------
    MienError
        They can't.
    """
    probe = folder / f"{os.getpid()}{PART}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise unwritable(folder, error) from error


@contextmanager
def only_one(folder: Path, work: str) -> Iterator[None]:
    """Lock a folder against other processes that do the same work.

    The kernel holds the lock on the folder itself, so nothing is left when a process is killed. On
    a file system without locks nobody is kept out.

    Raises
    ------
    MienError
        Another process holds the lock.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise MienError(
            f"{folder}: another '{work}' is at work in it; wait for it, or name another folder"
        ) from None
    except OSError:
        pass
    try:
        yield
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically. Raises as `atomic_write` does.

    Surrogates, which names of files that are not UTF-8 contain, are written as backslash escapes.
    """
    with atomic_write(path) as part:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")


def read_small(path: Path, largest: int) -> str:
    """Read a UTF-8 text file of at most `largest` bytes.

    Raises
    ------
    OSError, ValueError
        It can't be read; it is larger, or not UTF-8.
    """
    with path.open("rb") as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f"it has more than {largest:,} bytes")
    return content.decode("utf-8")


def read_json(path: Path, remedy: str = "copy it again") -> dict[str, Any]:
    """Read a JSON object from a file that may be damaged or malicious.

    Parameters
    ----------
    path : Path
        The file.
    remedy : str
        What the user should do if it can't be read.

    Raises
    ------
    MienError
        It is missing, no JSON object, too large or too deep, or has a number that is not finite.
    """
    try:
        text = read_small(path, LARGEST_JSON)
        content = json.loads(text, parse_float=_finite, parse_constant=_finite)
        if not isinstance(content, dict):
            raise ValueError(f"it holds a {type(content).__name__}")
        return content
    except OSError as error:
        raise MienError(f"{path}: can't be read ({error.strerror or error}); {remedy}") from error
    except RecursionError as error:
        raise MienError(f"{path}: damaged (lists within lists without end); {remedy}") from error
    except (ValueError, MemoryError) as error:
        raise MienError(f"{path}: damaged ({error or 'out of memory'}); {remedy}") from error


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is no finite number")
    return number


def fingerprint(path: Path) -> str:
    """Give the SHA-256 of a file's content. Raises `MienError` if it can't be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise MienError(f"{path}: can't be read ({error.strerror or error})") from error
