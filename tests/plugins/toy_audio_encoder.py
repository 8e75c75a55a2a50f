"""An audio encoder in one file: how loud each tenth of a second is, through a layer to a mean."""

from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from mien.batch import Ragged
from mien.modality import Modality
from mien.models.encoders.base import EncoderConfig, Reader, register_encoder
from mien.models.encoders.modality_encoder import ModalityEncoder
from mien.utterance import SAMPLE_RATE, Sample


class LoudnessReader(Reader):
    """Reads a sample's waveform as one number for each tenth of a second."""

    def read(self, sample: Sample) -> Tensor:
        if sample.waveform is None:
            return torch.zeros(0, 1)
        edges = np.arange(0, len(sample.waveform), SAMPLE_RATE // 10)
        wave = np.abs(sample.waveform.astype(np.float32) / 32768)
        means = np.add.reduceat(wave, edges) / np.diff([*edges, len(wave)])
        return torch.from_numpy(means[:, None].astype(np.float32))


class LoudnessEncoder(ModalityEncoder):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.layer, self.dim = nn.Linear(1, size), size

    def forward(self, ragged: Ragged, guide: Tensor | None = None) -> tuple[Tensor, None]:
        steps = self.layer(ragged.values).split(ragged.counts.tolist())
        return torch.stack([part.mean(dim=0) for part in steps]), None


@register_encoder
class LoudnessConfig(EncoderConfig):
    """Its settings, which become flags: --audio-loudness-size."""

    modalities = (Modality.AUDIO,)

    kind: Literal["loudness"] = "loudness"
    loudness_size: int = Field(8, ge=1, description="loudness: numbers of its state")

    def reader(self, modality: Modality, tokenizer: Any = None) -> Reader:
        return LoudnessReader()

    def build(self, modality: Modality, **how: Any) -> ModalityEncoder:
        return LoudnessEncoder(self.loudness_size)
