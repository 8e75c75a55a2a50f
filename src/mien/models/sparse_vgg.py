"""The CNN that looks only where the attention sends it."""

from dataclasses import dataclass, field
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from mien.models.attention import AdditiveAttention, choose_pictures, nucleus, spatial_softmax
from mien.models.config import ModelConfig
from mien.models.sparse import ActiveNorm, Sites, SubmanifoldConv, max_pool
from mien.models.vgg import BLOCKS, Stem, VGGBlock, projection, scaled

DENSE = 2
"""VGG blocks in front of the first attention."""


@dataclass(frozen=True)
class Selection:
    """What the attention chose among T pictures.

    Parameters
    ----------
    pictures : Tensor (T,) bool
        The pictures that were looked at: all, unless whole pictures are chosen.
    picture_attention : Tensor (T,) or None
        Share of the attention on each picture of its utterance, where whole pictures are chosen.
    attention : list of Tensor (N, H, W)
        For each stage that chooses sites, the attention on those of the N pictures looked at.
    kept : list of Tensor (N, H, W) bool
        The sites that each of these stages kept.
    """

    pictures: Tensor
    picture_attention: Tensor | None = None
    attention: list[Tensor] = field(default_factory=list)
    kept: list[Tensor] = field(default_factory=list)


class SparseBlock(nn.Module):
    """Twice (submanifold conv 3x3, batch norm, ReLU), then 2x2 max pooling, at active sites."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv1 = SubmanifoldConv(channels_in, channels_out)
        self.norm1 = ActiveNorm(channels_out)
        self.conv2 = SubmanifoldConv(channels_out, channels_out)
        self.norm2 = ActiveNorm(channels_out)

    def forward(self, x: Tensor, sites: Sites) -> tuple[Tensor, Sites]:
        """Apply the block to rows (K, C_in)."""
        x = F.relu(self.norm1(self.conv1(x, sites)), inplace=True)
        x, pooled = max_pool(self.norm2(self.conv2(x, sites)), sites)
        return F.relu(x, inplace=True), pooled


class SparseVGG(nn.Module):
    """Pictures to vectors: stem, two VGG blocks, then three stages of attention and sparse block.

    Parameters
    ----------
    config : ModelConfig
        Dimensions, threshold and kind of sparsity.
    channels_in, positions_out : int
        As of `mien.models.vgg.VGG`.
    query : int or None
        Length of the text's state that guides the attention, None without text.

    Notes
    -----
    Dai et al. 2021, section 4.3. There the attention only selects and so never learns; here what
    it keeps is weighted by it (the M of their equation), times the number of sites, so that a
    uniform attention changes nothing. `attention="published"` leaves the weights out.
    """

    def __init__(
        self, config: ModelConfig, channels_in: int, positions_out: int, query: int | None
    ) -> None:
        super().__init__()
        self.config = config
        wide = [scaled(channels, config.width) for channels, _ in BLOCKS]
        self.stem = Stem(channels_in, wide[0])
        self.blocks = nn.Sequential(*(VGGBlock(wide[0], wide[0], pool=False) for _ in range(DENSE)))
        self.stages = nn.ModuleList(SparseBlock(a, b) for a, b in pairwise(wide[DENSE - 1 :]))
        attentive = wide[DENSE - 1 : -1]
        if config.sparsity == "frames":
            attentive = attentive[:1]
        self.attention = nn.ModuleList(AdditiveAttention(c, query) for c in attentive)
        self.project = projection(wide[-1] * positions_out, config)
        convert_conv2d_weight_memory_format(self, torch.channels_last)

    def forward(
        self, pictures: Tensor, counts: Tensor, query: Tensor | None
    ) -> tuple[Tensor, Selection]:
        """Turn pictures into vectors of those looked at.

        Parameters
        ----------
        pictures : Tensor (sum T, C, H, W)
        counts : Tensor (B,) int64
            Pictures of each utterance.
        query : Tensor (B, Q) or None
            The text's state of each utterance.

        Returns
        -------
        vectors : Tensor (N, dim)
        selection : Selection
        """
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        maps = self.blocks(self.stem(pictures))
        query = None if query is None else query.repeat_interleave(counts, dim=0)
        selection = Selection(torch.ones(len(maps), dtype=torch.bool, device=maps.device))
        if self.config.sparsity != "sites":
            maps, query, selection = self._look(maps, counts, query)
        sites = Sites(torch.ones_like(maps[:, 0], dtype=torch.bool))
        x = sites.rows(maps)
        for number, block in enumerate(self.stages):
            if self.config.sparsity != "frames":
                x, sites = self._attend(number, x, sites, query, selection)
            x, sites = block(x, sites)
        return self.project(sites.maps(x).flatten(1)), selection

    def _look(
        self, maps: Tensor, counts: Tensor, query: Tensor | None
    ) -> tuple[Tensor, Tensor | None, Selection]:
        """Choose whole pictures."""
        sites = Sites(torch.ones_like(maps[:, 0], dtype=torch.bool))
        scores = self.attention[0](sites.rows(maps), sites, query).float()
        mass = scores.view(len(maps), -1).logsumexp(dim=1)
        shares, chosen = choose_pictures(mass, counts, self.config.sparse_threshold)
        maps = maps[chosen]
        if self.config.attention == "learned":
            weights = shares * counts.repeat_interleave(counts)
            maps = maps * weights[chosen, None, None, None].to(maps)
        return maps, None if query is None else query[chosen], Selection(chosen, shares)

    def _attend(
        self, number: int, x: Tensor, sites: Sites, query: Tensor | None, selection: Selection
    ) -> tuple[Tensor, Sites]:
        """Keep the sites that matter."""
        shares = spatial_softmax(self.attention[number](x, sites, query), sites)
        threshold = self.config.sparse_threshold
        kept = nucleus(shares.flatten(1), threshold, sites.mask.flatten(1)).view_as(sites.mask)
        selection.attention.append(shares.detach())
        selection.kept.append(kept)
        if self.config.attention == "learned":
            weights = shares * sites.mask.sum(dim=(1, 2), keepdim=True)
            x = x * sites.rows(weights[:, None]).to(x)
        chosen = kept.flatten()[sites.index].nonzero()[:, 0]
        return x.index_select(0, chosen), Sites(kept)
