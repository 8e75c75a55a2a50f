"""The worst predictions of a system, with the media to look at and to listen to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mien.dataset.store import Store
from mien.errors import MienError
from mien.inference.predictions import Predictions
from mien.tasks import LabelTask, Task
from mien.utterance import Utterance


class WrongPrediction(BaseModel):
    """An utterance that was predicted badly, and where to find it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    speaker: str | None
    of_labels: bool = Field(description="whether the task is one of labels, not of numbers")
    truth: dict[str, float] = Field(description="right labels with 1; or numbers by their names")
    trainings: int = Field(description="how many predicted it")
    predicted: dict[str, float] = Field(
        description="for labels how many trainings decided for each; for numbers their mean"
    )
    error: float = Field(description="mean absolute difference of scores and truth")
    text: str | None = None
    video: str | None = None
    audio: str | None = None
    start: float | None = Field(None, description="seconds in the media files")
    end: float | None = None
    media_missing: bool = Field(False, description="whether a media file is not there any more")


def worst_predictions(
    predictions: Predictions, task: str, *, number: int = 20, label: str | None = None
) -> list[WrongPrediction]:
    """List the utterances whose scores are farthest from the truth, the worst first.

    Of a task of labels those alone that some training decided wrongly. The error is a mean over
    the trainings that predicted an utterance.

    Parameters
    ----------
    predictions : Predictions
        Of a run or a study.
    task : str
        Which task.
    number : int
        At most so many.
    label : str, optional
        Only utterances of which this label is right.

    Raises
    ------
    MienError
        There are no predictions of that task, or it has no such label.
    """
    kind = predictions.task(task)
    if label is not None and label not in kind.labels:
        raise MienError(
            f"the task {task!r} has no label {label!r}: choose from {', '.join(kind.labels)}",
            parameter="label",
        )
    decisions = _decisions(predictions, kind) if isinstance(kind, LabelTask) else []
    found = []
    for rows in _rows_of(predictions, task).values():
        truth = predictions.truth[task][rows[0]]
        if label is not None and not truth[kind.labels.index(label)] > 0:
            continue
        if decisions and not _some_wrong(kind, truth, [decisions[row] for row in rows]):
            continue
        found.append(_wrong(predictions, kind, rows, decisions))
    return sorted(found, key=lambda each: (-each.error, each.id))[:number]


def _rows_of(predictions: Predictions, task: str) -> dict[str, list[int]]:
    """Give the rows of each utterance whose truth is known."""
    found: dict[str, list[int]] = {}
    for row in np.flatnonzero(predictions.known(task)).tolist():
        found.setdefault(predictions.origins[row].id, []).append(row)
    return found


def _decisions(predictions: Predictions, task: LabelTask) -> list[list[str]]:
    """Give the labels that each row predicts."""
    pairs = zip(predictions.scores[task.name], predictions.thresholds(task.name), strict=True)
    return [task.decide(scores.tolist(), thresholds.tolist()) for scores, thresholds in pairs]


def _right(task: Task, truth: np.ndarray) -> list[str]:
    """Name the labels that are right."""
    return [label for label, value in zip(task.labels, truth, strict=True) if value > 0]


def _some_wrong(task: Task, truth: np.ndarray, decisions: Sequence[Sequence[str]]) -> bool:
    return any(set(decision) != set(_right(task, truth)) for decision in decisions)


def _wrong(
    predictions: Predictions, task: Task, rows: Sequence[int], decisions: Sequence[Sequence[str]]
) -> WrongPrediction:
    scores, truth = predictions.scores[task.name][rows], predictions.truth[task.name][rows[0]]
    known = ~np.isnan(truth)
    origin = predictions.origins[rows[0]]
    predicted: Mapping[str, float]
    if isinstance(task, LabelTask):
        predicted = Counter(label for row in rows for label in decisions[row])
    else:
        predicted = dict(zip(task.labels, scores.mean(axis=0).tolist(), strict=True))
    return WrongPrediction(
        id=origin.id,
        speaker=origin.speaker,
        of_labels=isinstance(task, LabelTask),
        trainings=len(rows),
        truth={
            label: value
            for label, value in zip(task.labels, truth.tolist(), strict=True)
            if not np.isnan(value) and (value or not isinstance(task, LabelTask))
        },
        predicted=dict(predicted),
        error=float(np.abs(scores[:, known] - truth[known]).mean()),
    )


def with_media(
    found: Sequence[WrongPrediction], data: Path, fingerprint: str | None = None
) -> list[WrongPrediction]:
    """Add text and media files from the prepared data.

    Parameters
    ----------
    found : sequence of WrongPrediction
        What `worst_predictions` gives.
    data : path
        Where the prepared data lie now.
    fingerprint : str, optional
        Which data they must be: `PredictionsInfo.fingerprint`.

    Raises
    ------
    MienError
        The data are not there, or are other ones.
    """
    try:
        store = Store(data)
        utterances = {utterance.id: utterance for utterance in store.utterances}
    except MienError as error:
        raise MienError(
            "text and media are looked up in the prepared data that were predicted, and"
            f" {error.message}. If they have moved, say where they are now",
            parameter="data",
        ) from error
    if fingerprint not in (None, store.fingerprint):
        raise MienError(
            f"{data} are other data than those that were predicted: name these", parameter="data"
        )
    return [
        each.model_copy(update=_media(utterances[each.id])) if each.id in utterances else each
        for each in found
    ]


def _media(utterance: Utterance) -> dict[str, str | float | None]:
    files = [path for path in (utterance.video, utterance.audio) if path is not None]
    return {
        "media_missing": not all(path.exists() for path in files),
        "text": utterance.text,
        "video": None if utterance.video is None else str(utterance.video),
        "audio": None if utterance.audio is None else str(utterance.audio),
        "start": utterance.start,
        "end": utterance.end,
    }


def confusions(
    predictions: Predictions, task: str, *, number: int = 10, label: str | None = None
) -> list[tuple[str, str, int]]:
    """Count which label is taken for which, the most frequent first.

    The parameters are those of `worst_predictions`.

    Returns
    -------
    list of (str, str, int)
        The right labels, the predicted ones, and how many predictions; empty for numbers.
    """
    kind = predictions.task(task)
    if not isinstance(kind, LabelTask):
        return []
    decisions = _decisions(predictions, kind)
    counts: Counter[tuple[str, str]] = Counter()
    for row in np.flatnonzero(predictions.known(task)).tolist():
        right, decision = _right(kind, predictions.truth[task][row]), decisions[row]
        if set(decision) != set(right) and (label is None or label in right):
            counts[", ".join(right) or "none", ", ".join(decision) or "none"] += 1
    return [(right, predicted, count) for (right, predicted), count in counts.most_common(number)]
