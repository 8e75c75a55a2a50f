"""The sparse CNN, which computes only the sites that an attention selects."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mien.models.encoders.selection import Selection
from mien.models.encoders.vgg import BLOCKS, Stem, VGGBlock, in_memory_format, projection, scaled
from mien.models.layers.attention import (
    AdditiveAttention,
    choose_images,
    nucleus,
    spatial_softmax,
)
from mien.models.layers.submanifold import Sites, SparseBlock

if TYPE_CHECKING:
    from mien.models.encoders.media_settings import SparseCNNSettings

DENSE = 2
"""Number of VGG blocks before the first attention."""

TEXT_DROPOUT = 0.5
"""Probability that training hides the text of an utterance from the attention. Otherwise the audio
and video states come to repeat the text and contribute less beside it."""


class SparseVGG(nn.Module):
    """Images to vectors: stem, two VGG blocks, three stages of an attention and a sparse block.

    Parameters
    ----------
    config : SparseCNNSettings
        Dimensions, threshold and kind of sparsity.
    channels_in, positions_out : int
        As for `mien.models.encoders.vgg.VGG`.
    query : int or None
        Length of the text state that guides the attention, None without text.

    Notes
    -----
    Dai et al. 2021, section 4.3. In the published code the attention only selects, so it gets no
    gradient. Here it also weights the features of the selected sites (the M of their equation),
    times the number of sites, so that a uniform attention changes nothing. `attention="published"`
    omits these weights; `"published-unmended"` also has the published defect
    `Sites.paired_as_published`.
    """

    def __init__(
        self, config: SparseCNNSettings, channels_in: int, positions_out: int, query: int | None
    ) -> None:
        super().__init__()
        self.config = config
        wide = [scaled(channels, config.width) for channels, _ in BLOCKS]
        self.stem = Stem(channels_in, wide[0])
        self.blocks = nn.Sequential(*(VGGBlock(wide[0], wide[0], pool=False) for _ in range(DENSE)))
        # the published 0.01 needs hundreds of steps before the running statistics hold
        momentum = 0.1 if config.attention == "learned" else 0.01
        published_init = config.weight_init == "published"
        self.stages = nn.ModuleList(
            SparseBlock(a, b, momentum, published_init=published_init)
            for a, b in pairwise(wide[DENSE - 1 :])
        )
        attentive = wide[DENSE - 1 : -1]
        if config.sparsity == "frames":
            attentive = attentive[:1]
        self.attention = nn.ModuleList()
        for channels in attentive:
            attention = AdditiveAttention(channels, query)
            if config.attention == "learned":
                attention.init_energy_bias()
            self.attention.append(attention)
        self.project = projection(wide[-1] * positions_out, config)

    def forward(
        self, images: Tensor, counts: Tensor, query: Tensor | None
    ) -> tuple[Tensor, Selection]:
        """Encode the images that are selected.

        Parameters
        ----------
        images : Tensor (sum T, C, H, W)
        counts : Tensor (B,) int64
            Number of images of each utterance.
        query : Tensor (B, Q) or None
            The text state of each utterance.

        Returns
        -------
        vectors : Tensor (N, dim)
        selection : Selection
        """
        maps = self.blocks(self.stem(in_memory_format(images, self.training)))
        if query is not None:
            query = self._text_dropout(query).repeat_interleave(counts, dim=0)
        selection = Selection(torch.ones(len(maps), dtype=torch.bool, device=maps.device))
        if self.config.sparsity != "sites" and len(maps):
            maps, query, selection = self._choose_images(maps, counts, query)
        active = torch.ones_like(maps[:, 0], dtype=torch.bool)
        for number, block in enumerate(self.stages):
            x, sites = self._choose_sites(number, maps, active, query, selection)
            maps, active = block(x, sites)
        return self.project(maps.flatten(1)), selection

    def _text_dropout(self, query: Tensor) -> Tensor:
        """Set the text states of some utterances to zero while a learned attention is trained."""
        if not self.training or self.config.attention != "learned":
            return query
        return query * (torch.rand(len(query), 1, device=query.device) >= TEXT_DROPOUT)

    def _choose_images(
        self, maps: Tensor, counts: Tensor, query: Tensor | None
    ) -> tuple[Tensor, Tensor | None, Selection]:
        scores = self.attention[0](maps, query).flatten(1).logsumexp(dim=1)
        shares, chosen = choose_images(scores, counts, self.config.sparse_threshold)
        selection = Selection(chosen, shares.detach())
        maps, query = maps[chosen], None if query is None else query[chosen]
        if self.config.attention == "learned":
            weights = shares * counts.repeat_interleave(counts)
            maps = maps * weights[chosen, None, None, None].to(maps)
        return maps, query, selection

    def _choose_sites(
        self, stage: int, maps: Tensor, active: Tensor, query: Tensor | None, selection: Selection
    ) -> tuple[Tensor, Sites]:
        """Select sites by the attention; return their features (K, C) and their positions."""
        if self.config.sparsity == "frames":
            sites = Sites(active)
            return sites.rows(maps), sites
        shares = spatial_softmax(self.attention[stage](maps, query), active)
        threshold = self.config.sparse_threshold
        kept = nucleus(shares.flatten(1), threshold, active.flatten(1)).view_as(active)
        selection.attention.append(shares.detach())
        selection.kept.append(kept)
        sites = Sites(kept)
        x = sites.rows(maps)
        if self.config.attention == "learned":
            weights = shares * active.sum(dim=(1, 2), keepdim=True)
            x = x * sites.rows(weights[:, None]).to(x)
        if self.config.attention == "published-unmended" and stage == 0:
            x = sites.paired_as_published(x)
        return x, sites
