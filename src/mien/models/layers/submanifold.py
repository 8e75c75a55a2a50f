"""Convolution, batch norm and pooling on the active sites of feature maps only.

The features of the active sites are the rows of one matrix, in the order map, y, x. For each of its
nine taps, a convolution gathers the rows that have a neighbour there, multiplies them by the matrix
of the tap and adds up the products.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TAPS, CENTRE = 9, 4
"""The positions of a 3x3 kernel, row by row, and its centre."""

BLOCK = 8192
"""Rows of a block, whose inputs and sums stay in the cache for all taps."""


@dataclass(frozen=True)
class Pairs:
    """Neighbours: row `source[i]` lies at a tap of row `to[i]`; beyond `count` is padding.

    At the centre tap each row is its own neighbour, and `block` is the slice of the rows.
    """

    tap: int
    count: int
    source: Tensor
    to: Tensor
    block: slice | None = None


@dataclass(frozen=True, eq=False)
class Sites:
    """The active sites of N maps of one size, with index tables that all layers on them share.

    Parameters
    ----------
    mask : Tensor (N, H, W) bool
        Where the maps are active.

    Examples
    --------
    >>> sites = Sites(torch.tensor([[[True, False], [True, True]]]))
    >>> len(sites), sites.rows(torch.arange(4.0).view(1, 1, 2, 2)).flatten().tolist()
    (3, [0.0, 2.0, 3.0])
    """

    mask: Tensor

    def __len__(self) -> int:
        return len(self.index)

    @cached_property
    def index(self) -> Tensor:
        """Positions of the K active sites in the flattened maps, (K,) int64."""
        return self.mask.flatten().nonzero()[:, 0]

    @property
    def full(self) -> bool:
        """Whether every site is active."""
        return len(self) == self.mask.numel()

    @cached_property
    def neighbours(self) -> list[tuple[Tensor, Tensor]]:
        """For each tap, the neighbouring rows and the rows whose neighbours they are."""
        _, height, width = self.mask.shape
        every = torch.arange(len(self), device=self.mask.device)
        number = torch.full_like(self.mask, -1, dtype=torch.int64)
        number = F.pad(number.masked_scatter_(self.mask, every), (1, 1, 1, 1), value=-1)
        before = []
        for tap in range(CENTRE):
            y, x = divmod(tap, 3)
            there = number[:, y : y + height, x : x + width].flatten()[self.index]
            to = (there >= 0).nonzero()[:, 0]
            before.append((there[to], to))
        after = [(to, source) for source, to in reversed(before)]  # b left of a: a right of b
        return [*before, (every, every), *after]

    @cached_property
    def blocks(self) -> list[Pairs]:
        """All neighbours: the centre tap, then the other taps of each block of rows."""
        edges = torch.tensor([*range(0, len(self), BLOCK), len(self)], device=self.mask.device)
        taps = []
        for tap, (source, to) in enumerate(self.neighbours):
            cuts = torch.searchsorted(to, edges).tolist()
            taps.append([_pairs(tap, source[a:b], to[a:b]) for a, b in pairwise(cuts)])
        centres = taps.pop(CENTRE)
        return centres + [
            pairs for block in zip(*taps, strict=True) for pairs in block if pairs.count
        ]

    @cached_property
    def products(self) -> int:
        """Number of rows that a convolution multiplies, over all taps."""
        return sum(len(to) for _, to in self.neighbours)

    def rows(self, maps: Tensor) -> Tensor:
        """Gather the features of the active sites, (K, C), from maps (N, C, H, W)."""
        rows = maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])
        return rows if self.full else rows.index_select(0, self.index)

    def paired_as_published(self, rows: Tensor) -> Tensor:
        """Permute the features of the sites as the published code does in its first sparse layer.

        That code orders features by map, y, x but sites by y, x, map, and pairs them by position:
        features move to other maps, and which ones depends on the rest of the batch.
        """
        by_place = self.mask.permute(1, 2, 0)
        place = (by_place.flatten().cumsum(0) - 1).view(by_place.shape).permute(2, 0, 1)
        return rows.index_select(0, place[self.mask])

    def maps(self, rows: Tensor, fill: float = 0.0) -> Tensor:
        """Scatter rows (K, C) into maps (N, C, H, W), which are `fill` at inactive sites."""
        if not self.full:
            empty = rows.new_full((self.mask.numel(), rows.shape[1]), fill)
            rows = empty.index_copy_(0, self.index, rows)
        return rows.view(*self.mask.shape, rows.shape[1]).permute(0, 3, 1, 2)


def _pairs(tap: int, source: Tensor, to: Tensor) -> Pairs:
    count = len(to)
    block = slice(int(to[0]), int(to[0]) + count) if tap == CENTRE else None
    padding = (0, _recurring(count) - count)
    return Pairs(tap, count, F.pad(source, padding), F.pad(to, padding), block)


def _recurring(size: int) -> int:
    """Round up by at most an eighth, so that sizes recur: a kernel is slow for each new size."""
    step = max(IMAGES, (1 << size.bit_length()) // 16)
    return math.ceil(size / step) * step


class _Gathered(torch.autograd.Function):
    """The convolution by gathering; its backward pass gathers the same rows again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, sites: Sites) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.blocks = sites.blocks
        kernels, out = _kernels(weight), _sum(x, weight.shape[1])
        for pairs in sites.blocks:
            product = F.conv2d(_image(_take(x, pairs.source, pairs)), kernels[pairs.tap])
            _add(out, pairs.to, product, pairs)
        return out.to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        (x, weight), grad = ctx.saved_tensors, grads[0].contiguous()
        kernels, grad_x = _kernels(weight), _sum(x, x.shape[1])
        grad_kernels: dict[int, Tensor] = {}
        for pairs in ctx.blocks:
            given, taken = _take(grad, pairs.to, pairs), _take(x, pairs.source, pairs)
            if len(given) > pairs.count:
                given[pairs.count :] = 0
            to_x, to_kernel, _ = torch.ops.aten.convolution_backward(
                *(_image(given), _image(taken), kernels[pairs.tap], None),
                *([1, 1], [0, 0], [1, 1], False, [0, 0], 1, [True, True, False]),
            )
            _add(grad_x, pairs.source, to_x, pairs)
            known = grad_kernels.get(pairs.tap)
            to_kernel = to_kernel.to(grad_x.dtype)
            grad_kernels[pairs.tap] = to_kernel if known is None else known.add_(to_kernel)
        none = torch.zeros_like(kernels[CENTRE], dtype=grad_x.dtype)
        grad_weight = torch.stack([grad_kernels.get(tap, none) for tap in range(TAPS)])
        return grad_x.to(x.dtype), grad_weight[..., 0, 0].to(weight.dtype), None


