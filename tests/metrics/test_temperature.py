"""A temperature makes scores right as often as they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.metrics.temperature import best_probabilities, fit_temperature


def drawn(heat: float, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Scores that are too sure by a factor, and labels drawn from the right probabilities."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 1.5, (count, 4))
    right = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    scores = np.exp(logits * heat) / np.exp(logits * heat).sum(axis=1, keepdims=True)
    labels = (right.cumsum(axis=1) < random.random((count, 1))).sum(axis=1)
    return scores, np.eye(4)[labels]


@pytest.mark.parametrize("heat", [0.5, 1.0, 2.0, 4.0])
def test_the_temperature_is_found(heat: float) -> None:
    scores, truth = drawn(heat)
    found = fit_temperature(scores, truth)
    assert found == pytest.approx(heat, rel=0.05)
    probabilities = best_probabilities(scores, found)
    right = truth[np.arange(len(truth)), scores.argmax(axis=1)]
    for low in (0.4, 0.6, 0.8):
        rows = (probabilities >= low) & (probabilities < low + 0.2)
        assert right[rows].mean() == pytest.approx(probabilities[rows].mean(), abs=0.03)


def test_labels_with_scores_of_their_own_have_a_temperature_too() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 1.5, (20_000, 3))
    truth = (random.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(float)
    scores = 1 / (1 + np.exp(-3 * logits))
    assert fit_temperature(scores, truth, exclusive=False) == pytest.approx(3, rel=0.05)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=6), st.floats(0.1, 10))
def test_the_best_label_stays_the_best_and_1_changes_nothing(row: list[float], heat: float) -> None:
    scores = np.array([row]) / sum(row)
    assert best_probabilities(scores)[0] == pytest.approx(scores.max())
    assert 1 / len(row) - 1e-9 <= best_probabilities(scores, heat)[0] <= 1
    assert best_probabilities(scores, 2 * heat)[0] <= best_probabilities(scores, heat)[0] + 1e-12


def test_certainty_does_not_end_in_infinity() -> None:
    scores = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert np.isfinite(best_probabilities(scores, 0.1)).all()
    assert np.isfinite(best_probabilities(scores, 3.0, exclusive=False)).all()
    assert np.isfinite(fit_temperature(scores, np.eye(2)[::-1]))
