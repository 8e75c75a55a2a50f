"""What a run folder holds of its text encoder: the dimensions and the tokenizer."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import MienError, brief
from mien.files import PART, publish, unwritable

if TYPE_CHECKING:
    from transformers import PretrainedConfig

# transformers takes seconds to import, which a clip without text need not wait for


def encoder_config(text: Mapping[str, Any], path: Path) -> "PretrainedConfig":
    """Make the configuration of a text encoder from the section ``text`` of a config.yaml.

    Parameters
    ----------
    text : mapping
        The section.
    path : Path
        The file, for messages.

    Raises
    ------
    MienError
        The section describes no encoder, or names code of its own.
    """
    from transformers import AutoConfig

    from mien.models.encoders.text import refuse_code

    options = dict(text)
    refuse_code(options, path)
    try:
        return AutoConfig.for_model(options.pop("model_type"), **options)
    except Exception as error:  # transformers raises anything
        raise MienError(
            f"{path} is damaged: its section text describes no encoder ({brief(error)})"
        ) from error


def save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Write all files of a tokenizer, or none. Raises `MienError` where that can't be done."""
    draft = folder.with_name(f"{folder.name}{PART}")
    try:
        tokenizer.save_pretrained(draft)
        publish(draft, folder)
    except OSError as error:
        raise unwritable(folder, error) from error


def read_tokenizer(folder: Path) -> Any:
    """Read the tokenizer that `save_tokenizer` wrote. Raises `MienError` where it is damaged."""
    from mien.models.encoders.text import load_tokenizer

    try:
        return load_tokenizer(str(folder))
    except MienError as error:
        raise MienError(f"{folder} can't be used: {error}") from error
