"""The audit log: who did what with a gallery, and when, in lines that are only ever added."""

import fcntl
import hashlib
import json
import os
import pwd
from collections.abc import Collection, Iterator, Set
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any

from mien.errors import MienError
from mien.gallery.audit_seal import Seal, Sealed
from mien.gallery.private_files import open_private

START = "0" * 64
"""The hash that the first line follows."""

TAIL = 1 << 16
"""Bytes read at the end of the file to find its last line, which is shorter."""


class AuditLog:
    """A file of JSON lines, each with the hash of the one before it.

    A line that is changed, removed or inserted breaks the chain. Lines cut off at the end do not;
    these are found by the `seal` beside the file, which holds the number and the hash of the last
    line. A chain and a seal that are both rewritten go unnoticed, unless `head` is kept elsewhere.

    A line's time is never before that of the line above it: where the clock was set back, it is
    that line's, and ``clock`` holds what the clock showed.

    A line names a person by a random number, never by their name, and holds nothing of a recording
    or an embedding. So it may stay when the person is forgotten.

    Parameters
    ----------
    path : Path
        The file; made with the first line.

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
        self.path, self.seal = path, Seal(path.with_suffix(".seal"))

    def append(
        self, act: str, subject: str | None = None, *, durable: bool = True, **detail: Any
    ) -> None:
        """Add a line.

        Parameters
        ----------
        act : str
            What was done.
        subject : str, optional
            The pseudonym of the person concerned.
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
            with open_private(self.path, "a+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                last = _repair(file, self.seal.read())
                written = []
                for act, subject, detail in events:
                    last = _line(last, act, subject, detail)
                    written.append(_encode(last))
                file.write(b"".join(written))
                file.flush()
                if durable:
                    os.fsync(file.fileno())
                self.seal.write(last)
        except OSError as error:
            why = error.strerror or error
            raise MienError(f"{self.path}: can't be written ({why})") from error

    def lines(self) -> Iterator[dict[str, Any]]:
        """Give the lines in order, each checked against the one before it.

        Raises
        ------
        MienError
            The chain is broken, with the number of the first line that does not fit.
        """
        if not self.path.exists():
            return
        previous = START
        with self._read() as file:
            for number, text in enumerate(file, start=1):
                if not text.endswith(b"\n"):
                    return  # being written, or cut short by a crash; the next write repairs it
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

    def _read(self) -> IO[bytes]:
        try:
            return self.path.open("rb")
        except OSError as error:
            why = error.strerror or error
            raise MienError(f"{self.path}: can't be read ({why})") from error

    def problems(self, stored: Set[str]) -> list[str]:
        """Say which lines are missing, and where the log and the gallery disagree.

        Parameters
        ----------
        stored : set of str
            Pseudonyms of those who are enrolled.

        Raises
        ------
        MienError
            A line was changed.
        """
        acts: dict[str, set[str]] = {"enrol": set(), "forget": set(), "purge": set()}
        for line in self.lines():
            acts.get(line["act"], set()).add(line["subject"])
        enrolled, forgotten, purged = acts["enrol"], acts["forget"], acts["purge"]
        found = self.lost_lines()
        if unknown := stored - enrolled:
            found.append(f"it does not know {len(unknown)} of the {len(stored)} persons enrolled")
        if back := stored & forgotten:  # who is enrolled again has another pseudonym
            found.append(f"{len(back)} persons forgotten by the log are in the gallery")
        # a purge may leave some of a person's templates
        if lost := enrolled - forgotten - purged - stored:
            found.append(f"{len(lost)} persons enrolled by the log are not in the gallery")
        return found

    def lost_lines(self) -> list[str]:
        """Say which lines are missing at the end, or were when the log was repaired.

        Raises as `lines` does.
        """
        sealed = self.seal.read()  # first: the log may grow meanwhile
        found, hashes = [], {0: START}
        for line in self.lines():
            hashes[line["number"]] = line["hash"]
            lost = line["detail"].get("lost_lines") if line["act"] == "repair" else None
            if lost:
                found.append(f"line {line['number']} says that {lost} lines before it were lost")
        if sealed is not None and hashes.get(sealed.number) != sealed.hash:
            found.append(
                f"it ends at line {max(hashes)}, and is not the log that had {sealed.number} lines:"
                " lines were cut off, or it was rewritten"
            )
        return found

    @property
    def latest(self) -> date:
        """The day (UTC) of the last line: no line before it has a later one."""
        if not self.path.exists():
            return date.min
        with self._read() as file:
            time = _last(file)[0].get("time")
        try:
            return date.min if time is None else datetime.fromisoformat(time).date()
        except (ValueError, TypeError) as error:
            raise MienError(f"{self.path}: its last line is damaged; put a copy there") from error

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
    clock = datetime.now(UTC).isoformat(timespec="milliseconds")
    time = max(clock, previous.get("time", clock))  # of one format: as text in order, too
    line = {
        "number": previous["number"] + 1,
        "time": time,
        **({} if time == clock else {"clock": clock}),
        "actor": _actor(),
        "act": act,
        "subject": subject,
        "detail": detail,
        "previous": previous["hash"],
    }
    return line | {"hash": _hash(line)}


def _actor() -> str:
    """Name the user by the system's list, since environment variables can be set to anything."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a user without an entry in the system's list
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
        json.dumps(line, allow_nan=False)  # as for its hash
    except (ValueError, RecursionError):
        return {}
    return line if isinstance(line, dict) else {}


def _fits(line: dict[str, Any], previous: str, number: int) -> bool:
    return (
        line.get("number") == number
        and line.get("previous") == previous
        and line.get("hash") == _hash(line)
    )


def _last(file: IO[bytes]) -> tuple[dict[str, Any], int]:
    """Give the last complete line, and how many bytes of an incomplete one follow."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL))
    whole, _, torn = file.read().rpartition(b"\n")
    last = _decode(whole.rpartition(b"\n")[2]) if whole else {"number": 0, "hash": START}
    if "hash" not in last or not isinstance(last.get("number"), int):
        raise MienError(f"{file.name}: its last line is damaged; put a copy in its place")
    return last, len(torn)


def _lost(last: dict[str, Any], sealed: Sealed | None) -> int:
    """Count the lines that the log, by its last line, lacks and the seal knows of."""
    if sealed is None or sealed.number < last["number"] or sealed == (last["number"], last["hash"]):
        return 0
    return sealed.number - last["number"] or sealed.number  # as many, but others


def _repair(file: IO[bytes], sealed: Sealed | None) -> dict[str, Any]:
    """Give the last line, after cutting off an incomplete one and recording what was lost."""
    last, torn = _last(file)
    lost = _lost(last, sealed)
    if torn:
        file.truncate(file.seek(0, os.SEEK_END) - torn)
    if torn or lost:
        last = _line(last, "repair", None, {"torn_bytes": torn, "lost_lines": lost})
        file.write(_encode(last))
    return last
