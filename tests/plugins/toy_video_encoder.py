"""A video encoder in one file: takes face crops of 112 pixels, and averages what it sees."""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from mien.batch import Ragged
from mien.modality import Modality
from mien.models.encoders.base import EncoderConfig, Reader, register_encoder
from mien.models.encoders.face_reader import FaceReader
from mien.models.encoders.modality_encoder import ModalityEncoder

SIZE = 112


class PatchEncoder(ModalityEncoder):
    """One convolution over patches of 16 pixels, then the mean over places and frames."""

    dim = 12

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, self.dim, kernel_size=16, stride=16)

    def forward(self, ragged: Ragged, guide: Tensor | None = None) -> tuple[Tensor, None]:
        faces = ragged.values.to(self.patches.weight) / 255
        if faces.shape[1:] != (3, SIZE, SIZE):
            raise ValueError(f"crops of {tuple(faces.shape[1:])} came, not of {SIZE} pixels")
        steps = self.patches(faces).mean(dim=(2, 3)).split(ragged.counts.tolist())
        return torch.stack([part.mean(dim=0) for part in steps]), None


@register_encoder
class PatchConfig(EncoderConfig):
    """It has no settings of its own but the size of the crops, which it declares."""

    modalities = (Modality.VIDEO,)
    face_size = SIZE

    kind: Literal["patches"] = "patches"

    def reader(self, modality: Modality, tokenizer: Any = None) -> Reader:
        return FaceReader(SIZE)

    def build(self, modality: Modality, **how: Any) -> ModalityEncoder:
        return PatchEncoder()
