"""Made-up predictions of every kind of task."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from mien.inference.predictions import Origin, Predictions, PredictionsInfo, Training
from mien.modality import Modality
from mien.tasks import AffectTask, EmotionTask, SentimentTask, Task

SEVERAL = EmotionTask(labels=("happy", "sad", "angry"), loss="bce")
ONE = EmotionTask(labels=("happy", "sad", "angry"), loss="ce")
MIXED = EmotionTask(labels=("happy", "sad", "angry"), loss="bce", single_label=True)
RATINGS = AffectTask(
    labels=("valence", "arousal"), loss="ccc", means=(3.0, 2.5), deviations=(1.0, 0.5)
)
SENTIMENT = SentimentTask()


def truth_of(task: Task, n: int, random: np.random.Generator) -> np.ndarray:
    """Truth of every kind that a task knows; of the second row nothing is known."""
    count = len(task.labels)
    if isinstance(task, EmotionTask):
        truth = np.eye(count)[np.arange(n) % count]
        if task is SEVERAL:
            truth = (random.random((n, count)) < 0.5).astype(float)
            truth[0] = 0
    else:
        truth = random.integers(-6, 7, (n, count)) / 2
    if task is RATINGS:
        truth[2, 0] = np.nan  # rated in one dimension
    truth[1] = np.nan
    return truth


def predictions(
    *tasks: Task, n: int = 12, thresholds: Sequence[float] = (0.3, 0.5, 0.7), **training: Any
) -> Predictions:
    """Random predictions of one training for utterances of three speakers."""
    random = np.random.default_rng([training.get("fold") or 0, training.get("seed", 0)])
    counts = {
        task.name: task.label_counts(torch.from_numpy(truth_of(task, n, random))) for task in tasks
    }
    own = {"thresholds": {t.name: list(thresholds) for t in tasks if t.has_thresholds}}
    info = PredictionsInfo(
        tasks=tasks,
        split="test",
        protocol="kfold-speakers",
        data="data",
        trainings=(Training(label_counts=counts, **(own | training)),),
    )
    name = f"{training.get('fold') or 0}-"
    return Predictions(
        info,
        [
            Origin(f"{name}{i}", f"P{i % 3}", None, f"D{i}", (Modality.TEXT, Modality.AUDIO))
            for i in range(n)
        ],
        {task.name: random.random((n, len(task.labels))) for task in tasks},
        {task.name: truth_of(task, n, random) for task in tasks},
    )
