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
from mien.inference.dataset import Answers, Device, answer
from mien.inference.metrics import Metrics
from mien.metrics.thresholds import choose
from mien.runs.data import divide, open_for, usable
from mien.runs.run import Run
from mien.tasks import Task, TaskMetrics
from mien.utterance import Utterance

logger = logging.getLogger(__name__)


def choose_thresholds(run: Run, answers: Answers) -> dict[str, dict[str, float]]:
    """Choose on the answers to validation, and keep, the thresholds of the tasks that have any."""
    chosen: dict[str, dict[str, float]] = {}
    for task in run.config.tasks:
        scores, truth = answers[task.name]
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
    """Measure a run on one split of its data, or of other data divided in the same way.

    Parameters
    ----------
    run : path or Run
        The run folder.
    data : path, optional
        Prepared data, if not those of training.
    split : {"train", "valid", "test", "all"}
        Which split of the run's protocol, or everything.
    modalities : str, optional
        Show the model only these, out of "tav".
    device : str or torch.device, optional
        Where to compute (default: a GPU if there is one).
    batch_size : int
        Utterances that are computed together.
    progress : bool
        Tell how far it has come (`mien.progress`).

    Returns
    -------
    Metrics
        What goes to ``metrics.json``.

    Raises
    ------
    MienError
        The data are gone, or no utterance of the split can be evaluated.

    Examples
    --------
    >>> metrics = evaluate("runs/emotion", split="valid")             # doctest: +SKIP
    >>> metrics.tasks["emotion"].singlelabel.ua                    # doctest: +SKIP
    """
    run = run if isinstance(run, Run) else Run(run)
    device = choose_device(device)
    store = open_for(run, Path(data or run.config.data.path))
    shown = modalities or run.config.model.letters
    if not set(shown) <= set(run.config.model.letters):
        raise MienError(
            f"the model of {run.folder} reads {run.config.model.letters!r}, {shown!r} asks for"
            " more",
            parameter="modalities",
        )
    rows = list(range(len(store))) if split == "all" else divide(run, store).part(split)
    judged = usable(store, rows, run.config.tasks, shown)
    how: dict[str, Any] = {"device": device, "batch_size": batch_size, "progress": progress}
    _complete_thresholds(run, store, how)
    answers = answer(run, run.model(), store, judged, modalities=shown, **how)
    blocks: dict[str, TaskMetrics] = {}
    for task in run.config.tasks:
        known = _known(task, answers[task.name][1])
        if known.any():
            utterances = [store.utterances[row] for row in np.array(judged)[known]]
            scores, truth = (values[known] for values in answers[task.name])
            blocks[task.name] = _evaluate(run, task, scores, truth, utterances)
    return Metrics(
        part=split,
        protocol=run.config.data.protocol,
        data=str(data or run.config.data.path),
        synthetic=bool(store.info["synthetic"]),
        modalities=shown,
        left_out=len(rows) - len(judged),
        unlabelled=[task.name for task in run.config.tasks if task.name not in blocks],
        tasks=blocks,
    )


def _evaluate(
    run: Run, task: Task, scores: np.ndarray, truth: np.ndarray, utterances: list[Utterance]
) -> TaskMetrics:
    """Evaluate the scores of one task where something is known of the truth."""
    return task.evaluate(
        scores,
        truth,
        thresholds=run.thresholds(task) if task.has_thresholds else (),
        counts=run.config.data.label_counts[task.name],
        **_units(utterances),
    )


def _units(utterances: list[Utterance]) -> dict[str, Any]:
    """Say over what intervals are: persons where all are known, else recordings."""
    persons = [u.person for u in utterances]
    dialogues = [u.dialogue for u in utterances]
    if None in persons and None not in dialogues:
        return {"persons": dialogues, "by": "dialogue"}
    return {"persons": None if None in persons else persons}


def _complete_thresholds(run: Run, store: Store, how: dict[str, Any]) -> None:
    """Choose the thresholds that an interrupted training did not come to, on validation."""
    chosen = run.read("thresholds.json")
    if all(not task.has_thresholds or task.name in chosen for task in run.config.tasks):
        return
    rows = usable(store, divide(run, store).valid, run.config.tasks, run.config.model.letters)
    answers = answer(run, run.model(), store, rows, **how)
    try:
        choose_thresholds(run, answers)
    except MienError as error:  # a folder that can't be written costs no figures
        logger.warning("%s; the thresholds are used and not kept", error)


def _known(task: Task, truth: np.ndarray) -> np.ndarray:
    """Tell of which rows of the truth (N, C) a task knows something: bool (N,)."""
    return task.known(torch.from_numpy(truth)).numpy()
