"""Concordance, correlation and error of numbers in several dimensions."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import MienError
from mien.metrics.concordance import agreement, concordance, evaluate_dimensions

NAMES = ("valence", "arousal")


def by_definition(x: np.ndarray, y: np.ndarray) -> float:
    """Lin's coefficient as r times the correction of bias, another way than the program's."""
    r = np.corrcoef(x, y)[0, 1]
    shift = (x.mean() - y.mean()) ** 2 / (x.std() * y.std())
    return r * 2 / (x.std() / y.std() + y.std() / x.std() + shift)


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        ([1.0, 2.0, 3.0, 4.0], 1.0),
        ([4.0, 3.0, 2.0, 1.0], -1.0),
        ([2.0, 3.0, 4.0, 5.0], 2 * 1.25 / (1.25 + 1.25 + 1)),  # one too high
        ([2.0, 4.0, 6.0, 8.0], 2 * 2.5 / (5 + 1.25 + 6.25)),  # twice as much
        ([2.5, 2.5, 2.5, 2.5], 0.0),  # the mean, always
    ],
)
def test_concordance_of_known_value(predicted: list[float], expected: float) -> None:
    truth = np.array([1.0, 2.0, 3.0, 4.0])
    assert concordance(np.array(predicted), truth) == pytest.approx(expected)


@given(st.integers(0, 10_000), st.floats(-1e5, 1e5), st.floats(1e-2, 1e3))
def test_concordance_is_lins_and_knows_no_scale(seed: int, shift: float, scale: float) -> None:
    random = np.random.default_rng(seed)
    truth = random.normal(3, 1, 20)
    predicted = 0.5 * truth + random.normal(2, 0.5, 20)
    found = concordance(predicted, truth)
    assert found == pytest.approx(by_definition(predicted, truth))
    assert concordance(predicted * scale + shift, truth * scale + shift) == pytest.approx(
        found, abs=1e-6
    )


def test_an_undefined_metric_is_none() -> None:
    one, two = np.array([1.0]), np.array([2.0, 2.0])
    assert concordance(one, one) is None
    assert concordance(two, two) is None
    empty = agreement(np.empty(0), np.empty(0))
    assert empty == {"n": 0, "ccc": None, "pearson": None, "mae": None}
    constant = agreement(np.full(3, 1e6), np.array([1.0, 2.0, 6.0]))
    assert (constant["ccc"], constant["pearson"]) == (0.0, None)


def block(**more):
    random = np.random.default_rng(0)
    truth = random.normal(3, 1, (60, 2))
    predicted = truth + random.normal(0, 0.3, (60, 2))
    truth[::4, 1] = np.nan
    speakers = [f"P{i % 11}" for i in range(60)]
    found = evaluate_dimensions(predicted, truth, NAMES, (3.0, 2.5), groups=speakers, **more)
    return found, predicted, truth


def test_dimensions_are_evaluated_where_they_are_rated() -> None:
    found, predicted, truth = block()
    rows = ~np.isnan(truth[:, 1])
    arousal = found["per_dimension"]["arousal"]
    assert (found["n"], found["labels"]) == (60, list(NAMES))
    assert (found["per_dimension"]["valence"]["n"], arousal["n"]) == (60, 45)
    assert arousal["ccc"] == pytest.approx(by_definition(predicted[rows, 1], truth[rows, 1]))
    right = np.corrcoef(predicted[rows, 1], truth[rows, 1])[0, 1]
    assert arousal["pearson"] == pytest.approx(right)
    assert arousal["mae"] == pytest.approx(np.abs(predicted - truth)[rows, 1].mean())
    both = [found["per_dimension"][name]["ccc"] for name in NAMES]
    assert found["average"]["ccc"] == pytest.approx(sum(both) / 2)


def test_a_constant_baseline_has_no_concordance_and_its_error() -> None:
    found, _, truth = block()
    constant = found["baselines"]["constant"]
    assert constant["answer"] == {"valence": 3.0, "arousal": 2.5}
    assert constant["average"]["ccc"] == 0
    assert constant["average"]["pearson"] is None
    error = np.abs(truth[:, 0] - 3.0).mean()
    assert constant["per_dimension"]["valence"]["mae"] == pytest.approx(error)


def test_intervals_are_over_speakers_and_hold_the_value() -> None:
    found, _, _ = block()
    for metric in ("ccc", "pearson", "mae"):
        for name in NAMES:
            spread = found["intervals"][metric][name]
            assert spread["low"] <= found["per_dimension"][name][metric] <= spread["high"]
            assert (spread["by"], spread["units"]) == ("person", 11)


def test_predictions_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(MienError, match="not finite"):
        evaluate_dimensions(np.full((2, 2), np.nan), np.zeros((2, 2)), NAMES, (0, 0))
    with pytest.raises(MienError, match="no utterances"):
        evaluate_dimensions(np.zeros((0, 2)), np.zeros((0, 2)), NAMES, (0, 0))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 9), st.booleans())
def test_metrics_are_json_without_nan(seed: int, n: int, constant: bool) -> None:
    random = np.random.default_rng(seed)
    truth = random.integers(1, 6, (n, 2)).astype(float)
    truth[random.random((n, 2)) < 0.3] = np.nan
    predicted = np.ones((n, 2)) if constant else random.normal(3, 1, (n, 2))
    json.dumps(evaluate_dimensions(predicted, truth, NAMES, (3.0, 3.0)), allow_nan=False)
