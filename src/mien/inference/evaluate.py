"""Judge a run: answers on one part of the data, thresholds from validation, figures."""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from mien.dataset.store import Store
from mien.errors import MienError
from mien.inference.dataset import Answers, answer
from mien.metrics import evaluate
from mien.metrics.regression import evaluate_sentiment
from mien.metrics.thresholds import choose
from mien.runs.data import divide, open_for, usable
from mien.runs.run import Run
from mien.tasks import Task
from mien.utterance import Utterance

logger = logging.getLogger(__name__)


def choose_thresholds(run: Run, answers: Answers) -> dict[str, dict[str, float]]:
    """Choose on the answers to validation, and keep, the thresholds of the yes-or-no tasks."""
    chosen: dict[str, dict[str, float]] = {}
    for task in run.config.tasks:
        probabilities, truth = _known(*answers[task.name])
        if task.yes_or_no and len(truth):
            best = choose(probabilities, truth)
            chosen[task.name] = dict(zip(task.labels, map(float, best), strict=True))
    run.write("thresholds.json", chosen)
    return chosen


def evaluate_run(
    folder: str | Path,
    *,
    data: str | Path | None = None,
    part: str = "test",
    modalities: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Measure a run on one part of its data, or of other data divided in the same way.

    Parameters
    ----------
    folder : path
        The run folder.
    data : path, optional
        Prepared data, if not those of training.
    part : {"train", "valid", "test", "all"}
        Which part of the run's protocol, or everything.
    modalities : str, optional
        Show the model only these, out of "tav".
    progress : bool
        Tell how far it has come (`mien.progress`).

    Returns
    -------
    dict
        ``part``, ``protocol``, ``data``, ``synthetic``, ``modalities``, ``left_out``;
        ``unlabelled``, the tasks for which no utterance has a known label; and in ``tasks`` for
        each of the others what `mien.metrics.evaluate` gives.

    Raises
    ------
    MienError
        The data are gone, or no utterance of the part can be judged.
    """
    run = Run(folder)
    store = open_for(run, Path(data or run.config.data.path))
    shown = modalities or run.config.model.modalities
    if not set(shown) <= set(run.config.model.modalities):
        raise MienError(
            f"the model of {folder} reads {run.config.model.modalities!r}, {shown!r} asks for more",
            parameter="modalities",
        )
    rows = list(range(len(store))) if part == "all" else divide(run, store).part(part)
    judged = usable(store, rows, run.config.tasks, shown)
    _complete_thresholds(run, store, progress)
    answers = answer(run, run.model(), store, judged, modalities=shown, progress=progress)
    blocks, unlabelled = {}, []
    for task in run.config.tasks:
        known = ~np.isnan(answers[task.name][1]).any(axis=1)
        if not known.any():
            unlabelled.append(task.name)
            continue
        utterances = [store.utterances[row] for row in np.array(judged)[known]]
        blocks[task.name] = _judge(run, task, *_known(*answers[task.name]), utterances)
    return {
        "part": part,
        "protocol": run.config.data.protocol,
        "data": str(data or run.config.data.path),
        "synthetic": bool(store.info["synthetic"]),
        "modalities": shown,
        "left_out": len(rows) - len(judged),
        "unlabelled": unlabelled,
        "tasks": blocks,
    }


def _judge(
    run: Run, task: Task, scores: np.ndarray, truth: np.ndarray, utterances: list[Utterance]
) -> dict[str, Any]:
    """Judge the answers to one task where the right ones are known."""
    counts = run.config.data.label_counts[task.name]
    units: dict[str, Any] = {}
    if task.name != "person":
        units = _units(utterances)
    if task.regression:
        return evaluate_sentiment(scores[:, 0], truth[:, 0], train_counts=counts, **units)
    return evaluate(
        scores,
        truth,
        task.labels,
        thresholds=np.array(run.thresholds(task)) if task.yes_or_no else None,
        train_counts=np.array([counts[label] for label in task.labels]),
        **units,
    )


def _units(utterances: list[Utterance]) -> dict[str, Any]:
    """Say over what intervals are: persons where all are known, else recordings."""
    persons = [u.person for u in utterances]
    dialogues = [u.dialogue for u in utterances]
    if None in persons and None not in dialogues:
        return {"persons": dialogues, "by": "dialogue"}
    return {"persons": None if None in persons else persons}


def _complete_thresholds(run: Run, store: Store, progress: bool) -> None:
    """Choose the thresholds that an interrupted training did not come to, on validation."""
    chosen = run.read("thresholds.json")
    if all(not task.yes_or_no or task.name in chosen for task in run.config.tasks):
        return
    rows = usable(store, divide(run, store).valid, run.config.tasks, run.config.model.modalities)
    answers = answer(run, run.model(), store, rows, progress=progress)
    try:
        choose_thresholds(run, answers)
    except MienError as error:  # a folder that can't be written costs no figures
        logger.warning("%s; the thresholds are used and not kept", error)


def _known(probabilities: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = ~np.isnan(truth).any(axis=1)
    return probabilities[known], truth[known]
