"""The embedding of persons, and its margin loss."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.models.person_head import MARGIN, SCALE, PersonEmbedding, margin_loss

DIMS = {"t": 9, "v": 8, "a": 10}


def states(rows: int) -> dict[str, torch.Tensor]:
    return {m: torch.randn(rows, dim, dtype=torch.float64) for m, dim in DIMS.items()}


@pytest.mark.parametrize("angle", [0.1, 1.0, 2.0, math.pi - MARGIN - 0.01])
def test_the_margin_turns_the_own_person_away_by_its_angle(angle: float) -> None:
    other = 0.3
    cosines = torch.tensor([[math.cos(angle), other]])
    logits = SCALE * torch.tensor([[math.cos(angle + MARGIN), other]])
    wanted = torch.nn.functional.cross_entropy(logits, torch.tensor([0]))
    torch.testing.assert_close(
        margin_loss(cosines, torch.tensor([0])), wanted, rtol=1e-4, atol=1e-5
    )


@given(st.floats(-0.999, 0.998), st.floats(0.0005, 0.001))
def test_nearer_is_always_better(cosine: float, step: float) -> None:
    pair = torch.tensor([[cosine, 0.0], [cosine + step, 0.0]])
    far, near = (margin_loss(row[None], torch.tensor([0])) for row in pair)
    assert near <= far


def test_the_loss_is_finite_at_the_ends() -> None:
    cosines = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], requires_grad=True)
    loss = margin_loss(cosines, torch.tensor([0, 0]))
    loss.backward()
    assert loss.isfinite()
    assert cosines.grad is not None
    assert cosines.grad.isfinite().all()


@given(st.lists(st.sets(st.sampled_from("tva"), min_size=1), min_size=1, max_size=5))
@settings(deadline=None)
def test_what_is_missing_has_no_say(present: list[set[str]]) -> None:
    embed = PersonEmbedding(DIMS, size=6, persons=2).double()
    there = torch.tensor([[m in row for m in DIMS] for row in present])
    first, second = states(len(present)), states(len(present))
    mixed = {m: torch.where(there[:, [i]], first[m], second[m]) for i, m in enumerate(DIMS)}
    assert torch.equal(embed(first, there)[0], embed(mixed, there)[0])


def test_persons_are_told_apart_by_any_modality_after_training() -> None:
    """Synthetic states: each person has a direction of their own in each modality."""
    torch.manual_seed(0)
    centres, persons = states(4), torch.arange(4).repeat(8)
    embed = PersonEmbedding(DIMS, size=6, persons=4).double()
    optimizer = torch.optim.Adam(embed.parameters(), lr=0.05)
    present = torch.ones(len(persons), 3, dtype=torch.bool)
    for _ in range(100):
        noisy = {m: 3 * centre[persons] + 0.3 * states(32)[m] for m, centre in centres.items()}
        fused, each = embed(noisy, present)
        losses = [margin_loss(embed.cosines(e), persons) for e in (fused, *each.values())]
        optimizer.zero_grad()
        torch.stack(losses).sum().backward()
        optimizer.step()
    with torch.no_grad():
        views = []
        for _ in range(2):
            noise = states(4)
            fused, each = embed(
                {m: 3 * c + 0.3 * noise[m] for m, c in centres.items()}, present[:4]
            )
            views.append([fused, *each.values()])
    for enrolled, seen in zip(*views, strict=True):
        assert torch.equal((seen @ enrolled.T).argmax(dim=1), torch.arange(4))
