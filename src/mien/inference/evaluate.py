"""Evaluate a run: predictions on one split of the data, thresholds from validation, metrics."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mien.dataset.store import Store
from mien.devices import choose_device
from mien.errors import MienError
from mien.inference import BATCH_SIZE
from mien.inference.dataset import Device, Predictions, predict
from mien.inference.metrics import Metrics
from mien.metrics.thresholds import choose
from mien.runs.data import check_letters, open_for, rows_of, split_store, usable
from mien.runs.run import Run
from mien.tasks import Task, TaskMetrics
from mien.utterance import Utterance

logger = logging.getLogger(__name__)


def choose_thresholds(run: Run, predictions: Predictions) -> dict[str, dict[str, float]]:
    """Choose the thresholds of the tasks that have any, on validation; store them in the run."""
    chosen: dict[str, dict[str, float]] = {}
    for task in run.config.tasks:
        scores, truth = predictions[task.name]
        known = _known(task, truth)
        if task.has_thresholds and known.any():
            best = choose(scores[known], truth[known])
            chosen[task.name] = dict(zip(task.labels, map(float, best), strict=True))
    run.write("thresholds.json", chosen)
    return chosen


def evaluate(
    run: str | Path | Run,
    *,
    data: str | Path | None = None,
    split: str = "test",
    modalities: str | None = None,
    device: Device = None,
    batch_size: int = BATCH_SIZE,
    progress: bool = True,
) -> Metrics:
    """Evaluate a run on one split of its data, or of other data that are split in the same way.

    Parameters
    ----------
    run : path or Run
        The run folder.
    data : path, optional
        Prepared data (default: those of training).
    split : {"train", "valid", "test", "all"}
        A split by the run's protocol, or all utterances.
    modalities : str, optional
        Use only these of the model's modalities, letters out of "tav".
    device : str or torch.device, optional
        Where to compute (default: a GPU if there is one).
    batch_size : int
        Utterances that are computed together.
    progress : bool
        Report progress (`mien.progress`).

    Returns
    -------
    Metrics
        The content of ``metrics.json``.

    Raises
    ------
    MienError
        The data are missing, or no utterance of the split can be evaluated.

    Examples
    --------
    >>> metrics = evaluate("runs/emotion", split="valid")             # doctest: +SKIP
    >>> metrics.tasks["emotion"].singlelabel.ua                    # doctest: +SKIP
    """
    run = run if isinstance(run, Run) else Run(run)
    device = choose_device(device)
    store = open_for(run, Path(data or run.config.data.path))
    used = check_letters(run, modalities)
    rows = rows_of(run, store, split)
    evaluated = usable(store, rows, run.config.tasks, used)
    options: dict[str, Any] = {"device": device, "batch_size": batch_size, "progress": progress}
    _complete_thresholds(run, store, options)
    predictions = predict(run, run.model(), store, evaluated, modalities=used, **options)
    blocks: dict[str, TaskMetrics] = {}
    for task in run.config.tasks:
        known = _known(task, predictions[task.name][1])
        if known.any():
            utterances = [store.utterances[row] for row in np.array(evaluated)[known]]
            scores, truth = (values[known] for values in predictions[task.name])
            blocks[task.name] = _evaluate(run, task, scores, truth, utterances)
    return Metrics(
        split=split,
        protocol=run.config.data.protocol,
        data=str(data or run.config.data.path),
        synthetic=bool(store.info["synthetic"]),
        modalities=used,
        left_out=len(rows) - len(evaluated),
        unlabelled=[task.name for task in run.config.tasks if task.name not in blocks],
        tasks=blocks,
    )


def _evaluate(
    run: Run, task: Task, scores: np.ndarray, truth: np.ndarray, utterances: list[Utterance]
) -> TaskMetrics:
    """Evaluate the scores of one task on utterances whose truth is known."""
    return task.evaluate(
        scores,
        truth,
        thresholds=run.thresholds(task) if task.has_thresholds else (),
        counts=run.config.data.label_counts[task.name],
        **_units(utterances),
    )


def _units(utterances: list[Utterance]) -> dict[str, Any]:
    """Choose what intervals are drawn over: speakers if all are known, else dialogues."""
    persons = [u.person for u in utterances]
    dialogues = [u.dialogue for u in utterances]
    if None in persons and None not in dialogues:
        return {"persons": dialogues, "by": "dialogue"}
    return {"persons": None if None in persons else persons}


def _complete_thresholds(run: Run, store: Store, options: dict[str, Any]) -> None:
    """Choose the thresholds on validation if training was interrupted before it chose them."""
    chosen = run.read("thresholds.json")
    if all(not task.has_thresholds or task.name in chosen for task in run.config.tasks):
        return
    rows = usable(store, split_store(run, store).valid, run.config.tasks, run.config.model.letters)
    predictions = predict(run, run.model(), store, rows, **options)
    try:
        choose_thresholds(run, predictions)
    except MienError as error:  # the metrics need no folder that can be written
        logger.warning("%s; the thresholds are used but not stored", error)


def _known(task: Task, truth: np.ndarray) -> np.ndarray:
    """Tell for which rows of the truth (N, C) it is known: bool (N,)."""
    return task.known(torch.from_numpy(truth)).numpy()
