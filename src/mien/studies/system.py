"""A system to be compared: what it predicted, over folds and seeds, as counts that add up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.inference.evaluate import groups_of
from mien.inference.predictions import Origin, Predictions
from mien.inference.predictions_file import PREDICTIONS, read_predictions
from mien.metrics.counted import CountedMetric
from mien.studies.study import STUDY, Study
from mien.tasks import Task


@dataclass(frozen=True)
class System:
    """Predictions under a name.

    Parameters
    ----------
    name : str
        What tables call it.
    predictions : Predictions
        Of all its folds and seeds.
    """

    name: str
    predictions: Predictions

    @property
    def seeds(self) -> list[int]:
        """The seeds of its trainings."""
        return self.predictions.info.seeds


def open_system(path: str | Path) -> System:
    """Read the predictions of a run, of a study, of a folder or a file of predictions.

    Raises
    ------
    MienError
        There are none yet, or they are damaged.
    """
    path = Path(path)
    if path.is_file():
        return System(path.stem, read_predictions(path))
    name = path.resolve().name
    if path.joinpath(STUDY).is_file():
        return System(name, Study(path).predictions())
    if not any(path.joinpath(file).is_file() for file in ("config.yaml", PREDICTIONS)):
        raise MienError(f"{path} is neither a run, nor a study, nor a file of predictions")
    if not path.joinpath(PREDICTIONS).is_file():
        raise MienError(f"{path} has no predictions yet: make them with 'mien evaluate {path}'")
    return System(name, read_predictions(path / PREDICTIONS))


def open_systems(paths: Sequence[str | Path]) -> list[System]:
    """Read several systems; those of the same name are called by their paths."""
    systems = [open_system(path) for path in paths]
    names = [system.name for system in systems]
    return [
        System(str(path), system.predictions) if names.count(system.name) > 1 else system
        for path, system in zip(paths, systems, strict=True)
    ]


@dataclass(frozen=True)
class Counted:
    """The counts of a system for one metric.

    Parameters
    ----------
    origins : sequence of N Origin
        The utterances, by their ids in order.
    counts : array (N, S, ...)
        For each of S seeds.
    metric : CountedMetric
        Which one.
    """

    origins: Sequence[Origin]
    counts: np.ndarray
    metric: CountedMetric

    def value(self, sums: np.ndarray) -> np.ndarray:
        """Give the mean over the seeds of the metric of summed counts (..., S, *shape)."""
        return np.asarray(self.metric.value(sums).mean(axis=-1))

    @property
    def by_seed(self) -> np.ndarray:
        """The metric for each seed (S,)."""
        return np.asarray(self.metric.value(self.counts.sum(axis=0)))

    def keep(self, ids: set[str]) -> "Counted":
        """Keep some utterances."""
        rows = [row for row, origin in enumerate(self.origins) if origin.id in ids]
        return Counted([self.origins[row] for row in rows], self.counts[rows], self.metric)


Scores = Callable[[Predictions, str], np.ndarray]
"""Gives the scores (N, C) of a task, of the system itself or of a constant one beside it."""


def own_scores(predictions: Predictions, task: str) -> np.ndarray:
    """Give the scores that the system predicted."""
    return predictions.scores[task]


def constant_scores(predictions: Predictions, task: str) -> np.ndarray:
    """Give those of the best constant prediction by each training's own labels."""
    kind = predictions.task(task)
    rows = [kind.constant(t.label_counts.get(task, {})) for t in predictions.info.trainings]
    return np.array(rows, float)[[origin.training for origin in predictions.origins]]


def metric_of(task: Task, name: str | None) -> tuple[str, CountedMetric]:
    """Find a metric of a task by its name; without one the usual metric.

    Raises
    ------
    MienError
        The task has no such metric, or none.
    """
    if not task.counted:
        raise MienError(f"the task {task.name!r} has no metric that can be compared")
    if name is None:
        name = next(iter(task.counted))
    if name not in task.counted:
        raise MienError(
            f"the task {task.name!r} has no metric {name!r}: choose from {', '.join(task.counted)}",
            parameter="metric",
        )
    return name, task.counted[name]


def count(
    predictions: Predictions, task: str, metric: CountedMetric, scores: Scores = own_scores
) -> Counted:
    """Count, utterance by utterance and seed by seed, what a metric is made of.

    Raises
    ------
    MienError
        Of no utterance is it known what is right.
    """
    parts = [predictions.of(seed=seed) for seed in predictions.info.seeds]
    found = [_of_seed(part, task, metric, scores) for part in parts]
    ids = sorted(set.intersection(*(set(part) for part in found)))
    if not ids:
        raise MienError(f"of no utterance it is known what is right for the task {task!r}")
    counts = np.stack([[part[id_] for part in found] for id_ in ids])
    origin = {o.id: o for o in predictions.origins}
    return Counted([origin[id_] for id_ in ids], counts, metric)


def _of_seed(
    predictions: Predictions, task: str, metric: CountedMetric, scores: Scores
) -> dict[str, np.ndarray]:
    """Give the counts by utterance; what several folds test counts as often."""
    known = predictions.select(np.flatnonzero(predictions.known(task)))
    counts = metric.counts(scores(known, task), known.truth[task], known.thresholds(task))
    found: dict[str, np.ndarray] = {}
    for origin, row in zip(known.origins, counts, strict=True):
        found[origin.id] = found[origin.id] + row if origin.id in found else row
    return found


def clusters(task: Task, origins: Sequence[Origin]) -> dict[str, Any]:
    """Choose what intervals are drawn over: speakers, unless these are the labels."""
    groups, by = (None, "person") if task.identifies_speakers else groups_of(origins)
    return {"groups": groups, "by": by}
