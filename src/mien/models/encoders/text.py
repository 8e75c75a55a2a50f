"""The text encoder: any encoder of transformers by name or folder, or the packaged one."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    MODEL_FOR_MASKED_LM_MAPPING,
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PretrainedConfig,
)

from mien.batch import Ragged, References
from mien.errors import MienError
from mien.modality import Modality
from mien.models.encoders.modality_encoder import ModalityEncoder
from mien.models.encoders.selection import Selection
from mien.models.pretrained.catalogue import CATALOGUE
from mien.models.pretrained.source import first_line, folder_of, load, unreadable

PACKAGED = "minilm"
"""Name of the encoder that a Python package holds (all-MiniLM-L6-v2), so that it is installed."""


class TextEncoder(ModalityEncoder):
    """Encode the token ids of an utterance as one vector.

    Parameters
    ----------
    config : PretrainedConfig
        The configuration of the encoder in transformers.
    pooling : {"first", "mean"} or None
        How the states of the tokens are pooled. None: the first token for ALBERT, as published,
        and the mean over tokens for others, as sentence encoders are trained.
    freeze : bool
        Do not train the weights.
    """

    pretrained_part = "encoder"

    def __init__(
        self, config: PretrainedConfig, pooling: str | None = None, *, freeze: bool = False
    ) -> None:
        super().__init__()
        self.encoder = _build(config)
        if "add_pooling_layer" in inspect.signature(type(self.encoder)).parameters:
            self.encoder.pooler = None  # nothing would use it
        self.pooling = pooling or ("first" if config.model_type == "albert" else "mean")
        self.padding: int = getattr(config, "pad_token_id", None) or 0
        self.dim = config.hidden_size
        self.frozen = freeze
        if freeze:
            self.requires_grad_(False).eval()

    def forward(
        self, ragged: Ragged, guide: Tensor | None = None, references: References | None = None
    ) -> tuple[Tensor, Selection | None]:
        """Encode token ids as `ModalityEncoder.forward` says."""
        tokens = pad_sequence(list(ragged.split()), batch_first=True, padding_value=self.padding)
        places = torch.arange(tokens.shape[1], device=tokens.device)
        mask = (places < ragged.counts[:, None]).long()
        states = self.encoder(input_ids=tokens, attention_mask=mask).last_hidden_state
        if self.pooling == "first":
            return states[:, 0], None
        weight = mask[:, :, None].to(states)
        return (states * weight).sum(dim=1) / weight.sum(dim=1), None

    def load_pretrained(self, name: str) -> None:
        """Load pretrained weights. Raises `MienError` as `load_config` does."""
        load_weights(self, name)

    def pretrained_parameters(self) -> Iterator[nn.Parameter]:
        """Return all of its weights, none if they are frozen."""
        return iter(()) if self.frozen else self.parameters()


def _build(config: PretrainedConfig) -> Any:
    """Build an encoder with random weights, and check that it encodes two tokens."""
    try:
        encoder = AutoModel.from_config(config, dtype=torch.float32, trust_remote_code=False)
        _try(encoder)
    except Exception as error:  # inconsistent sizes make transformers raise anything
        raise MienError(
            "no text encoder can be built from its configuration"
            f" ({first_line(error)}): copy it again"
        ) from error
    return encoder


def _try(encoder: Any) -> None:
    """Encode two tokens, since some settings are only read then; not on the meta device."""
    if encoder.device.type == "meta":
        return
    tokens = torch.zeros(1, 2, dtype=torch.long, device=encoder.device)
    training = encoder.training
    with torch.no_grad():
        encoder.eval()(input_ids=tokens, attention_mask=torch.ones_like(tokens))
    encoder.train(training)


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


def load_weights(encoder: TextEncoder, name: str) -> None:
    """Load the pretrained weights of an encoder. Raises `MienError` as `load_config` does."""
    options = {"use_safetensors": True, "dtype": torch.float32, "output_loading_info": True}
    pretrained, report = load(AutoModel, source(name), Modality.TEXT, **options)
    weights, own = pretrained.state_dict(), encoder.encoder.state_dict()
    # missing weights have random values
    if missing := sorted(own.keys() & report["missing_keys"]):
        raise unreadable(
            name, Modality.TEXT, f"{len(missing)} of {len(own)} weights are missing: {missing[0]} …"
        )
    encoder.encoder.load_state_dict({key: weights[key] for key in own})
