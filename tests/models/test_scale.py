"""Standardisation over the training split."""

import pytest
import torch

from mien.models.layers.scale import Scale


def fitted(steps: torch.Tensor, **options: object) -> Scale:
    scale = Scale(steps.shape[1], **options)
    for part in steps.split(7):
        scale.observe(part)
    scale.fit()
    return scale


def test_features_get_mean_0_and_deviation_1() -> None:
    steps = torch.randn(50, 4, generator=torch.Generator().manual_seed(0)) * 3 + 5
    scaled = fitted(steps)(steps)
    torch.testing.assert_close(scaled.mean(dim=0), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.std(dim=0, correction=0), torch.ones(4))


def test_a_constant_feature_is_0_and_stays_near_when_it_moves() -> None:
    steps = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    steps[:, 1] = 7
    for options in ({}, {"parts": [2]}):
        scale = fitted(steps, **options)
        assert scale(steps)[:, 1].abs().max() < 1e-5
        assert scale(steps + 0.1)[:, 1].abs().max() < 2


def test_a_unit_that_is_silent_in_training_does_not_drown_the_others() -> None:
    steps = torch.randn(50, 6, generator=torch.Generator().manual_seed(0)) * 0.04
    steps[:, 1] *= 1e-3
    steps[:, 3:] *= 100  # another network, of other units
    noisy = steps.clone()
    noisy[:, 1] = 0.04
    assert fitted(steps)(noisy).abs().max() > 500
    scale = fitted(steps, parts=[3, 3])
    assert scale(noisy).abs().max() < 15
    assert scale.sd[1] == pytest.approx(0.1 * float(scale.sd[:3].median()))
    others = [0, 2, 3, 4, 5]
    torch.testing.assert_close(scale.sd[others], steps[:, others].std(dim=0, correction=0))
