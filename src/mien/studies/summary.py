"""How good a study is: metrics over all folds together, and their spread over seeds and folds."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from mien.dataset.leakage import Leakage
from mien.files import write_text
from mien.inference.evaluate import metrics_of
from mien.inference.predictions import Predictions
from mien.metrics.bootstrap import interval
from mien.metrics.counted import CountedMetric
from mien.report.study_report import (
    FoldLeakage,
    MetricSummary,
    Spread,
    StudyMetrics,
    TaskSummary,
)
from mien.studies.system import clusters, constant_scores, count
from mien.tasks import Task
from mien.tasks.interval import Interval

METRICS = "metrics.json"
"""Name of the file in a study's folder."""


def summarise(predictions: Predictions, leakages: Sequence[Leakage]) -> StudyMetrics:
    """Evaluate the pooled predictions of a study.

    Parameters
    ----------
    predictions : Predictions
        Of all folds and seeds.
    leakages : sequence of Leakage
        Of each fold.
    """
    info = predictions.info
    folds = list(dict.fromkeys(training.fold for training in info.trainings))
    seeds = info.seeds
    tasks = [task for task in info.tasks if predictions.known(task.name).any()]
    left_out = info.left_out // len(seeds)  # which is the same for each seed
    return StudyMetrics(
        protocol=info.protocol,
        data=info.data,
        synthetic=info.synthetic,
        folds=folds,
        seeds=seeds,
        leakage=[
            FoldLeakage(fold=fold, **{k: v for k, v in asdict(row).items() if k != "protocol"})
            for fold, row in zip(folds, leakages, strict=True)
        ],
        left_out=left_out,
        tasks={task.name: _task(predictions, task) for task in tasks},
        by_seed={
            str(seed): metrics_of(predictions.of(seed=seed)).model_copy(
                update={"left_out": left_out}
            )
            for seed in seeds
        },
    )


def _task(predictions: Predictions, task: Task) -> TaskSummary:
    known = predictions.known(task.name)
    ids = {origin.id for origin, right in zip(predictions.origins, known, strict=True) if right}
    metrics = {name: _metric(predictions, task, m) for name, m in task.counted.items()}
    return TaskSummary(n=len(ids), labels=list(task.labels), metrics=metrics)


def _metric(predictions: Predictions, task: Task, metric: CountedMetric) -> MetricSummary:
    counted = count(predictions, task.name, metric)
    found = interval(counted.counts, counted.value, **clusters(task, counted.origins))
    return MetricSummary(
        title=metric.title,
        sign=metric.sign,
        over_seeds=_spread(
            dict(zip(map(str, predictions.info.seeds), counted.by_seed.tolist(), strict=True))
        ),
        over_folds=_spread(_by_fold(predictions, task.name, metric)),
        interval=None if found is None else Interval.model_validate(found),
        constant=constant_value(predictions, task, metric),
        chance=chance_value(predictions, task, metric),
    )


def _by_fold(predictions: Predictions, task: str, metric: CountedMetric) -> dict[str, float | None]:
    values: dict[str, float | None] = {}
    for fold in dict.fromkeys(t.fold for t in predictions.info.trainings):
        part = predictions if fold is None else predictions.of(fold=fold)
        known = part.known(task).any()
        found = float(count(part, task, metric).by_seed.mean()) if known else float("nan")
        values["all" if fold is None else str(fold)] = found
    return values


def constant_value(predictions: Predictions, task: Task, metric: CountedMetric) -> float | None:
    """Give the metric of the best constant prediction; None where the task has none."""
    counts = [training.label_counts.get(task.name) for training in predictions.info.trainings]
    if any(not each or task.constant(each) is None for each in counts):
        return None
    found = count(predictions, task.name, metric, constant_scores).by_seed.mean()
    return defined(float(found))


def chance_value(predictions: Predictions, task: Task, metric: CountedMetric) -> float | None:
    """Give what is expected of random predictions; None where the metric has no chance level."""
    if metric.chance is None:
        return None
    known = predictions.select(np.flatnonzero(predictions.known(task.name)))
    return defined(float(metric.value(metric.chance(known.truth[task.name]).sum(axis=0))))


def _spread(values: dict[str, float | None]) -> Spread:
    values = {name: defined(value) for name, value in values.items()}
    found = [value for value in values.values() if value is not None]
    return Spread(
        mean=float(np.mean(found)) if found else None,
        deviation=float(np.std(found, ddof=1)) if len(found) > 1 else None,
        values=values,
    )


def defined(value: float | None) -> float | None:
    """Give a number, or None in place of one that is not finite."""
    return None if value is None or not np.isfinite(value) else float(value)


def brief(predictions: Predictions) -> str:
    """Say in a few words how good one training is, by the usual metric of each task."""
    words = []
    for task in predictions.info.tasks:
        for metric in list(task.counted.values())[:1] if predictions.known(task.name).any() else ():
            value = count(predictions, task.name, metric).by_seed[0]
            words.append(f"{task.name} {metric.title} {value:.3f}")
    return ", ".join(words) or "done"


def write_summary(folder: Path, found: StudyMetrics) -> None:
    """Write ``metrics.json``, whole or not at all."""
    write_text(folder / METRICS, found.model_dump_json(indent=2))
