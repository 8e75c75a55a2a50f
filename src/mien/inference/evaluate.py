"""Evaluate a run: predictions on one split of the data, thresholds from validation, metrics."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mien.dataset.effect import parse_effect
from mien.dataset.references import NO_REFERENCES, ReferenceChoice
from mien.dataset.store import Store
from mien.devices import choose_device
from mien.errors import MienError
from mien.inference import BATCH_SIZE
from mien.inference.dataset import Device, Scored, predict
from mien.inference.metrics import Metrics
from mien.inference.predictions import Origin, Predictions, PredictionsInfo, Training, align
from mien.inference.states import with_states
from mien.metrics.thresholds import choose
from mien.modality import Modality
from mien.runs.data import check_letters, degraded, open_for, rows_of, split_store, usable
from mien.runs.run import Run
from mien.tasks import Task, TaskMetrics

logger = logging.getLogger(__name__)

REFERENCES = 10
"""Number of references with which `mien evaluate` reports a model, beside without."""


def choose_thresholds(run: Run, found: Scored) -> dict[str, dict[str, float]]:
    """Choose the thresholds of the tasks that have any, on validation; store them in the run."""
    chosen: dict[str, dict[str, float]] = {}
    for task in run.config.tasks:
        scores, truth = found[task.name]
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
    degrade: str | None = None,
    references: str | None = None,
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
    degrade : str, optional
        Degrade the audio, such as by ``white:10`` (`mien.dataset.effect.EFFECTS`). The thresholds
        stay those of undegraded validation.
    references : str, optional
        Give the model so many other clips of the same speaker from the split, such as ``10``, or
        ``neutral:2`` for clips labelled neutral (`mien.dataset.references.ReferenceChoice`).
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
        The data are missing, or no utterance of the split can be evaluated; or there is no such
        effect, or the model does not take the audio that it changes.

    Examples
    --------
    >>> metrics = evaluate("runs/emotion", split="valid")             # doctest: +SKIP
    >>> metrics.tasks["emotion"].singlelabel.ua                    # doctest: +SKIP
    """
    predictions = predict_split(
        run,
        data=data,
        split=split,
        modalities=modalities,
        degrade=degrade,
        references=references,
        device=device,
        batch_size=batch_size,
        progress=progress,
    )
    return metrics_of(predictions)


def predict_split(
    run: str | Path | Run,
    *,
    data: str | Path | None = None,
    split: str = "test",
    modalities: str | None = None,
    degrade: str | None = None,
    references: str | None = None,
    device: Device = None,
    batch_size: int = BATCH_SIZE,
    progress: bool = True,
) -> Predictions:
    """Predict one split of a run's data; takes and raises what `evaluate` does."""
    run = run if isinstance(run, Run) else Run(run)
    device = choose_device(device)
    effect = None if degrade is None else parse_effect(degrade)
    used = check_letters(run, modalities)
    missing = _thresholds_missing(run)  # they are chosen with all modalities
    store = open_for(
        run, Path(data or run.config.data.path), run.config.model.letters if missing else used
    )
    heard = store if effect is None else degraded(run, store, effect, used)
    rows = rows_of(run, store, split)
    tasks = run.config.tasks
    if store.fingerprint == run.config.data.fingerprint:  # other data may have labels of their own
        tasks = tuple(t.with_labels_of([store.utterances[row] for row in rows]) for t in tasks)
    evaluated = usable(store, rows, tasks, used)
    options: dict[str, Any] = {"device": device, "batch_size": batch_size, "progress": progress}
    if missing:
        _complete_thresholds(run, store, options)
    given = _references(run, references)
    model = run.model()
    if run.config.training.get("cache", True):
        seconds = run.config.data.max_seconds
        heard = with_states(
            heard,
            model,
            seconds,
            tokenizer=run.tokenizer(),
            device=device,
            progress=progress,
        )
    found = predict(
        run, model, heard, evaluated, modalities=used, references=given, pool=rows, **options
    )
    info = PredictionsInfo(
        tasks=run.config.tasks,
        split=split,
        protocol=run.config.data.protocol,
        data=str(data or run.config.data.path),
        fingerprint=store.fingerprint,
        synthetic=bool(store.info["synthetic"]),
        modalities=used,
        degraded=None if effect is None else str(effect),
        references=None if references is None else str(given),
        trainings=(_training(run, left_out=len(rows) - len(evaluated)),),
    )
    scores = {name: scores.astype(float) for name, (scores, _) in found.items()}
    return answered(info, scores, tasks, store, evaluated)


