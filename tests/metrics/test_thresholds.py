import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.metrics.thresholds import FALLBACK, GRID, choose


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


@pytest.mark.parametrize("classes", [4, 6, 10])
@pytest.mark.parametrize(
    ("logits", "truth", "expected"),
    [
        ("logits", "onehot", "iemocap_thresholds"),
        ("ml_logits", "ml_labels", "iemocap_ml_thresholds"),
    ],
)
def test_published_thresholds(golden, classes, logits, truth, expected):
    data = np.load(golden / "metrics.npz")
    found = choose(sigmoid(data[f"C{classes}_{logits}"]), data[f"C{classes}_{truth}"])
    np.testing.assert_allclose(found, data[f"C{classes}_{expected}"], atol=1e-6)


def test_grid_is_the_published_one():
    assert len(GRID) == 19
    assert GRID[[0, 6, -1]].tolist() == [0.05, 0.35, 0.95]


def test_lowest_of_tied_thresholds():
    # Anything from .20 (not greater than itself) up to .65 separates perfectly.
    probabilities = np.array([[0.70], [0.70], [0.20], [0.20]])
    assert choose(probabilities, np.array([[1], [1], [0], [0]])).tolist() == [0.2]


def test_a_probability_equal_to_its_threshold_is_not_predicted():
    # at .50 the positives themselves would be lost, at .35 the negative is, as it should be
    probabilities = np.array([[0.50], [0.50], [0.35]])
    truth = np.array([[1], [1], [0]])
    assert choose(probabilities, truth).tolist() == [0.35]
    assert choose(probabilities, truth, grid=np.array([0.3, 0.5])).tolist() == [0.3]


def test_label_absent_from_validation_takes_the_fallback():
    probabilities = np.array([[0.9, 0.9], [0.1, 0.1]])
    found = choose(probabilities, np.array([[1, 0], [0, 0]]))
    assert found.tolist() == [0.1, FALLBACK]


def test_custom_grid():
    probabilities, truth = np.array([[0.9], [0.6]]), np.array([[1], [0]])
    assert choose(probabilities, truth, grid=np.array([0.3, 0.8])).tolist() == [0.8]


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 12), classes=st.integers(1, 4))
def test_thresholds_come_from_the_grid_and_ignore_the_order(seed, n, classes):
    random = np.random.default_rng(seed)
    probabilities, truth = random.random((n, classes)), random.integers(0, 2, (n, classes))
    found = choose(probabilities, truth)
    assert set(found) <= {*GRID.tolist(), FALLBACK}
    order = random.permutation(n)
    assert choose(probabilities[order], truth[order]).tolist() == found.tolist()
