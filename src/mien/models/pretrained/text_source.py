"""Pretrained text encoders by name or folder: their configuration and their tokenizer."""

from pathlib import Path
from typing import Any

from transformers import MODEL_FOR_MASKED_LM_MAPPING, AutoConfig, AutoTokenizer, PretrainedConfig

from mien.errors import MienError
from mien.modality import Modality
from mien.models.pretrained.catalogue import CATALOGUE
from mien.models.pretrained.source import first_line, folder_of, load, unreadable

PACKAGED = "minilm"
"""Name of the encoder that a Python package holds (all-MiniLM-L6-v2), so that it is installed."""


def source(name: str) -> Path:
    """Return the folder of a text encoder, fetched from the hub if the name is no folder.

    Raises
    ------
    MienError
        The name is neither a folder nor can it be fetched, or the package of the packaged encoder
        is not installed.
    """
    return CATALOGUE[name].folder() if name == PACKAGED else folder_of(name, Modality.TEXT)


def load_config(name: str) -> PretrainedConfig:
    """Read the configuration of a text encoder.

    Raises
    ------
    MienError
        The name is neither a folder nor can it be fetched, or the model is not a text encoder.
    """
    config: PretrainedConfig = load(AutoConfig, source(name), Modality.TEXT)
    # models for masked language modelling read in both directions; BART is one with a decoder
    if config.is_encoder_decoder or type(config) not in MODEL_FOR_MASKED_LM_MAPPING:
        raise MienError(
            f"{name} is a model of type {config.model_type!r}, which is not a text encoder:"
            f" choose one such as BERT, RoBERTa, ALBERT, ELECTRA or ModernBERT, or {PACKAGED}",
            parameter="text_model",
        )
    return config


def load_tokenizer(name: str) -> Any:
    """Read the tokenizer of a text encoder. Raises `MienError` as `load_config` does."""
    tokenizer = load(AutoTokenizer, source(name), Modality.TEXT)
    # if its files are missing, transformers makes one with an empty vocabulary
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        raise unreadable(name, Modality.TEXT, "there is no tokenizer")
    try:
        tokenizer(["a word"], padding=True, return_tensors="pt")
    except Exception as error:  # the content of its files is first used here
        raise unreadable(name, Modality.TEXT, f"tokenizer: {first_line(error)}") from error
    return tokenizer
