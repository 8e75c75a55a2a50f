"""The record of who did what with a gallery, and when: lines that are only ever added."""

import fcntl
import getpass
import hashlib
import json
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from mien.errors import MienError

START = "0" * 64
"""What the first line follows."""

TAIL = 1 << 16
"""Bytes read at the end of the file to find its last line, which is shorter."""


class AuditLog:
    """A file of JSON lines, each with the hash of the one before it.

    A line that is changed, taken out or put in breaks the chain. Lines cut off at the end don't,
    nor does a chain written anew from some line on: for that keep `head` in another place.

    A line names a person by a random number, never by their name, and holds nothing of a recording
    or an embedding. So it may stay when the person is forgotten.

    Parameters
    ----------
    path : Path
        The file; begun with the first line.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     log = AuditLog(Path(folder, "audit.jsonl"))
    ...     log.append("enrol", subject="5f3a", templates=2)
    ...     log.append("forget", subject="5f3a")
    ...     [line["act"] for line in log.lines()]
    ['enrol', 'forget']
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(
        self, act: str, subject: str | None = None, *, durable: bool = True, **detail: Any
    ) -> None:
        """Add a line.

        Parameters
        ----------
        act : str
            What was done.
        subject : str, optional
            The pseudonym of the person it was done with.
        durable : bool
            Wait until the line is on the disk.
        **detail
            JSON values: counts, dates, decisions. No name, no hash of a clip, no embedding.
        """
        self.extend([(act, subject, detail)], durable=durable)

    def extend(
        self, events: list[tuple[str, str | None, dict[str, Any]]], *, durable: bool = True
    ) -> None:
        """Add several lines (act, subject, detail) at once. Raises `MienError` as a write does."""
        try:
            with self._open() as file:
                last = _mend(file)
                written = []
                for act, subject, detail in events:
                    last = _line(last, act, subject, detail)
                    written.append(_encode(last))
                file.write(b"".join(written))
                file.flush()
                if durable:
                    os.fsync(file.fileno())
        except OSError as error:
            why = error.strerror or error
            raise MienError(f"{self.path}: can't be written ({why})") from error

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        with self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def lines(self) -> Iterator[dict[str, Any]]:
        """Give the lines in order, each held against the one before it.

        Raises
        ------
        MienError
            The chain is broken, with the number of the first line that does not fit.
        """
        if not self.path.exists():
            return
        previous = START
        with self.path.open("rb") as file:
            for number, text in enumerate(file, start=1):
                if not text.endswith(b"\n"):
                    return  # being written, or cut short by a crash; the next line mends it
                line = _decode(text)
                if not _fits(line, previous, number):
                    raise MienError(
                        f"{self.path}, line {number}: does not fit the line before it; the log was"
                        " changed after it was written. Compare it with a copy"
                    )
                previous = line["hash"]
                yield line

    def concerning(self, subjects: Collection[str]) -> Iterator[dict[str, Any]]:
        """Give the lines about a person, and later exports of everybody. Raises as `lines` does."""
        enrolled = False
        for line in self.lines():
            theirs = line["subject"] in subjects
            enrolled = enrolled or theirs
            if theirs or (enrolled and line["act"] == "export" and line["subject"] is None):
                yield line

    @property
    def head(self) -> str:
        """The hash of the last line: kept elsewhere it shows whether lines were cut off.

        Raises as `lines` does.
        """
        head = START
        for line in self.lines():
            head = line["hash"]
        return head


def _line(
    previous: dict[str, Any], act: str, subject: str | None, detail: dict[str, Any]
) -> dict[str, Any]:
    line = {
        "number": previous["number"] + 1,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "actor": _actor(),
        "act": act,
        "subject": subject,
        "detail": detail,
        "previous": previous["hash"],
    }
    return line | {"hash": _hash(line)}


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without an entry in the system's list
        return f"user {os.getuid()}"


def _hash(line: dict[str, Any]) -> str:
    content = {key: value for key, value in line.items() if key != "hash"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _encode(line: dict[str, Any]) -> bytes:
    return json.dumps(line, allow_nan=False).encode() + b"\n"


def _decode(text: bytes) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}


def _fits(line: dict[str, Any], previous: str, number: int) -> bool:
    return (
        line.get("number") == number
        and line.get("previous") == previous
        and line.get("hash") == _hash(line)
    )


def _mend(file: BinaryIO) -> dict[str, Any]:
    """Give the last whole line; half a line, which no one was told of, is cut off and recorded."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL))
    tail = file.read()
    whole, _, torn = tail.rpartition(b"\n")
    last = _decode(whole.rpartition(b"\n")[2]) if whole else {"number": 0, "hash": START}
    if "hash" not in last:
        raise MienError(f"{file.name}: its last line is damaged; put a copy in its place")
    if torn:
        file.truncate(size - len(torn))
        last = _line(last, "repair", None, {"torn_bytes": len(torn)})
        file.write(_encode(last))
    return last
