from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.metrics import evaluate_labels
from mien.tasks.label_metrics import LabelMetrics

EMOTIONS = ["neutral", "happy", "sad", "angry"]


@pytest.fixture(scope="session")
def evaluated():
    """Metrics of made-up predictions for a task with these labels."""

    def metrics(labels, n=200, several=True):
        random = np.random.default_rng(0)
        truth = np.eye(len(labels))[random.integers(0, len(labels), n)]
        found = evaluate_labels(
            random.random(truth.shape) * 0.6 + 0.4 * truth,
            truth,
            labels,
            thresholds=np.full(len(labels), 0.5) if several else None,
            train_counts=truth.sum(axis=0),
        )
        return LabelMetrics.model_validate(found)

    return metrics


@pytest.fixture(scope="session")
def emotion(evaluated):
    return evaluated(EMOTIONS)


@pytest.fixture
def pixels():
    def read(path: Path) -> np.ndarray:
        found = cv2.imread(str(path))
        assert found is not None
        return found

    return read