def answered(
    info: PredictionsInfo,
    scores: Mapping[str, np.ndarray],
    tasks: Sequence[Task],
    store: Store,
    rows: Sequence[int],
) -> Predictions:
    """Put scores beside what is right, which may be a label that training did not have.

    Such a label has the score 0 and the threshold 1, so it is never predicted.

    Parameters
    ----------
    info : PredictionsInfo
        With the tasks as they were trained.
    scores : mapping of str to array (N, C)
        Of these tasks.
    tasks : sequence of Task
        The same with the labels of the utterances: `Task.with_labels_of`.
    store, rows
        The N utterances.
    """
    utterances = [store.utterances[row] for row in rows]
    unknown = {name: np.full(values.shape, np.nan) for name, values in scores.items()}
    origins = [origin_of(store, row, info.modalities) for row in rows]
    truth = {t.name: torch.stack([t.target(u) for u in utterances]) for t in tasks}
    return replace(
        align(Predictions(info, origins, scores, unknown), tasks),
        truth={name: targets.double().numpy() for name, targets in truth.items()},
    )


def takes_references(run: Run) -> bool:
    """Return whether the model of a run takes other clips of the same speaker as references."""
    return any(encoder.takes_references for encoder in run.config.model.encoders.values())


def _references(run: Run, text: str | None) -> ReferenceChoice:
    """Read the choice of references. Raises `MienError` if the model does not take any."""
    if text is None:
        return NO_REFERENCES
    if not takes_references(run):
        raise MienError(
            f"the model of {run.folder} does not take references: train one with the setting"
            " references",
            parameter="references",
        )
    return ReferenceChoice.parse(text)


def _training(run: Run, left_out: int) -> Training:
    """Say what the run's predictions depend on beside its weights."""
    data = run.config.data
    return Training(
        fold=data.fold,
        seed=int(run.config.training.get("seed", 0)),
        thresholds={t.name: run.thresholds(t) for t in run.config.tasks if t.has_thresholds},
        label_counts=data.label_counts,
        left_out=left_out,
    )


def origin_of(store: Store, row: int, modalities: str) -> Origin:
    """Describe an utterance of a store, with its modalities that a system can use."""
    utterance = store.utterances[row]
    return Origin(
        id=utterance.id,
        speaker=utterance.person,
        session=utterance.session,
        dialogue=utterance.dialogue,
        modalities=tuple(
            m for m in Modality if m.letter in set(store.modalities[row]) & set(modalities)
        ),
    )


def metrics_of(predictions: Predictions) -> Metrics:
    """Evaluate predictions, of one training or of several together.

    Raises
    ------
    MienError
        There is nothing to evaluate.
    """
    info = predictions.info
    blocks: dict[str, TaskMetrics] = {}
    for task in info.tasks:
        known = np.flatnonzero(predictions.known(task.name))
        if len(known):
            blocks[task.name] = _evaluate(task, predictions.select(known))
    return Metrics(
        split=info.split,
        protocol=info.protocol,
        data=info.data,
        synthetic=info.synthetic,
        modalities=info.modalities,
        degraded=info.degraded,
        references=info.references,
        left_out=info.left_out,
        unlabelled=[task.name for task in info.tasks if task.name not in blocks],
        tasks=blocks,
    )


def _evaluate(task: Task, predictions: Predictions) -> TaskMetrics:
    """Evaluate the scores of one task on utterances whose truth is known."""
    groups, by = groups_of(predictions.origins)
    return task.evaluate(
        predictions.scores[task.name],
        predictions.truth[task.name],
        thresholds=predictions.thresholds(task.name) if task.has_thresholds else (),
        counts=predictions.counts(task.name),
        persons=groups,
        by=by,
    )


def groups_of(origins: Sequence[Origin]) -> tuple[list[str | None] | None, str]:
    """Choose what intervals are drawn over: speakers if all are known, else dialogues.

    Returns
    -------
    groups : list of N str or None
        None: over utterances.
    by : str
        What the groups are.
    """
    speakers = [origin.speaker for origin in origins]
    if None not in speakers:
        return speakers, "person"
    dialogues = [origin.dialogue for origin in origins]
    return (None, "person") if None in dialogues else (dialogues, "dialogue")


def _thresholds_missing(run: Run) -> bool:
    """Tell whether training was interrupted before it chose the thresholds."""
    chosen = run.read("thresholds.json")
    return any(task.has_thresholds and task.name not in chosen for task in run.config.tasks)


def _complete_thresholds(run: Run, store: Store, options: dict[str, Any]) -> None:
    """Choose the thresholds on validation, as training does at its end."""
    rows = usable(store, split_store(run, store).valid, run.config.tasks, run.config.model.letters)
    predictions = predict(run, run.model(), store, rows, **options)
    try:
        choose_thresholds(run, predictions)
    except MienError as error:  # the metrics need no folder that can be written
        logger.warning("%s; the thresholds are used but not stored", error)


def _known(task: Task, truth: np.ndarray) -> np.ndarray:
    """Tell for which rows of the truth (N, C) it is known: bool (N,)."""
    return task.known(torch.from_numpy(truth)).numpy()
