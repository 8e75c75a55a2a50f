"""A folder that appears whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mien.errors import MienError


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder to write in, which gets its name when all of it is on the disk.

    Raises
    ------
    MienError
        The folder exists and is not empty.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise MienError(f"{folder} exists and is not an empty folder; remove it or name another")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        draft = Path(temporary) / "draft"
        draft.mkdir()
        yield draft
        os.sync()  # all of it is on the disk before it gets its name
        os.replace(draft, folder)
