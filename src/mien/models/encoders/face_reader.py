"""Reading video as face crops."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from mien.models.encoders.augment import augment_faces
from mien.models.encoders.base import Reader, Voices
from mien.resize import resize_faces
from mien.utterance import Sample


class FaceReader(Reader):
    """Read the face crops of a sample as (T, 3, size, size) uint8.

    Parameters
    ----------
    size : int
        Edge of the crops that the encoder takes as input, in pixels.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def augment(
        self,
        sample: Sample,
        random: np.random.Generator,
        *,
        keep_voice: bool,
        voices: Voices = tuple,
    ) -> Sample:
        """Flip, shift and change the brightness of the crops at random."""
        if sample.faces is None:
            return sample
        return replace(sample, faces=augment_faces(resize_faces(sample.faces, self.size), random))

    def read(self, sample: Sample) -> Tensor:
        """Return the crops of a sample, none if it has no video."""
        if sample.faces is None:
            return torch.zeros(0, 3, self.size, self.size, dtype=torch.uint8)
        faces = np.ascontiguousarray(resize_faces(sample.faces, self.size))
        return torch.from_numpy(faces).permute(0, 3, 1, 2)
