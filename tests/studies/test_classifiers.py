"""Linear models of scikit-learn for a task."""

import numpy as np

from mien.studies.classifiers import STRENGTHS, LinearModel
from mien.tasks import EmotionTask

TASK = EmotionTask(labels=("neutral", "happy", "sad", "angry"), loss="ce")


def correlated(random: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    """300 features of an utterance that follow five, as functionals do."""
    hidden = random.normal(size=(len(labels), 5)) + 0.3 * labels[:, None]
    noise = random.normal(size=(len(labels), 300))
    return hidden @ random.normal(size=(5, 300)) + 0.3 * noise


def test_rounding_does_not_decide_what_logistic_regression_predicts() -> None:
    """Columns in another order are added up in another order, as they are by more threads."""
    random = np.random.default_rng(0)
    labels = random.integers(4, size=700)
    features = correlated(random, labels)
    found = [
        LinearModel(TASK, "logistic", STRENGTHS[-1], 0)
        .fit(columns[:500], np.eye(4)[labels[:500]])
        .scores(columns[500:])
        for columns in (features, features[:, random.permutation(300)])
    ]
    assert np.abs(found[0] - found[1]).max() < 1e-3
