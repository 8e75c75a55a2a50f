"""Networks of transformers that encode a waveform: wav2vec 2.0, HuBERT, WavLM and others."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig

from mien.modality import Modality
from mien.models.pretrained.source import (
    config_of,
    describe,
    folder_of,
    load_config,
    read_settings,
    unreadable,
)
from mien.models.pretrained.transformers_model import build_model, drop, load_into, shortened
from mien.models.pretrained.trunk import (
    LayerChoice,
    LayerRecorder,
    Trunk,
    checked_layers,
    family,
    layers_of,
    stacked,
)
from mien.utterance import SAMPLE_RATE

MIN_SAMPLES = SAMPLE_RATE // 10
"""Shorter audio is padded with zeros to this length, for which all networks give a step."""


@family(
    Modality.AUDIO,
    *("wav2vec2", "hubert", "wavlm", "data2vec-audio", "unispeech", "unispeech-sat"),
    *("sew", "sew-d", "wav2vec2-conformer"),
)
class WaveformTrunk(Trunk):
    """A network of transformers whose input is a waveform at 16 kHz.

    Parameters
    ----------
    config : PretrainedConfig
        Its configuration.
    normalize : bool
        Whether each waveform is normalised to mean 0 and variance 1, as its authors did.
    choice : LayerChoice
        Which layers are computed.
    """

    def __init__(self, config: PretrainedConfig, normalize: bool, choice: LayerChoice) -> None:
        super().__init__()
        total = config.num_hidden_layers
        count = checked_layers(choice, total, f"this {config.model_type} model")
        self.normalize, self.last = normalize, choice.states == "last" and count == total
        self.model = build_model(shortened(config, count), Modality.AUDIO)
        self._drop_unused()
        layers = layers_of(self.model, count)
        used = layers[-1:] if choice.states == "last" else layers
        self.recorder = LayerRecorder(used, choice.states)
        self.depth = len(used) + (choice.states == "weighted")
        self.width = config.hidden_size
        if config.model_type == "wavlm":  # its attention reads weights without calling their layers
            self.adaptable = ("intermediate_dense", "output_dense")

    def _drop_unused(self) -> None:
        config = self.model.config
        conformer = config.model_type == "wav2vec2-conformer"
        drop(self.model, "masked_spec_embed")
        if conformer:
            drop(self.model, "encoder.pos_conv_embed")  # it has positions of another kind
        if not self.last:
            drop(self.model, "encoder.upsample")  # of SEW
        if not self.last and (conformer or getattr(config, "do_stable_layer_norm", False)):
            drop(self.model, "encoder.layer_norm")  # others have it before the layers

    @classmethod
    def describe(cls, name: str) -> dict[str, Any]:
        """Describe a model as `Trunk.describe` says."""
        normalize = read_preprocessor(name).get("do_normalize", True)
        return describe(load_config(name, Modality.AUDIO)) | {"normalize_waveform": bool(normalize)}

    @classmethod
    def build(cls, description: Mapping[str, Any], choice: LayerChoice) -> "WaveformTrunk":
        """Build the network as `Trunk.build` says."""
        values = dict(description)
        normalize = bool(values.pop("normalize_waveform", True))
        return cls(config_of(values, "the description of the audio encoder"), normalize, choice)

    def layers(self) -> list[nn.Module]:
        """Return the transformer layers."""
        return layers_of(self.model, self.model.config.num_hidden_layers)

    def load(self, name: str) -> None:
        """Load the weights of the layers that are computed."""
        load_into(self.model, name, Modality.AUDIO)

    def features(self, waveform: Tensor) -> Tensor:
        """Convert a waveform (S,) into the input of the network, with a batch of one."""
        if len(waveform) < MIN_SAMPLES:
            waveform = nn.functional.pad(waveform, (0, MIN_SAMPLES - len(waveform)))
        if self.normalize:
            variance, mean = torch.var_mean(waveform, correction=0)
            waveform = (waveform - mean) / (variance + 1e-7).sqrt()
        return waveform[None]

    def forward(self, steps: Tensor) -> Tensor:
        """Encode a waveform (S,) at 16 kHz as states (T, depth, width), about 50 a second."""
        values = self.features(steps)
        if self.last:
            return self.model(values).last_hidden_state[0][:, None]
        return stacked(self.recorder.record(lambda: self.model(values)))


def read_preprocessor(name: str) -> dict[str, Any]:
    """Read the settings of a model's input.

    Raises
    ------
    MienError
        There are none, or its audio has another sample rate.
    """
    path = folder_of(name, Modality.AUDIO) / "preprocessor_config.json"
    settings = read_settings(path, Modality.AUDIO)
    if settings.get("sampling_rate", SAMPLE_RATE) != SAMPLE_RATE:
        why = f"its sampling rate is {settings['sampling_rate']}, not {SAMPLE_RATE}"
        raise unreadable(name, Modality.AUDIO, why)
    return settings
