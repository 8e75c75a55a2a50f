"""The encoder of Whisper (Radford et al. 2023), on audio of its true length."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional as F
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from mien.errors import MienError
from mien.modality import Modality
from mien.models.layers.adapters import load_plain, plain_names
from mien.models.pretrained.catalogue import CATALOGUE
from mien.models.pretrained.packaged_whisper import PACKAGED, whisper_config, whisper_weights
from mien.models.pretrained.source import (
    check_safetensors,
    config_of,
    describe,
    folder_of,
    load_config,
    unreadable,
)
from mien.models.pretrained.trunk import (
    LayerChoice,
    LayerRecorder,
    Trunk,
    checked_layers,
    family,
    stacked,
)
from mien.models.pretrained.whisper_mel import whisper_log_mel

HUB = "openai/whisper-tiny.en"
"""The packaged model on the hub, where it comes from if the package is not installed."""


@family(Modality.AUDIO, "whisper")
class WhisperTrunk(Trunk):
    """The encoder of Whisper, which is trained on 30 s of audio but computes any length below.

    Audio beyond 30 s is encoded in chunks of 30 s, since there are no positions for more.

    Parameters
    ----------
    config : WhisperConfig
        Its dimensions.
    choice : LayerChoice
        Which layers are computed.
    """

    def __init__(self, config: WhisperConfig, choice: LayerChoice) -> None:
        super().__init__()
        count = checked_layers(choice, config.encoder_layers, "this Whisper model")
        whole = count == config.encoder_layers and choice.states == "last"
        config = WhisperConfig(**{**config.to_dict(), "encoder_layers": count})
        config.encoder_layerdrop = 0.0  # a training repeats exactly
        self.encoder = WhisperEncoder(config)
        self.final_norm = whole
        if not whole:
            del self.encoder.layer_norm
        self.recorder = LayerRecorder(
            self.layers()[-1:] if choice.states == "last" else self.layers(), choice.states
        )
        self.depth = len(self.recorder.layers) + (choice.states == "weighted")
        self.width = config.d_model

    @classmethod
    def describe(cls, name: str) -> dict[str, Any]:
        """Describe a Whisper model as `Trunk.describe` says."""
        if name == PACKAGED and CATALOGUE[name].is_installed():
            return describe(WhisperConfig(**whisper_config()))
        return describe(load_config(_source(name), Modality.AUDIO))

    @classmethod
    def build(cls, description: Mapping[str, Any], choice: LayerChoice) -> "WhisperTrunk":
        """Build the encoder as `Trunk.build` says."""
        config = config_of(description, "the description of the Whisper model")
        assert isinstance(config, WhisperConfig)
        return cls(config, choice)

    def layers(self) -> list[torch.nn.Module]:
        """Return the transformer layers."""
        return list(self.encoder.layers)

    def load(self, name: str) -> None:
        """Load the weights of the layers that are computed."""
        wanted = set(plain_names(self.encoder))
        if name == PACKAGED and CATALOGUE[name].is_installed():
            weights = whisper_weights(len(self.layers()))
        else:
            folder = folder_of(_source(name), Modality.AUDIO)
            check_safetensors(folder, name, Modality.AUDIO)
            weights = _read(folder, wanted)
        if missing := sorted(wanted - weights.keys()):
            raise unreadable(name, Modality.AUDIO, f"{missing[0]} is missing")
        load_plain(self.encoder, weights)

    def forward(self, steps: Tensor) -> Tensor:
        """Encode a waveform (S,) at 16 kHz as states (T, depth, width), 50 steps a second."""
        longest = 2 * self.encoder.max_source_positions
        chunks = whisper_log_mel(steps, self.encoder.num_mel_bins).split(longest, dim=1)
        return torch.cat([self._encode(mel) for mel in chunks])

    def _encode(self, mel: Tensor) -> Tensor:
        """Encode a log mel spectrogram (bands, F) as states (ceil(F / 2), depth, width)."""
        encoder = self.encoder
        x = F.gelu(encoder.conv1(mel[None].to(encoder.conv1.weight.dtype)))
        x = F.gelu(encoder.conv2(x)).transpose(1, 2)
        x = x + encoder.embed_positions.weight[: x.shape[1]]

        def compute() -> None:
            nonlocal x
            for layer in encoder.layers:
                x = layer(x, None)

        states = self.recorder.record(compute)
        return stacked([encoder.layer_norm(states[0])] if self.final_norm else states)


def _source(name: str) -> str:
    return HUB if name == PACKAGED else name


def _read(folder: Path, wanted: set[str]) -> dict[str, Tensor]:
    """Read the wanted weights of the encoder from safetensors, and no others."""
    found: dict[str, Tensor] = {}
    try:
        for path in sorted(folder.glob("model*.safetensors")):
            with safe_open(path, "pt") as file:
                for key in file.keys():  # noqa: SIM118
                    name = key.removeprefix("model.").removeprefix("encoder.")
                    if name in wanted and "decoder." not in key:
                        found[name] = file.get_tensor(key).float()
    except Exception as error:  # damaged files make safetensors raise several errors
        raise MienError(f"{folder} cannot be read ({error}): copy the model again") from error
    return found
