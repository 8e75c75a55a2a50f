"""The seal of the audit log: where the log ended when it was last written."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from mien.gallery.private_files import open_private


class Sealed(NamedTuple):
    """The last line of a log, by number and hash."""

    number: int
    hash: str


class Seal:
    """A file of one short line, rewritten with each line of the log beside it.

    Whoever holds the lock of the log reads or writes it. It is written in place, and after the log:
    a process that dies leaves it one step behind, which is allowed.

    Parameters
    ----------
    path : Path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, line: dict[str, Any]) -> None:
        """Store where the log ends. Raises `OSError` where that is not possible."""
        content = json.dumps({"number": line["number"], "hash": line["hash"]}) + "\n"
        with open_private(self.path, "a+", encoding="utf-8") as file:
            file.truncate(0)
            file.write(content)

    def read(self) -> Sealed | None:
        """Give where the log ended; None: that was never written, or is damaged."""
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            return Sealed(int(content["number"]), str(content["hash"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
            return None
