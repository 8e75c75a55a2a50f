"""Reading audio as spectrogram chunks."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from mien.models.encoders.augment import augment_waveform, mask_chunks
from mien.models.encoders.base import Reader, Voices
from mien.models.encoders.spectrogram import CHUNK, SpectrogramType, chunks
from mien.utterance import Sample


class AudioReader(Reader):
    """Read the waveform of a sample as spectrogram chunks (P, 1, 128, 32) float32.

    Parameters
    ----------
    kind : {"log", "published"}
        The spectrogram; see `mien.models.encoders.spectrogram`.
    """

    def __init__(self, kind: SpectrogramType = "log") -> None:
        self.kind: SpectrogramType = kind

    def augment(
        self,
        sample: Sample,
        random: np.random.Generator,
        *,
        keep_voice: bool,
        voices: Voices = tuple,
    ) -> Sample:
        """Change the speed and the onset at random; with `keep_voice` only the onset."""
        if sample.waveform is None:
            return sample
        waveform = augment_waveform(sample.waveform, random, keep_voice=keep_voice)
        return replace(sample, waveform=waveform)

    def read(self, sample: Sample) -> Tensor:
        """Return the chunks of a sample, none if it has no audio."""
        if sample.waveform is None:
            return torch.zeros(0, *CHUNK)
        waveform = torch.from_numpy(sample.waveform.astype(np.float32) / 32768)
        return chunks(waveform, self.kind)

    def mask(self, steps: Tensor, random: np.random.Generator) -> Tensor:
        """Mask bands and columns of a logarithmic spectrogram, whose mean is 0."""
        return mask_chunks(steps, random) if len(steps) and self.kind == "log" else steps
