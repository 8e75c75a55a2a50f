"""Where the attention sends the model."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mien.models.layers.attention import (
    CONTRAST,
    AdditiveAttention,
    choose_images,
    nucleus,
    spatial_softmax,
)


def chosen_one_by_one(shares: list[float], mass: float) -> set[int]:
    """The nucleus as the paper words it: the largest, until together they hold the mass."""
    order = sorted(range(len(shares)), key=lambda i: -shares[i])
    chosen, held = set(), 0.0
    for i in order:
        if chosen and held >= mass:
            break
        chosen.add(i)
        held += shares[i]
    return chosen


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=12), min_size=1, max_size=4),
    st.floats(0.001, 0.999),
)
def test_nucleus_is_the_fewest_that_hold_the_mass(rows, mass):
    width = max(map(len, rows))
    among = torch.zeros(len(rows), width, dtype=torch.bool)
    shares = torch.zeros(len(rows), width, dtype=torch.float64)
    for i, row in enumerate(rows):
        among[i, : len(row)] = True
        shares[i, : len(row)] = torch.softmax(torch.tensor(row, dtype=torch.float64), 0)
    kept = nucleus(shares, mass, among)
    assert not (kept & ~among).any()
    for i, row in enumerate(rows):
        inside = shares[i][kept[i]]
        assert len(inside) == len(chosen_one_by_one(shares[i, : len(row)].tolist(), mass))
        outside = shares[i][among[i] & ~kept[i]]
        assert len(inside)
        assert not len(outside) or inside.min() >= outside.max()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1, 2, 36, 1024])
def test_a_mass_near_one_never_fails(size, dtype):
    shares = torch.softmax(torch.randn(200, size, dtype=dtype) * 5, dim=1)
    among = torch.ones_like(shares, dtype=torch.bool)
    assert nucleus(shares, 1.0, among).all()
    for mass in (1e-9, 0.5, 0.999999, 1 - 1e-12):
        kept = nucleus(shares, mass, among)
        assert kept.any(dim=1).all()
        held = (shares.double() * kept).sum(dim=1)
        assert (held >= min(mass, 1 - 1e-5)).all()


def test_uniform_attention_keeps_the_share_of_sites():
    shares = torch.full((3, 128), 1 / 128)
    kept = nucleus(shares, 0.5, torch.ones_like(shares, dtype=torch.bool))
    assert kept.sum(dim=1).tolist() == [64, 64, 64]


def test_softmax_is_of_each_maps_active_sites():
    mask = torch.tensor([[[1, 0], [1, 1]], [[0, 1], [0, 0]]]).bool()
    scores = torch.tensor([[[1.0, 9.0], [2.0, 3.0]], [[9.0, -50.0], [9.0, 9.0]]])
    shares = spatial_softmax(scores, mask)
    assert shares.sum(dim=(1, 2)).tolist() == pytest.approx([1, 1])
    assert (shares[~mask] == 0).all()
    assert torch.allclose(shares[0][mask[0]], torch.softmax(torch.tensor([1.0, 2.0, 3.0]), 0))


def test_scores_by_hand():
    attention = AdditiveAttention(2, 3)
    maps, query = torch.randn(4, 2, 3, 5), torch.randn(4, 3)
    u, v, w = attention.features, attention.text, attention.score
    seen = torch.einsum("nchw,oc->nohw", maps, u.weight) + u.bias[:, None, None]
    said = (query @ v.weight.T)[:, :, None, None]
    everywhere = torch.ones(4, 3, 5, dtype=torch.bool)
    # with words, and without: then the image alone
    for hidden, words in ((seen + said, query), (seen, torch.zeros(4, 3))):
        shares = torch.einsum("nohw,o->nhw", torch.tanh(hidden), w.weight[0])
        expected = spatial_softmax(shares, everywhere)
        assert torch.allclose(spatial_softmax(attention(maps, words), everywhere), expected)


def test_it_begins_with_what_is_strong_whatever_is_said():
    attention = AdditiveAttention(2, 3)
    attention.init_energy_bias()
    maps = torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0], [9.0, 9.0]]).T.reshape(1, 2, 2, 2)
    silent, words = (attention(maps, query) for query in (None, torch.randn(1, 3)))
    assert torch.equal(silent, words)
    rising = silent.flatten()
    assert (rising.diff() > 0).all()
    assert (rising[-1] - rising[0]).item() < 2 * CONTRAST


def test_half_precision_keeps_the_same_sites():
    attention, maps, query = AdditiveAttention(8, 3), torch.randn(2, 8, 6, 6), torch.randn(2, 3)
    with torch.autocast("cpu", torch.bfloat16):
        half = attention(maps, query)
    assert torch.equal(half, attention(maps, query))


def images(scores: list[float], counts: list[int], mass: float) -> tuple[Tensor, Tensor]:
    return choose_images(torch.tensor(scores), torch.tensor(counts), mass)


def test_pictures_are_chosen_within_their_utterance():
    shares, chosen = images([0.0, 5.0, 0.0, 1.0, 1.0], [3, 2], 0.5)
    assert chosen.tolist() == [False, True, False, True, False]
    assert shares[:3].sum().item() == pytest.approx(1)
    assert shares[3:].tolist() == pytest.approx([0.5, 0.5])
    assert images([0.0, 5.0, 0.0, 1.0, 1.0], [3, 2], 1.0)[1].all()
    assert images([-3.0], [1], 0.01)[1].tolist() == [True]
