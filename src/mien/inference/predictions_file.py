"""The file of predictions: a Parquet table that any data-frame library opens."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mien.errors import MienError
from mien.files import atomic_write, check_file
from mien.inference.predictions import Origin, Predictions, PredictionsInfo
from mien.modality import Modality
from mien.tasks import LabelTask, Task

PREDICTIONS = "predictions.parquet"
"""Name of the file in a run folder and in a study's."""

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("speaker", pa.string()),
        ("session", pa.string()),
        ("dialogue", pa.string()),
        ("modalities", pa.list_(pa.string())),  # that the utterance has and the system used
        ("fold", pa.int32()),
        ("seed", pa.int64()),
        ("task", pa.string()),
        ("truth", pa.list_(pa.string())),  # the right labels; null for a task of numbers
        ("decision", pa.list_(pa.string())),
        ("scores", pa.map_(pa.string(), pa.float64())),  # by label, or numbers by their name
        ("true_values", pa.map_(pa.string(), pa.float64())),  # null for a task of labels
    ]
)
"""A row for each utterance, task, fold and seed."""

INFO = b"mien_predictions"
"""Key of `PredictionsInfo` in the metadata of the file."""

LARGEST_INFO = 64 * 2**20
"""Bytes of it beyond which the file is none of mien's."""

ORIGIN = ("id", "speaker", "session", "dialogue")
"""Columns that are those of `Origin` as they are."""


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write predictions, whole or not at all.

    Raises
    ------
    MienError
        The file can't be written, or a score is not a finite number.
    """
    if not all(np.isfinite(scores).all() for scores in predictions.scores.values()):
        raise MienError(
            "the scores are not finite numbers, so there is nothing to keep: train again with a"
            " lower learning rate or with gradient clipping"
        )
    table = pa.Table.from_pylist(list(_rows(predictions)), SCHEMA)
    table = table.replace_schema_metadata({INFO: predictions.info.model_dump_json()})
    with atomic_write(path) as part:
        pq.write_table(table, part)


def _rows(predictions: Predictions) -> Iterator[dict[str, Any]]:
    for task in predictions.info.tasks:
        scores, truth = predictions.scores[task.name], predictions.truth[task.name]
        thresholds = predictions.thresholds(task.name)
        known = predictions.known(task.name)
        for row, origin in enumerate(predictions.origins):
            training = predictions.info.trainings[origin.training]
            yield {
                **{name: getattr(origin, name) for name in ORIGIN},
                "modalities": [str(m) for m in origin.modalities],
                "fold": training.fold,
                "seed": training.seed,
                "task": task.name,
                "decision": task.predict(scores[row].tolist(), thresholds[row].tolist()).decision,
                "scores": list(zip(task.labels, scores[row].tolist(), strict=True)),
                **_truth(task, truth[row], bool(known[row])),
            }


def _truth(task: Task, truth: np.ndarray, known: bool) -> dict[str, Any]:
    """Give what is right, as labels or as numbers."""
    if not known:
        return {"truth": None, "true_values": None}
    if isinstance(task, LabelTask):
        right = [label for label, value in zip(task.labels, truth, strict=True) if value]
        return {"truth": right, "true_values": None}
    pairs = zip(task.labels, truth.tolist(), strict=True)
    return {"truth": None, "true_values": [(n, v) for n, v in pairs if not np.isnan(v)]}


def read_predictions(path: Path) -> Predictions:
    """Read the predictions that `write_predictions` wrote.

    Raises
    ------
    MienError
        The file is missing, damaged, or not one of predictions.
    """
    check_file(path)
    try:
        table = pq.read_table(path)
        info = _info(table.schema.metadata or {})
        if not table.schema.equals(SCHEMA):
            raise ValueError("it has other columns")
        return _predictions(table.to_pylist(), info)
    except (
        *(OSError, ValueError, LookupError, TypeError, MemoryError, RecursionError),
        pa.ArrowException,
    ) as error:
        why = " ".join(str(error).split())[:200]
        raise MienError(f"{path} is no table of predictions ({why}): evaluate again") from error


def _info(metadata: dict[bytes, bytes]) -> PredictionsInfo:
    content = metadata.get(INFO, b"")
    if not 0 < len(content) <= LARGEST_INFO:
        raise ValueError("it does not say of which tasks")
    return PredictionsInfo.model_validate(json.loads(content))


def _predictions(rows: list[dict[str, Any]], info: PredictionsInfo) -> Predictions:
    places = {(training.fold, training.seed): n for n, training in enumerate(info.trainings)}
    if not info.tasks or len(places) < len(info.trainings):
        raise ValueError("it has no task, or two trainings of the same fold and seed")
    by_task = {task.name: [row for row in rows if row["task"] == task.name] for task in info.tasks}
    origins = [
        Origin(
            **{name: row[name] for name in ORIGIN},
            modalities=tuple(Modality(name) for name in row["modalities"]),
            training=places[row["fold"], row["seed"]],
        )
        for row in by_task[info.tasks[0].name]
    ]
    ids = [origin.id for origin in origins]
    if any([row["id"] for row in part] != ids for part in by_task.values()):
        raise ValueError("its tasks are of different utterances")
    scores = {task.name: _scores(task, by_task[task.name]) for task in info.tasks}
    truth = {task.name: _targets(task, by_task[task.name]) for task in info.tasks}
    return Predictions(info, origins, scores, truth)


def _scores(task: Task, rows: list[dict[str, Any]]) -> np.ndarray:
    values = [[dict(row["scores"])[label] for label in task.labels] for row in rows]
    return np.array(values, float).reshape(len(rows), len(task.labels))


def _targets(task: Task, rows: list[dict[str, Any]]) -> np.ndarray:
    found = np.full((len(rows), len(task.labels)), np.nan)
    for place, row in enumerate(rows):
        if row["truth"] is not None:
            found[place] = [label in row["truth"] for label in task.labels]
        elif row["true_values"] is not None:
            values = dict(row["true_values"])
            found[place] = [values.get(label, np.nan) for label in task.labels]
    return found
