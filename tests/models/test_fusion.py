"""One answer from several: what is there counts, what is missing does not."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mien.models.fusion import AttentionFusion, StateFusion, WeightedFusion, state_fusion


def fusion(weight: list[float]) -> WeightedFusion:
    layer = WeightedFusion(len(weight))
    layer.weight.data = torch.tensor(weight)
    return layer


def test_all_present_is_the_published_weighted_sum() -> None:
    logits = torch.randn(5, 3, 4)
    fused = fusion([0.2, -0.5, 1.5])(logits, torch.ones(5, 3, dtype=torch.bool))
    expected = 0.2 * logits[:, 0] - 0.5 * logits[:, 1] + 1.5 * logits[:, 2]
    torch.testing.assert_close(fused, expected)


@given(st.lists(st.booleans(), min_size=3, max_size=3).filter(any))
def test_fresh_weights_give_the_mean_of_what_is_present(there: list[bool]) -> None:
    logits = torch.arange(6.0).reshape(1, 3, 2) ** 2
    fused = WeightedFusion(3)(logits, torch.tensor([there]))
    torch.testing.assert_close(fused[0], logits[0, torch.tensor(there)].mean(dim=0))


def test_the_published_weights_start_at_random_up_to_one_over_the_root() -> None:
    torch.manual_seed(0)
    drawn = torch.stack([WeightedFusion(3, published_init=True).weight for _ in range(400)])
    bound = 3**-0.5
    assert 0.97 * bound < drawn.max() <= bound
    assert -bound <= drawn.min() < -0.97 * bound
    assert drawn.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
    assert WeightedFusion(1, published_init=True).weight.tolist() == [1.0]


def test_logits_of_a_missing_modality_have_no_effect() -> None:
    layer, present = fusion([0.3, 0.4, 0.5]), torch.tensor([[True, False, True]])
    logits = torch.randn(1, 3, 2)
    other = logits.clone()
    other[:, 1] = 1e6
    torch.testing.assert_close(layer(logits, present), layer(other, present))


def test_nothing_present_gives_zeros_and_finite_gradients() -> None:
    layer = fusion([0.3, 0.7])
    fused = layer(torch.zeros(2, 2, 3), torch.zeros(2, 2, dtype=torch.bool))
    assert torch.equal(fused, torch.zeros(2, 3))
    fused.sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.isfinite().all()


def test_a_single_modality_passes_as_it_is_and_has_nothing_to_learn() -> None:
    layer, logits = fusion([0.1]), torch.randn(4, 1, 3)
    assert torch.equal(layer(logits, torch.ones(4, 1, dtype=torch.bool)), logits[:, 0])
    assert not WeightedFusion(1).weight.requires_grad


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_only_what_is_present_receives_a_gradient(missing: int) -> None:
    layer = WeightedFusion(3)
    logits = torch.randn(2, 3, 2, requires_grad=True)
    present = torch.ones(2, 3, dtype=torch.bool)
    present[:, missing] = False
    layer(logits, present).square().sum().backward()
    assert logits.grad is not None
    assert layer.weight.grad is not None
    assert (logits.grad.abs().sum(dim=(0, 2)) > 0).tolist() == present[0].tolist()
    assert (layer.weight.grad != 0).tolist() == present[0].tolist()


# Fusion of states


KINDS = ("concat", "attention")
WIDTHS = (6, 4, 8)


def of_states(kind: str, widths: tuple[int, ...] = WIDTHS) -> StateFusion:
    torch.manual_seed(0)
    layer = state_fusion(kind, widths, labels=5)
    assert layer is not None
    return layer


def units(rows: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    each = [torch.randn(rows, width, generator=generator) for width in WIDTHS]
    return [torch.nn.functional.normalize(state, dim=1) for state in each]


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_state_has_no_effect_and_its_lack_has(kind: str) -> None:
    layer, states, there = of_states(kind), units(3), torch.ones(3, 3, dtype=torch.bool)
    whole = layer(states, there)
    there[:, 1] = False
    without = layer(states, there)
    assert torch.equal(layer([states[0], states[1] + 1e3, states[2]], there), without)
    assert ((whole - without).abs().amax(dim=1) > 1e-3).all()


@pytest.mark.parametrize("kind", KINDS)
def test_of_nothing_the_answer_is_finite_and_so_are_the_gradients(kind: str) -> None:
    layer = of_states(kind)
    fused = layer(units(2), torch.zeros(2, 3, dtype=torch.bool))
    fused.square().sum().backward()
    assert fused.isfinite().all()
    assert torch.equal(fused[0], fused[1])
    assert all(p.grad is None or p.grad.isfinite().all() for p in layer.parameters())


def test_attention_is_a_mean_weighted_by_its_scores() -> None:
    layer = of_states("attention")
    assert isinstance(layer, AttentionFusion)
    states, there = units(1), torch.tensor([[True, False, True]])
    values = [layer.project[i](states[i] * WIDTHS[i] ** 0.5) for i in (0, 2)]
    scores = torch.cat([layer.score(torch.tanh(layer.features(value))) for value in values])
    first, last = scores.exp() / scores.exp().sum()
    torch.testing.assert_close(
        layer(states, there), layer.output(first * values[0] + last * values[1])
    )


@pytest.mark.parametrize("kind", KINDS)
def test_one_modality_leaves_nothing_to_fuse(kind: str) -> None:
    assert state_fusion(kind, (6,), 5) is None
    assert state_fusion("weighted", WIDTHS, 5) is None
