"""Face crops or spectrogram chunks to one vector: a CNN for each, then a temporal encoder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from mien.batch import Ragged, References
from mien.models.encoders.modality_encoder import ModalityEncoder
from mien.models.encoders.selection import Selection
from mien.models.encoders.sparse_vgg import SparseVGG
from mien.models.encoders.vgg import VGG
from mien.models.layers.temporal import TemporalEncoder

if TYPE_CHECKING:
    from mien.models.encoders.media_settings import CNNSettings, SparseCNNSettings

FACE_MEAN = (159.0, 111.0, 102.0)
FACE_SD = (37.0, 33.0, 32.0)
"""Mean and standard deviation of face crops, RGB from 0 to 255 (published)."""


class CNNEncoder(ModalityEncoder):
    """A CNN, dense or sparse, and a temporal encoder.

    Parameters
    ----------
    config : CNNSettings
        Dimensions; with `SparseCNNSettings` an attention selects the sites that are computed.
    channels_in : int
        Channels of an image: 3 for face crops, 1 for spectrogram chunks.
    positions_out : int
        Sites of the last feature map of an image.
    guide : int or None
        Length of the text state that guides the attention, None without text.
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
            config.temporal_dim,
            config.temporal_layers,
            config.temporal_heads,
            config.temporal_feedforward,
            config.dropout,
            config.positions,
        )
        self.dim = config.temporal_dim

    def images(self, values: Tensor) -> Tensor:
        """Convert steps into the images that the CNN takes as input, (sum T, C, H, W)."""
        return values

    def forward(
        self, ragged: Ragged, guide: Tensor | None = None, references: References | None = None
    ) -> tuple[Tensor, Selection | None]:
        """Encode as `ModalityEncoder.forward` says."""
        images, counts = self.images(ragged.values), ragged.counts
        if isinstance(self.cnn, VGG):
            vectors = self.cnn(images)
            return self.temporal(vectors, counts) if len(counts) else vectors, None
        vectors, selection = self.cnn(images, counts, guide)
        if not len(counts):
            return vectors, None
        chosen = selection.images.split(counts.tolist())
        counts = torch.stack([images.sum() for images in chosen])
        return self.temporal(vectors, counts), selection

    def selector_parameters(self) -> Iterator[nn.Parameter]:
        """Return the weights of the sparse CNN's attention."""
        return self.cnn.attention.parameters() if isinstance(self.cnn, SparseVGG) else iter(())


class AudioCNN(CNNEncoder):
    """A CNN for spectrogram chunks (1, 128, 32)."""

    def __init__(self, config: CNNSettings, guide: int | None = None) -> None:
        super().__init__(config, channels_in=1, positions_out=8 * 2, guide=guide)


class FaceCNN(CNNEncoder):
    """A CNN for face crops (3, 48, 48) with values from 0 to 255, which it normalises itself."""

    mean: Tensor
    sd: Tensor

    def __init__(self, config: CNNSettings, guide: int | None = None) -> None:
        super().__init__(config, channels_in=3, positions_out=3 * 3, guide=guide)
        self.register_buffer("mean", torch.tensor(FACE_MEAN)[:, None, None], persistent=False)
        self.register_buffer("sd", torch.tensor(FACE_SD)[:, None, None], persistent=False)

    def images(self, values: Tensor) -> Tensor:
        """Normalise face crops, which may be of type uint8."""
        return (values.to(self.mean) - self.mean) / self.sd
