"""The intermediate results of an analysis, kept in a folder so that it can be resumed."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from mien.errors import MienError
from mien.files import read_small, write_text

KEY = "key"
"""Name of the file that tells what an analysis is made of."""

LARGEST = 2**30
"""Bytes of the largest intermediate result that is read."""

Document = TypeVar("Document", bound=BaseModel)


class Workspace:
    """A folder with one file for each step that is done.

    Parameters
    ----------
    folder : Path
        Where the files are; it is made if it is missing.
    made_of : str
        All that the results depend on: the recording, the model, the options.
    resume : bool
        Go on with the results that are there. Otherwise they are removed.

    Raises
    ------
    MienError
        The results in the folder are of another recording, model or options.
    """

    def __init__(self, folder: Path, made_of: str, *, resume: bool = False) -> None:
        self.folder = folder
        key = hashlib.sha256(made_of.encode("utf-8", "surrogateescape")).hexdigest()
        if folder.is_dir() and not resume:
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        found = folder / KEY
        if not found.is_file():
            write_text(found, key)
        elif read_small(found, 1000) != key:
            raise MienError(
                f"{folder.parent}: what was begun there is of another recording, model or other"
                " options: give the same, or leave out what asks to resume"
            )

    def path(self, name: str) -> Path:
        """Return the path of a file in the folder."""
        return self.folder / name

    def step(self, name: str, kind: type[Document], work: Callable[[], Document]) -> Document:
        """Return the result of a step: from its file, or by doing the work."""
        path = self.path(f"{name}.json")
        if path.is_file():
            try:
                return kind.model_validate_json(read_small(path, LARGEST))
            except (ValidationError, ValueError, OSError) as error:
                raise MienError(f"{path} is damaged: remove {self.folder}") from error
        result = work()
        write_text(path, result.model_dump_json())
        return result

    def samples(self, name: str) -> np.ndarray:
        """Map a file of samples (S,) int16 into memory, page by page as they are used."""
        path = self.path(name)
        if not path.stat().st_size:
            return np.empty(0, np.int16)
        return np.memmap(path, np.int16, mode="r")

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
