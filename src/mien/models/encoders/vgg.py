"""The dense CNN for face crops and spectrogram chunks: a 5x5 stem and five VGG blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from mien.models.encoders.media_settings import CNNSettings


BLOCKS = ((64, False), (64, False), (128, True), (256, True), (512, True))
"""Channels of each VGG block, and whether 2x2 max pooling follows."""


def scaled(channels: int, width: float) -> int:
    """Scale a number of channels, to a multiple of 8 that is at least 8."""
    return max(8, round(channels * width / 8) * 8)


def in_memory_format(images: Tensor, training: bool) -> Tensor:
    """Convert images (N, C, H, W) to the memory format in which the CNNs compute best.

    Channels last is faster. In training on a CPU, however, it sums the gradients of batch norm in
    float32 so imprecisely that their norms are off by 6e-3 instead of 1e-6, and it saves little
    time: `benchmarks/memory_format.py`.
    """
    if training and images.device.type == "cpu":
        return images.contiguous()
    return images.contiguous(memory_format=torch.channels_last)


class Stem(nn.Module):
    """Conv 5x5, batch norm, max pool, ReLU. (N, C, H, W) -> (N, 64, H/2, W/2)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 5, padding=2)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the stem."""
        # max pooling and ReLU commute, and after pooling ReLU has a quarter of the work
        return F.relu(F.max_pool2d(self.norm(self.conv(x)), 2), inplace=True)


class VGGBlock(nn.Module):
    """Twice (conv 3x3, batch norm, ReLU), then 2x2 max pooling if `pool`."""

    def __init__(self, channels_in: int, channels_out: int, pool: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        x = F.relu(self.norm1(self.conv1(x)), inplace=True)
        x = self.norm2(self.conv2(x))
        if self.pool:
            x = F.max_pool2d(x, 2)
        return F.relu(x, inplace=True)


def projection(features: int, config: CNNSettings) -> nn.Sequential:
    """Build the two linear layers from the last feature maps (N, features) to vectors (N, dim)."""
    hidden = scaled(1024, config.width)
    return nn.Sequential(
        nn.Dropout(config.cnn_dropout),
        nn.Linear(features, hidden),
        nn.ReLU(inplace=True),
        nn.Dropout(config.cnn_dropout),
        nn.Linear(hidden, config.temporal_dim),
    )


class VGG(nn.Module):
    """Images to vectors: stem, VGG blocks, then two linear layers.

    Parameters
    ----------
    config : CNNSettings
        Dimensions.
    channels_in : int
        3 for faces (48 x 48), 1 for spectrogram chunks (128 x 32).
    positions_out : int
        Sites left after four poolings: 3 x 3 for face crops, 8 x 2 for chunks.

    Notes
    -----
    Dai et al. 2021, section 4.2: 64, 64, 64, 128, 256, 512 channels,
    1024 hidden units at width 1.
    """

    def __init__(self, config: CNNSettings, channels_in: int, positions_out: int) -> None:
        super().__init__()
        channels = scaled(64, config.width)
        self.stem = Stem(channels_in, channels)
        self.blocks = nn.Sequential()
        for wide, pool in BLOCKS:
            self.blocks.append(VGGBlock(channels, scaled(wide, config.width), pool))
            channels = scaled(wide, config.width)
        self.project = projection(channels * positions_out, config)

    def forward(self, x: Tensor) -> Tensor:
        """Encode images (N, C, H, W) as vectors (N, dim)."""
        return self.project(self.blocks(self.stem(in_memory_format(x, self.training))).flatten(1))
