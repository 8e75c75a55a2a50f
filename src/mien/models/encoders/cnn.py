"""Faces or audio to one vector: a CNN for each step, then a transformer over time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from mien.batch import Ragged
from mien.models.encoders.modality_encoder import ModalityEncoder
from mien.models.encoders.selection import Selection
from mien.models.encoders.sparse_vgg import SparseVGG
from mien.models.encoders.vgg import VGG
from mien.models.layers.temporal import TemporalEncoder

if TYPE_CHECKING:
    from mien.models.encoders.media_settings import CNNSettings, SparseCNNSettings

FACE_MEAN = (159.0, 111.0, 102.0)
FACE_SD = (37.0, 33.0, 32.0)
"""Mean and standard deviation of face crops, red green blue on the scale 0-255 (published)."""


class CNNEncoder(ModalityEncoder):
    """A CNN, dense or sparse, and a transformer over time.

    Parameters
    ----------
    config : CNNSettings
        Dimensions; with `SparseCNNSettings` an attention chooses where the CNN looks.
    channels_in : int
        Of the pictures: 3 for faces, 1 for spectrogram chunks.
    positions_out : int
        Sites that the CNN leaves of each.
    guide : int or None
        Length of the text's state that guides the attention, None without text.
    """

    def __init__(
        self, config: CNNSettings, channels_in: int, positions_out: int, guide: int | None
    ) -> None:
        super().__init__()
        self.cnn: VGG | SparseVGG
        if config.selects:
            self.cnn = SparseVGG(
                cast("SparseCNNSettings", config), channels_in, positions_out, guide
            )
        else:
            self.cnn = VGG(config, channels_in, positions_out)
        self.temporal = TemporalEncoder(
            config.trans_dim,
            config.trans_nlayers,
            config.trans_nheads,
            config.trans_feedforward,
            config.dropout,
            config.positions,
        )
        self.dim = config.trans_dim

    def pictures(self, values: Tensor) -> Tensor:
        """Give what the CNN sees of the steps, (sum T, C, H, W)."""
        return values

    def forward(
        self, ragged: Ragged, guide: Tensor | None = None
    ) -> tuple[Tensor, Selection | None]:
        """Encode as `ModalityEncoder.forward` says."""
        pictures, counts = self.pictures(ragged.values), ragged.counts
        if isinstance(self.cnn, VGG):
            vectors = self.cnn(pictures)
            return self.temporal(vectors, counts) if len(counts) else vectors, None
        vectors, selection = self.cnn(pictures, counts, guide)
        if not len(counts):
            return vectors, None
        chosen = selection.pictures.split(counts.tolist())
        counts = torch.stack([pictures.sum() for pictures in chosen])
        return self.temporal(vectors, counts), selection

    def selector_parameters(self) -> Iterator[nn.Parameter]:
        """Name the weights of the sparse CNN's attention."""
        return self.cnn.attention.parameters() if isinstance(self.cnn, SparseVGG) else iter(())


class AudioCNN(CNNEncoder):
    """A CNN of spectrogram chunks (1, 128, 32)."""

    def __init__(self, config: CNNSettings, guide: int | None = None) -> None:
        super().__init__(config, channels_in=1, positions_out=8 * 2, guide=guide)


class FaceCNN(CNNEncoder):
    """A CNN of face crops (3, 48, 48) on the scale 0-255, which it normalises itself."""

    mean: Tensor
    sd: Tensor

    def __init__(self, config: CNNSettings, guide: int | None = None) -> None:
        super().__init__(config, channels_in=3, positions_out=3 * 3, guide=guide)
        self.register_buffer("mean", torch.tensor(FACE_MEAN)[:, None, None], persistent=False)
        self.register_buffer("sd", torch.tensor(FACE_SD)[:, None, None], persistent=False)

    def pictures(self, values: Tensor) -> Tensor:
        """Normalise face crops, which may be bytes."""
        return (values.to(self.mean) - self.mean) / self.sd
