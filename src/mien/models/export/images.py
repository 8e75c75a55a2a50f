"""The CNNs for face crops and spectrogram chunks on padded tensors, dense and sparse."""

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mien.errors import MienError
from mien.models.encoders.cnn import CNNEncoder
from mien.models.encoders.sparse_vgg import SparseVGG
from mien.models.export.sequences import PaddedTemporal, valid_steps
from mien.models.layers.attention import nucleus, spatial_softmax
from mien.models.layers.submanifold import SparseBlock, SubmanifoldConv


class PaddedCNN(nn.Module):
    """A `CNNEncoder` on padded images.

    Parameters
    ----------
    encoder : CNNEncoder
        Whose weights it uses.

    Raises
    ------
    MienError
        Its attention moves features between utterances, as published.
    """

    def __init__(self, encoder: CNNEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.temporal = PaddedTemporal(encoder.temporal)
        sparse = encoder.cnn if isinstance(encoder.cnn, SparseVGG) else None
        self.sparse = None if sparse is None else MaskedVGG(sparse)

    def forward(self, values: Tensor, counts: Tensor, guide: Tensor | None) -> Tensor:
        """Encode images (B, L, C, H, W) as states (B, dim)."""
        length = values.shape[1]
        valid = valid_steps(counts, length)
        images = self.encoder.images(values.flatten(0, 1))
        if self.sparse is None:
            vectors, kept = self.encoder.cnn(images), valid
        else:
            vectors, kept = self.sparse(images, valid, guide)
        state: Tensor = self.temporal(vectors.unflatten(0, (-1, length)), kept)
        return state


class MaskedVGG(nn.Module):
    """A `SparseVGG` as dense convolutions of masked maps.

    What its attention does not select is computed and then masked, so that the graph is the same
    for all inputs.

    Parameters
    ----------
    cnn : SparseVGG
        Whose weights it uses.
    """

    def __init__(self, cnn: SparseVGG) -> None:
        super().__init__()
        if cnn.config.attention == "published-unmended":
            raise MienError(
                "a sparse CNN with the published, unmended attention can't be exported: it moves"
                " features from one utterance to another, which depends on the batch"
            )
        self.cnn = cnn
        self.learned = cnn.config.attention == "learned"

    def forward(self, images: Tensor, valid: Tensor, query: Tensor | None) -> tuple[Tensor, Tensor]:
        """Encode images (B * L, C, H, W), of which `valid` (B, L) are not padding.

        Returns
        -------
        vectors : Tensor (B * L, dim)
        kept : Tensor (B, L) bool
            The images that the attention selects.
        """
        cnn, kept = self.cnn, valid
        maps = cnn.blocks(cnn.stem(images))
        if query is not None:
            query = query[:, None].expand(-1, valid.shape[1], -1).flatten(0, 1)
        if cnn.config.sparsity != "sites":
            maps, kept = self._choose_images(maps, valid, query)
        active = torch.ones_like(maps[:, 0], dtype=torch.bool)
        for stage, block in enumerate(cnn.stages):
            maps, active = self._choose_sites(stage, maps, active, query)
            maps, active = _masked_block(cast(SparseBlock, block), maps, active)
        return cnn.project(maps.flatten(1)), kept

    def _choose_images(
        self, maps: Tensor, valid: Tensor, query: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        scores = self.cnn.attention[0](maps, query).flatten(1).logsumexp(dim=1)
        scores = scores.view_as(valid).masked_fill(~valid, torch.finfo(scores.dtype).min)
        shares = F.softmax(scores, dim=1)
        if self.learned:
            weights = (shares * valid.sum(dim=1, keepdim=True)).flatten()
            maps = maps * weights[:, None, None, None]
        return maps, nucleus(shares, self.cnn.config.sparse_threshold, valid)

    def _choose_sites(
        self, stage: int, maps: Tensor, active: Tensor, query: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        config = self.cnn.config
        if config.sparsity == "frames":
            return maps, active
        shares = spatial_softmax(self.cnn.attention[stage](maps, query), active)
        kept = nucleus(shares.flatten(1), config.sparse_threshold, active.flatten(1))
        if self.learned:
            maps = maps * (shares * active.sum(dim=(1, 2), keepdim=True))[:, None]
        return maps, kept.view_as(active)


def _masked_block(block: SparseBlock, maps: Tensor, active: Tensor) -> tuple[Tensor, Tensor]:
    """Compute a `SparseBlock` on maps (N, C, H, W) with active sites (N, H, W)."""
    mask = active[:, None]
    maps = F.relu(_normed(block.norm1, _convolved(block.conv1, maps * mask)))
    maps = _normed(block.norm2, _convolved(block.conv2, maps * mask))
    maps = F.relu(F.max_pool2d(maps.masked_fill(~mask, -math.inf), 2))
    return maps, F.max_pool2d(mask.float(), 2)[:, 0] > 0


def _convolved(conv: SubmanifoldConv, maps: Tensor) -> Tensor:
    kernel = conv.weight.view(3, 3, *conv.weight.shape[1:]).permute(2, 3, 0, 1)
    return F.conv2d(maps, kernel, padding=1)


def _normed(norm: nn.BatchNorm1d, maps: Tensor) -> Tensor:
    mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
    return F.batch_norm(maps, mean, variance, norm.weight, norm.bias, eps=norm.eps)
