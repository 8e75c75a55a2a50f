"""A note of the work that has begun, so that the next process can end it after a crash."""

import json
import os
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.files import sync
from mien.gallery.private import open_private


class Journal:
    """At most one note, of the one writer's unfinished work.

    Parameters
    ----------
    path : Path
        The file that holds the note; none: nothing is unfinished.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, note: dict[str, Any]) -> None:
        """Write the note; it is on the disk when this returns."""
        part = self.path.with_suffix(".part")
        try:
            with open_private(part, "w", encoding="utf-8") as file:
                json.dump(note, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
            sync(self.path.parent)
        except OSError as error:
            raise MienError(f"{self.path}: can't be written ({error.strerror or error})") from error

    def unfinished(self) -> dict[str, Any] | None:
        """Read the note."""
        try:
            return dict(json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, RecursionError) as error:
            raise MienError(
                f"{self.path} is damaged ({error}): it can't be gone on with"
            ) from error

    def end(self) -> None:
        """Take the note away."""
        self.path.unlink(missing_ok=True)
