"""Sparse layers against dense convolutions of masked maps."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mien.models.layers import submanifold as sparse
from mien.models.layers.submanifold import (
    ActiveNorm,
    Sites,
    SparseBlock,
    SubmanifoldConv,
    gathered,
    masked,
)

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7))


@st.composite
def active(draw: st.DrawFn) -> Tensor:
    """Maps of which at least one site is active."""
    shape = draw(SHAPES)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10_000)))
    mask = torch.rand(shape, generator=generator) < draw(st.floats(0, 1))
    mask[tuple(draw(st.integers(0, size - 1)) for size in shape)] = True
    return mask


def random(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, requires_grad=True)


def kernel_of(weight: Tensor) -> Tensor:
    """Rearrange as the published weights are: (9, 1, in, out) to a dense kernel."""
    _, out, inside = weight.shape
    return weight.transpose(1, 2).reshape(3, 3, inside, out).permute(3, 2, 0, 1)


@settings(deadline=None, max_examples=60)
@given(active(), st.integers(1, 4), st.integers(1, 4), st.sampled_from([16, 8192]))
@pytest.mark.parametrize("way", [gathered, masked])
def test_convolution_is_that_of_masked_maps(way, mask, channels, out, block):
    sites, maps = Sites(mask), random(len(mask), channels, *mask.shape[1:])
    weight, keep = random(9, out, channels), mask[:, None].double()
    dense = F.conv2d(maps * keep, kernel_of(weight), padding=1) * keep
    factor = torch.randn_like(dense)
    expected = torch.autograd.grad((dense * factor).sum(), (maps, weight))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparse, "BLOCK", block)
        ours = sites.maps(way(sites.rows(maps), weight, sites))
        gradients = torch.autograd.grad((ours * factor).sum(), (maps, weight))
    assert torch.allclose(ours, dense, atol=1e-10, rtol=1e-10)
    for gradient, wanted in zip(gradients, expected, strict=True):
        assert torch.allclose(gradient, wanted, atol=1e-10, rtol=1e-10)


def test_gradcheck():
    sites = Sites(torch.rand(2, 4, 3) < 0.6)
    x, weight = random(len(sites), 3), random(9, 2, 3)
    assert torch.autograd.gradcheck(lambda x, w: gathered(x, w, sites), (x, weight))


def masked_norm(maps: Tensor, keep: Tensor, norm: ActiveNorm) -> Tensor:
    """Batch norm over active sites, written on maps."""
    count = keep.sum()
    mean = (maps * keep).sum(dim=(0, 2, 3), keepdim=True) / count
    variance = ((maps - mean) ** 2 * keep).sum(dim=(0, 2, 3), keepdim=True) / count
    normal = (maps - mean) / (variance + 1e-4).sqrt()
    return normal * norm.weight[:, None, None] + norm.bias[:, None, None]


@settings(deadline=None, max_examples=25)
@given(active(), st.booleans())
def test_a_block_is_that_of_masked_maps(mask, gathering):
    if mask.sum() < 2:
        return
    sites, maps, keep = Sites(mask), random(len(mask), 3, *mask.shape[1:]), mask[:, None].double()
    if min(mask.shape[1:]) < 2:
        maps, keep = (F.pad(t, (0, 1, 0, 1)).detach().requires_grad_() for t in (maps, keep))
        sites = Sites(keep[:, 0] > 0)
    block = SparseBlock(3, 4).double()
    for norm in (block.norm1, block.norm2):
        torch.nn.init.normal_(norm.weight), torch.nn.init.normal_(norm.bias)
    x = maps * keep
    for conv, norm in ((block.conv1, block.norm1), (block.conv2, block.norm2)):
        x = F.conv2d(x, kernel_of(conv.weight), padding=1)
        x = masked_norm(x, keep, norm).relu() * keep
    dense = F.max_pool2d(x, 2)
    parameters = [maps, *block.parameters()]
    factor = torch.randn_like(dense)
    expected = torch.autograd.grad((dense * factor).sum(), parameters)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparse, "gathering_pays", lambda *_: gathering)
        pooled, there = block(sites.rows(maps), sites)
    assert torch.allclose(pooled, dense, atol=1e-10)
    assert torch.equal(there, F.max_pool2d(keep[:, 0], 2) > 0)
    gradients = torch.autograd.grad((pooled * factor).sum(), parameters)
    for gradient, wanted in zip(gradients, expected, strict=True):
        assert torch.allclose(gradient, wanted, atol=1e-8, rtol=1e-8)


def test_neighbours_by_hand():
    sites = Sites(torch.tensor([[[1, 1, 0], [0, 1, 0]], [[1, 0, 0], [0, 0, 0]]]).bool())
    found = {
        (tap, int(source), int(to))
        for tap, pairs in enumerate(sites.neighbours)
        for source, to in zip(*pairs, strict=True)
    }
    # rows: 0 at (0, 0), 1 at (0, 1), 2 at (1, 1), all in the first map; 3 in the second
    own = {(4, row, row) for row in range(4)}
    assert found == own | {(5, 1, 0), (3, 0, 1), (8, 2, 0), (0, 0, 2), (7, 2, 1), (1, 1, 2)}
    assert sites.products == len(found)


def test_one_active_site_trains():
    mask = torch.zeros(1, 2, 2, dtype=torch.bool)
    mask[0, 1, 0] = True
    block = SparseBlock(3, 4)
    maps, _ = block(torch.randn(1, 3), Sites(mask))
    maps.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in block.parameters())
    assert block.norm1.running_var.eq(1).all()


def test_running_statistics_are_of_active_sites_and_unbiased():
    norm = ActiveNorm(2, momentum=0.01)
    rows = torch.randn(50, 2)
    norm(rows)
    assert torch.allclose(norm.running_mean, 0.01 * rows.mean(dim=0))
    assert torch.allclose(norm.running_var, 0.99 + 0.01 * rows.var(dim=0, unbiased=True))


def test_block_sizes_recur():
    sizes = {n: sparse._recurring(n) for n in range(1, sparse.BLOCK + 1)}
    assert len(set(sizes.values())) < 80
    assert all(0 <= padded - n <= max(15, n / 8) for n, padded in sizes.items())
    assert all(padded % sparse.IMAGES == 0 for padded in sizes.values())


def test_half_precision_is_summed_in_full():
    weight, x = torch.ones(9, 1, 1), torch.ones(9, 1, requires_grad=True)
    weight[sparse.CENTRE] = 256
    weight.requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        half = gathered(x, weight, Sites(torch.ones(1, 3, 3, dtype=torch.bool)))
    assert half.dtype == torch.bfloat16
    half.float().sum().backward()
    assert (x.grad.dtype, weight.grad.dtype) == (torch.float32, torch.float32)
    # the middle has eight neighbours; in bfloat16 256 + 1 is 256
    assert (half[4].item(), x.grad[4].item()) == (264, 264)


def test_the_way_is_chosen_by_cost():
    def pays(share: float, channels: int, maps: int = 64) -> bool:
        mask = torch.rand(maps, 24, 24, generator=torch.Generator().manual_seed(0)) < share
        return sparse.gathering_pays(Sites(mask), channels, channels)

    assert [pays(share, 128) for share in (0.3, 0.5, 0.9, 1)] == [True, True, False, False]
    assert [pays(0.5, channels) for channels in (8, 32, 128)] == [False, False, True]
    assert not pays(0.5, 128, maps=1)
    # what pays at a share pays at any smaller one
    for channels in (64, 256, 512):
        answers = [pays(share, channels) for share in (0.1, 0.3, 0.5, 0.7, 0.9)]
        assert all(a >= b for a, b in itertools.pairwise(answers))


def test_features_paired_as_published_land_in_other_maps() -> None:
    mask = torch.tensor([[[1, 0], [1, 1]], [[1, 1], [0, 1]]], dtype=torch.bool)
    rows = Sites(mask).paired_as_published(torch.arange(6.0)[:, None])
    # sites by y, x, map: (0,0,A) (0,0,B) (0,1,B) (1,0,A) (1,1,A) (1,1,B) receive rows 0 to 5
    assert rows[:, 0].tolist() == [0, 3, 4, 1, 2, 5]
    alone = Sites(mask[:1]).paired_as_published(torch.arange(3.0)[:, None])
    assert alone[:, 0].tolist() == [0, 1, 2], "of one map nothing is out of place"


@pytest.mark.parametrize(("published", "variance"), [(False, 1 / 27), (True, 2 / 9)])
def test_where_sparse_convolutions_start(published: bool, variance: float) -> None:
    torch.manual_seed(0)
    weight = SubmanifoldConv(64, 128, published_init=published).weight
    assert weight.var().item() * 64 == pytest.approx(variance, rel=0.02)
    highest = weight.abs().max().item() * 24
    assert highest > 4 if published else highest <= 1, "normal, or uniform up to 1 / sqrt(9 C)"
