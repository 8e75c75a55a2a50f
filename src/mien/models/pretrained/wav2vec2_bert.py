"""Wav2Vec2-BERT (Communication et al. 2023), whose input is a log mel spectrogram."""

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor
from torch.nn import functional as F
from transformers import PretrainedConfig, SeamlessM4TFeatureExtractor

from mien.errors import MienError
from mien.modality import Modality
from mien.models.pretrained.source import config_of, describe, load_config, unreadable
from mien.models.pretrained.trunk import LayerChoice, family
from mien.models.pretrained.waveform_models import MIN_SAMPLES, WaveformTrunk, read_preprocessor
from mien.utterance import SAMPLE_RATE


class MelInput(BaseModel):
    """The log mel spectrogram that a network takes as input.

    Attributes
    ----------
    num_mel_bins : int
        Number of bands.
    stride : int
        Windows of 10 ms that make one step.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    num_mel_bins: int = Field(80, ge=8, le=512)
    stride: int = Field(2, ge=1, le=8)


@family(Modality.AUDIO, "wav2vec2-bert")
class Wav2Vec2BertTrunk(WaveformTrunk):
    """Wav2Vec2-BERT, whose spectrogram is that of transformers, each band normalised.

    Parameters
    ----------
    config : PretrainedConfig
        Its configuration.
    mel : MelInput
        Its input.
    choice : LayerChoice
        Which layers are computed.
    """

    def __init__(self, config: PretrainedConfig, mel: MelInput, choice: LayerChoice) -> None:
        super().__init__(config, False, choice)
        self.extractor = SeamlessM4TFeatureExtractor(
            feature_size=mel.num_mel_bins, sampling_rate=SAMPLE_RATE, **mel.model_dump()
        )

    @classmethod
    def describe(cls, name: str) -> dict[str, Any]:
        """Describe a model as `Trunk.describe` says."""
        settings = read_preprocessor(name)
        try:
            mel = MelInput.model_validate(
                {key: settings[key] for key in MelInput.model_fields if key in settings}
            )
        except ValidationError as error:
            why = "preprocessor_config.json describes no mel spectrogram"
            raise unreadable(name, Modality.AUDIO, why) from error
        return describe(load_config(name, Modality.AUDIO)) | {"mel_input": mel.model_dump()}

    @classmethod
    def build(cls, description: Mapping[str, Any], choice: LayerChoice) -> "Wav2Vec2BertTrunk":
        """Build the network as `Trunk.build` says."""
        values = dict(description)
        try:
            mel = MelInput.model_validate(values.pop("mel_input", None))
        except ValidationError as error:
            raise MienError(
                "the description of the audio encoder is damaged: it lacks mel_input"
            ) from error
        return cls(config_of(values, "the description of the audio encoder"), mel, choice)

    def features(self, waveform: Tensor) -> Tensor:
        """Convert a waveform (S,) into the spectrogram (1, T, bands * stride)."""
        waveform = F.pad(waveform, (0, max(0, MIN_SAMPLES - len(waveform))))
        # nothing is padded: windows at the end that make no whole step are left out
        found = self.extractor(
            waveform.float().cpu().numpy(), sampling_rate=SAMPLE_RATE, pad_to_multiple_of=None
        )
        return torch.from_numpy(found["input_features"]).to(waveform)