# A matrix product is computed as a pointwise convolution of 16 images. It uses the kernels of the
# dense convolution, which are twice as fast as torch.mm on CPUs that are not made by Intel; on one
# thread PyTorch uses them only for batches of 16 or more.
IMAGES = 16


def _kernels(weight: Tensor) -> tuple[Tensor, ...]:
    """View weight (9, C_out, C_in) as nine kernels (C_out, C_in, 1, 1), channels last."""
    return weight[:, :, None, None].permute(0, 1, 4, 2, 3).unbind()


def _image(rows: Tensor) -> Tensor:
    """View rows (n, C) as images (16, C, 1, n / 16), channels last."""
    return rows.view(IMAGES, 1, -1, rows.shape[1]).permute(0, 3, 1, 2)


def _take(rows: Tensor, which: Tensor, pairs: Pairs) -> Tensor:
    if pairs.block is not None and len(which) == pairs.count:
        return rows[pairs.block]
    return rows.index_select(0, which)


def _sum(x: Tensor, channels: int) -> Tensor:
    """Allocate the rows of a sum, in float32 at least: half precision would lose accuracy."""
    return x.new_empty((len(x), channels), dtype=torch.promote_types(x.dtype, torch.float32))


def _add(total: Tensor, which: Tensor, images: Tensor, pairs: Pairs) -> None:
    """Add products to their rows; those of the centre tap, which come first, set every row."""
    rows = images.permute(0, 2, 3, 1).reshape(-1, images.shape[1])[: pairs.count]
    if pairs.block is not None:
        total[pairs.block] = rows
    else:
        total.index_add_(0, which[: pairs.count], rows.to(total.dtype))


def gathered(x: Tensor, weight: Tensor, sites: Sites) -> Tensor:
    """Convolve rows (K, C_in) with weight (9, C_out, C_in), multiplying active sites only."""
    device = x.device.type
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
        x, weight = x.to(dtype), weight.to(dtype)
    return _Gathered.apply(x, weight, sites)


