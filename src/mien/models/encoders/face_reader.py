"""Video as face crops."""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mien.models.encoders.augment import augment_faces
from mien.models.encoders.base import Reader
from mien.utterance import Sample


class FaceReader(Reader):
    """Read the face crops of a sample as (T, 3, size, size) uint8.

    Parameters
    ----------
    size : int
        Edge of the crops that the encoder takes, in pixels.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def augment(self, sample: Sample, random: np.random.Generator, *, keep_voice: bool) -> Sample:
        """Mirror, shift and light the crops."""
        if sample.faces is None:
            return sample
        return replace(sample, faces=augment_faces(resize(sample.faces, self.size), random))

    def read(self, sample: Sample) -> Tensor:
        """Give its crops, none where it has no video."""
        if sample.faces is None:
            return torch.zeros(0, 3, self.size, self.size, dtype=torch.uint8)
        faces = np.ascontiguousarray(resize(sample.faces, self.size))
        return torch.from_numpy(faces).permute(0, 3, 1, 2)


def resize(faces: np.ndarray, size: int) -> np.ndarray:
    """Bring crops (T, H, H, 3) uint8 to another edge, each pixel the mean of the area it covers.

    Crops of that very size come back as they are.

    Examples
    --------
    >>> resize(np.array([[[[0], [2]], [[4], [6]]]], np.uint8), 1)
    array([[[[3]]]], dtype=uint8)
    """
    if faces.shape[1] == size:
        return faces
    pixels = torch.from_numpy(np.ascontiguousarray(faces)).permute(0, 3, 1, 2).float()
    resized = F.interpolate(pixels, size=(size, size), mode="area").round()
    return resized.to(torch.uint8).permute(0, 2, 3, 1).numpy()
