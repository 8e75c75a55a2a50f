"""The text encoder of a run: its configuration and its tokenizer."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import MienError, brief
from mien.files import PART, publish, unwritable

if TYPE_CHECKING:
    from transformers import PretrainedConfig

# transformers takes seconds to import, and a clip without text does not need it


def encoder_config(text: Mapping[str, Any], path: Path) -> "PretrainedConfig":
    """Build the configuration of a text encoder from the section ``text`` of config.yaml.

    Parameters
    ----------
    text : mapping
        The section.
    path : Path
        The file, for messages.

    Raises
    ------
    MienError
        The section does not describe an encoder, or names code of its own.
    """
    from transformers import AutoConfig

    from mien.models.encoders.text import refuse_code

    options = dict(text)
    refuse_code(options, path)
    try:
        return AutoConfig.for_model(options.pop("model_type"), **options)
    except Exception as error:  # transformers raises anything
        raise MienError(
            f"{path} is damaged: its section text does not describe an encoder ({brief(error)})"
        ) from error


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
    from mien.models.encoders.text import load_tokenizer

    try:
        return load_tokenizer(str(folder))
    except MienError as error:
        raise MienError(f"{folder} cannot be used: {error}") from error