def masked(x: Tensor, weight: Tensor, sites: Sites) -> Tensor:
    """Compute the same convolution as `gathered` as a dense convolution of masked maps."""
    kernel = weight.view(3, 3, *weight.shape[1:]).permute(2, 3, 0, 1)
    return sites.rows(F.conv2d(sites.maps(x), kernel.contiguous(), padding=1))


def gathering_pays(sites: Sites, channels_in: int, channels_out: int) -> bool:
    """Return whether `gathered` is faster than `masked`, as `benchmarks/sparse.py` measures it.

    A gathered product costs more than a dense one, especially with few channels, and a convolution
    by gathering has a fixed cost. Accelerators are faster with dense convolutions.
    """
    if sites.full or sites.mask.device.type != "cpu":
        return False
    each = channels_in * channels_out
    dense = TAPS * sites.mask.numel() * each
    gather = sites.products * each * (1.45 + 45 / channels_in + 45 / channels_out)
    return gather + 5e7 < dense


class SubmanifoldConv(nn.Module):
    """A 3x3 convolution that reads active sites only and writes the same sites.

    Parameters
    ----------
    channels_in, channels_out : int
        Features of a site.
    published_init : bool
        Initialise as SparseConvNet does, normal with variance 2 / (9 C_in), instead of as
        `torch.nn.Conv2d` does, whose standard deviation is 2.45 times smaller.

    Notes
    -----
    Graham and van der Maaten, Submanifold Sparse Convolutional Networks, 2017. `weight[3 y + x]`
    is the dense kernel at (y, x); there is no bias.
    """

    def __init__(
        self, channels_in: int, channels_out: int, *, published_init: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(TAPS, channels_out, channels_in))
        bound = 1 / math.sqrt(TAPS * channels_in)
        if published_init:
            nn.init.normal_(self.weight, std=math.sqrt(2) * bound)
        else:
            nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, x: Tensor, sites: Sites) -> Tensor:
        """Convolve rows (K, C_in) into rows (K, C_out)."""
        _, channels_out, channels_in = self.weight.shape
        way = gathered if gathering_pays(sites, channels_in, channels_out) else masked
        return way(x, self.weight, sites)


class ActiveNorm(nn.BatchNorm1d):
    """Batch norm over active sites with the published eps; one site uses running statistics."""

    def __init__(self, channels: int, momentum: float) -> None:
        super().__init__(channels, eps=1e-4, momentum=momentum)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise rows (K, C)."""
        if len(x) > 1 or not self.training:
            return super().forward(x)
        # one row has no variance
        weight, bias = self.weight, self.bias
        return F.batch_norm(x, self.running_mean, self.running_var, weight, bias, eps=self.eps)


class SparseBlock(nn.Module):
    """Twice (submanifold conv 3x3, batch norm, ReLU), then 2x2 max pooling, at active sites.

    Parameters
    ----------
    channels_in, channels_out : int
        Features of a site.
    momentum : float
        Momentum of the batch norms' running statistics.
    published_init : bool
        As for `SubmanifoldConv`.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        momentum: float = 0.1,
        *,
        published_init: bool = False,
    ) -> None:
        super().__init__()
        self.conv1 = SubmanifoldConv(channels_in, channels_out, published_init=published_init)
        self.norm1 = ActiveNorm(channels_out, momentum)
        self.conv2 = SubmanifoldConv(channels_out, channels_out, published_init=published_init)
        self.norm2 = ActiveNorm(channels_out, momentum)

    def forward(self, x: Tensor, sites: Sites) -> tuple[Tensor, Tensor]:
        """Apply the block.

        Parameters
        ----------
        x : Tensor (K, C_in)
            Features of the active sites.
        sites : Sites
            Their positions in N maps.

        Returns
        -------
        maps : Tensor (N, C_out, H / 2, W / 2)
            Zero where not active; an odd last row or column is dropped.
        active : Tensor (N, H / 2, W / 2) bool
            A site is active if one of the four that are pooled is.
        """
        x = F.relu(self.norm1(self.conv1(x, sites)), inplace=True)
        x = self.norm2(self.conv2(x, sites))
        # max pooling and ReLU commute; inactive sites become 0
        maps = F.relu(F.max_pool2d(sites.maps(x, -math.inf), 2), inplace=True)
        return maps, F.max_pool2d(sites.mask[:, None].float(), 2)[:, 0] > 0
