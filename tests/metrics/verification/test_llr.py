"""Log likelihood ratios and what they cost."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.metrics.verification.llr import LlrCalibration, cllr, minimum_cllr


@st.composite
def trials(draw: st.DrawFn, most: int = 40) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    counts = [draw(st.integers(1, most)) for _ in "ab"]
    target = np.repeat([True, False], counts)
    scores = random.normal(size=len(target)) + draw(st.floats(-1, 3)) * target
    return np.round(scores, draw(st.sampled_from([0, 1, 6]))), target


def test_cases_done_by_hand() -> None:
    target = np.array([True, True, False])
    assert cllr(np.zeros(3), target) == pytest.approx(1)
    # ratio 3 for both targets: log2(4/3); ratio 1/3 for the other: the same
    right = np.log([3, 3, 1 / 3])
    assert cllr(right, target) == pytest.approx(np.log2(4 / 3))
    assert cllr(-right, target) == pytest.approx(2)
    assert cllr(np.array([np.inf, np.inf, -np.inf]), target) == 0
    assert cllr(np.array([np.inf, -np.inf, -np.inf]), target) == np.inf
    # the first target counts three times: (3 * log2(4/3) + 1) / 4 for the targets
    mixed, weights = np.array([np.log(3), 0.0, 0.0]), np.array([3.0, 1.0, 1.0])
    by_hand = ((3 * np.log2(4 / 3) + 1) / 4 + 1) / 2
    assert cllr(mixed, target, weights) == pytest.approx(by_hand)
    assert np.isnan(cllr(mixed, target, np.array([1.0, 1.0, 0.0])))


@settings(deadline=None)
@given(trials())
def test_calibrated_on_themselves_scores_are_no_worse_than_silence(parts) -> None:
    scores, target = parts
    line = LlrCalibration(scores, target)
    cost, least = cllr(line(scores), target), minimum_cllr(scores, target)
    assert cost <= 1 + 1e-6
    assert 0 <= least <= 1 + 1e-9
    rises = np.diff(line(np.array([0.0, 1.0]))).item() >= 0
    assert least <= cost + 1e-9 or not rises


@settings(deadline=None)
@given(trials(), st.floats(0.01, 100), st.floats(-10, 10))
def test_the_scale_of_scores_does_not_matter(parts, scale: float, origin: float) -> None:
    scores, target = parts
    found = LlrCalibration(scores, target)(scores)
    moved = scale * scores + origin
    assert np.allclose(LlrCalibration(moved, target)(moved), found, atol=1e-3)
    assert minimum_cllr(moved, target) == pytest.approx(minimum_cllr(scores, target), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(trials(most=2))
def test_no_non_decreasing_calibration_is_better(parts) -> None:
    scores, target = parts
    different = sorted(set(scores))
    grid = np.linspace(-4, 4, 13)
    best = min(
        cllr(np.array([dict(zip(different, levels, strict=True))[s] for s in scores]), target)
        for levels in itertools.combinations_with_replacement(grid, len(different))
    )
    assert minimum_cllr(scores, target) <= best + 1e-9
    # the grid reaches within its own coarseness
    assert best - minimum_cllr(scores, target) < 0.05


def test_true_ratios_are_left_as_they_are() -> None:
    """Gaussians with unit variance, 2 apart: the ratio of x is 2x - 2."""
    random = np.random.default_rng(0)
    target = np.repeat([True, False], [4000, 40_000])
    scores = random.normal(size=len(target)) + 2 * target
    at = np.array([[0.0, 1.0], [2.0, 3.0]])
    assert np.allclose(LlrCalibration(scores, target)(at), 2 * at - 2, atol=0.15)


def test_separate_scores_stay_finite() -> None:
    ratios = LlrCalibration(np.array([0.0, 1.0]), np.array([False, True]))(np.array([-5.0, 5.0]))
    assert np.isfinite(ratios).all()
    assert ratios[0] < 0 < ratios[1]
    same = LlrCalibration(np.array([0.3, 0.3]), np.array([False, True]))(np.array([0.3]))
    assert same == pytest.approx(0, abs=1e-6)
