"""From faces or pieces to one vector, whatever the lengths of the others in the batch."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.models.layers.temporal import TemporalEncoder, sinusoids


def temporal(positions: bool = False) -> TemporalEncoder:
    torch.manual_seed(1)
    return TemporalEncoder(16, 2, 2, 32, positions=positions).eval()


@pytest.mark.parametrize("dim", [8, 7])
def test_sinusoids_follow_the_paper(dim: int) -> None:
    table = sinusoids(5, dim)
    assert table.shape == (5, dim)
    for position in range(5):
        for i in range(dim):
            angle = position / 10_000 ** ((i - i % 2) / dim)
            wanted = math.cos(angle) if i % 2 else math.sin(angle)
            assert table[position, i].item() == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("positions", [False, True])
@given(counts=st.lists(st.integers(1, 9), min_size=2, max_size=5), data=st.data())
@settings(max_examples=20, deadline=None)
def test_a_sequence_does_not_depend_on_its_batch_mates(
    positions: bool, counts: list[int], data: st.DataObject
) -> None:
    model = temporal(positions)
    sequences = [torch.randn(n, 16, generator=torch.Generator().manual_seed(n)) for n in counts]
    order = data.draw(st.permutations(range(len(counts))))
    with torch.no_grad():
        alone = torch.cat([model(s, torch.tensor([len(s)])) for s in sequences])
        together = model(
            torch.cat([sequences[i] for i in order]), torch.tensor([counts[i] for i in order])
        )
    torch.testing.assert_close(together, alone[order], atol=1e-5, rtol=0)


def test_order_matters_with_positions_only() -> None:
    frames, count = torch.randn(4, 16), torch.tensor([4])
    with torch.no_grad():
        plain, aware = temporal(), temporal(positions=True)
        torch.testing.assert_close(plain(frames, count), plain(frames.flip(0), count))
        assert (aware(frames, count) - aware(frames.flip(0), count)).abs().max() > 1e-3


def test_gradients_stay_within_a_sequence() -> None:
    model, frames = temporal(), torch.randn(5, 16, requires_grad=True)
    # a sum over one state after layer norm would be constant
    model(frames, torch.tensor([2, 3]))[0].square().mul(torch.arange(16)).sum().backward()
    assert frames.grad is not None
    assert (frames.grad[:2].abs().sum(dim=1) > 0).all()
    assert not frames.grad[2:].any()
    assert model.cls.grad is not None
    assert model.cls.grad.any()
