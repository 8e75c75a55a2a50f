"""A journal of unfinished work, so that the next process can finish it after a crash."""

import json
import os
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.files import sync
from mien.gallery.private_files import open_private


class Journal:
    """At most one entry: the unfinished work of the one writer.

    Parameters
    ----------
    path : Path
        The file of the entry; where it is missing, nothing is unfinished.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, entry: dict[str, Any]) -> None:
        """Write the entry; it is on the disk when this returns."""
        part = self.path.with_suffix(".part")
        try:
            with open_private(part, "w", encoding="utf-8") as file:
                json.dump(entry, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
            sync(self.path.parent)
        except OSError as error:
            raise MienError(f"{self.path}: can't be written ({error.strerror or error})") from error

    def unfinished(self) -> dict[str, Any] | None:
        """Read the entry, if there is one."""
        try:
            return dict(json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, RecursionError) as error:
            raise MienError(
                f"{self.path} is damaged ({error}), so unfinished work can't be finished: put a"
                " copy of the whole folder back"
            ) from error

    def end(self) -> None:
        """Remove the entry."""
        self.path.unlink(missing_ok=True)
