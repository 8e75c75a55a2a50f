"""Reading hand-crafted features."""

import torch
from torch import Tensor

from mien.modality import Modality
from mien.models.encoders.base import Reader
from mien.models.encoders.voice_columns import columns
from mien.utterance import Sample


class FeatureReader(Reader):
    """Read the hand-crafted features of a modality as (L, size) float32.

    Parameters
    ----------
    modality : Modality
        The modality.
    size : int
        Number of features of a step.
    selection : int
        Which columns of audio features are read; see `mien.models.encoders.voice_columns`.
    """

    def __init__(self, modality: Modality, size: int, selection: int = 0) -> None:
        self.modality, self.size, self.selection = modality, size, selection

    def read(self, sample: Sample) -> Tensor:
        """Return the steps of a sample, none if it lacks the modality."""
        steps = sample.features.get(self.modality.letter)
        if steps is None or not len(steps):
            return torch.zeros(0, self.size)
        if self.modality is Modality.AUDIO:
            steps = steps[:, columns(self.selection, steps.shape[1])]
        return torch.from_numpy(steps)
