"""The tokenizer of a run."""

from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.files import PART, publish, unwritable


def save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Write the files of a tokenizer atomically. Raises `MienError` if that is not possible."""
    draft = folder.with_name(f"{folder.name}{PART}")
    try:
        tokenizer.save_pretrained(draft)
        publish(draft, folder)
    except OSError as error:
        raise unwritable(folder, error) from error


def read_tokenizer(folder: Path) -> Any:
    """Read a tokenizer that `save_tokenizer` wrote. Raises `MienError` if it is damaged."""
    from mien.models.pretrained.text_source import load_tokenizer

    try:
        return load_tokenizer(str(folder))
    except MienError as error:
        raise MienError(f"{folder} cannot be used: {error}") from error
