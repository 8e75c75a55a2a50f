"""The text encoder: any encoder of transformers by name or folder, or the packaged one."""

import inspect
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModel, PretrainedConfig

from mien.batch import Ragged, References
from mien.errors import MienError
from mien.modality import Modality
from mien.models.encoders.modality_encoder import ModalityEncoder
from mien.models.encoders.selection import Selection
from mien.models.layers.adapters import (
    add_adapters,
    is_adapter,
    linear_layers,
    load_plain,
    plain_names,
)
from mien.models.pretrained.source import first_line, load, unreadable
from mien.models.pretrained.text_source import source


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
    lora : int
        Rank of the adapters in the linear layers of a frozen encoder; 0: none.
    """

    pretrained_part = "encoder"

    def __init__(
        self,
        config: PretrainedConfig,
        pooling: str | None = None,
        *,
        freeze: bool = False,
        lora: int = 0,
    ) -> None:
        super().__init__()
        self.encoder = _build(config)
        if "add_pooling_layer" in inspect.signature(type(self.encoder)).parameters:
            self.encoder.pooler = None  # nothing would use it
        self.pooling = pooling or ("first" if config.model_type == "albert" else "mean")
        self.padding: int = getattr(config, "pad_token_id", None) or 0
        self.dim = config.hidden_size
        self.frozen = freeze and not lora
        if lora:
            add_adapters(self.encoder, lora, linear_layers(self.encoder))
        if self.frozen:
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
        """Return the weights that are trained: all, those of the adapters, or none."""
        return (weight for weight in self.parameters() if weight.requires_grad)

    def fixed_names(self) -> Iterator[str]:
        """Name the weights that always equal those of the pretrained model."""
        if self.frozen or any(map(is_adapter, self.state_dict())):
            yield from (name for name in self.state_dict() if not is_adapter(name))


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


def load_weights(encoder: TextEncoder, name: str) -> None:
    """Load the pretrained weights of an encoder. Raises `MienError` as `load_config` does."""
    options = {"use_safetensors": True, "dtype": torch.float32, "output_loading_info": True}
    pretrained, report = load(AutoModel, source(name), Modality.TEXT, **options)
    own = plain_names(encoder.encoder)
    # missing weights have random values
    if missing := sorted(own.keys() & report["missing_keys"]):
        raise unreadable(
            name, Modality.TEXT, f"{len(missing)} of {len(own)} weights are missing: {missing[0]} …"
        )
    load_plain(encoder.encoder, pretrained.state_dict())
