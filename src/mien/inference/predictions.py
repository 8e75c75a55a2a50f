"""Predictions of a system for labelled utterances: scores beside what is right."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mien.errors import MienError
from mien.modality import Modality
from mien.tasks import AnyTask, Task


class Training(BaseModel):
    """What a training decided that its predictions depend on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fold: int | None = None
    seed: int = 0
    thresholds: dict[str, list[float]] = Field({}, description="by task, for those that have any")
    label_counts: dict[str, dict[str, int]] = Field({}, description="by task, of its training")
    left_out: int = Field(0, description="utterances of the split that were not evaluated")


class PredictionsInfo(BaseModel):
    """What a table of predictions says of itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tasks: tuple[AnyTask, ...]
    split: str = Field(description="train, valid, test or all")
    protocol: str = Field(description="how the data were divided")
    data: str = Field(description="the prepared data")
    fingerprint: str | None = Field(None, description="tells the data from others")
    synthetic: bool = False
    modalities: str = Field("tav", description="letters of those that the system could use")
    degraded: str | None = Field(None, description="what was done to the audio, as white:10")
    references: str | None = Field(
        None, description="other clips of the same speaker that the model was given, as 10"
    )
    trainings: tuple[Training, ...]

    @property
    def seeds(self) -> list[int]:
        """The seeds of the trainings, each once."""
        return list(dict.fromkeys(training.seed for training in self.trainings))

    @property
    def left_out(self) -> int:
        """How many utterances of the split were not evaluated, over all trainings."""
        return sum(training.left_out for training in self.trainings)


@dataclass(frozen=True)
class Origin:
    """Which utterance a row of predictions is of, and which training predicted.

    Parameters
    ----------
    id : str
        The utterance.
    speaker, session, dialogue : str or None
        What is known of it.
    modalities : tuple of Modality
        What it has of the modalities that the system uses.
    training : int
        Its place in `PredictionsInfo.trainings`.
    """

    id: str
    speaker: str | None
    session: str | None
    dialogue: str | None
    modalities: tuple[Modality, ...]
    training: int = 0


@dataclass(frozen=True)
class Predictions:
    """Scores for utterances, with what is right.

    Parameters
    ----------
    info : PredictionsInfo
        Tasks, data, and the trainings that predicted.
    origins : sequence of N Origin
        Which utterance each row is of.
    scores, truth : mapping of str to array (N, C)
        By task, what `Task.scores` and `Task.target` give; the truth is NaN where it is unknown.
    """

    info: PredictionsInfo
    origins: Sequence[Origin]
    scores: Mapping[str, np.ndarray]
    truth: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.origins)

    def task(self, name: str) -> Task:
        """Find a task by its name. Raises `MienError` where these are no predictions of it."""
        for task in self.info.tasks:
            if task.name == name:
                return task
        names = ", ".join(task.name for task in self.info.tasks)
        raise MienError(f"there are no predictions of {name!r} but of {names}", parameter="task")

    def known(self, name: str) -> np.ndarray:
        """Tell of which rows a task knows what is right: bool (N,)."""
        import torch

        return np.asarray(self.task(name).known(torch.from_numpy(self.truth[name])).numpy())

    def thresholds(self, name: str) -> np.ndarray:
        """Give the thresholds (N, C) of the rows; 0.5 for a label without one."""
        task = self.task(name)
        rows = [
            row if len(row := training.thresholds.get(name, [])) else [0.5] * len(task.labels)
            for training in self.info.trainings
        ]
        table = np.array(rows, float).reshape(len(rows), len(task.labels))
        return table[[origin.training for origin in self.origins]]

    def counts(self, name: str) -> dict[str, int]:
        """Add up how often each label occurs in the trainings."""
        total: dict[str, int] = {}
        for training in self.info.trainings:
            for label, count in training.label_counts.get(name, {}).items():
                total[label] = total.get(label, 0) + count
        return total

    def select(self, rows: Iterable[int]) -> "Predictions":
        """Keep some rows."""
        kept = list(rows)
        return replace(
            self,
            origins=[self.origins[row] for row in kept],
            scores={name: values[kept] for name, values in self.scores.items()},
            truth={name: values[kept] for name, values in self.truth.items()},
        )

    def of(self, *, fold: int | None = None, seed: int | None = None) -> "Predictions":
        """Keep the trainings of a fold, of a seed, or of both."""
        wanted = [
            number
            for number, training in enumerate(self.info.trainings)
            if (fold is None or training.fold == fold) and (seed is None or training.seed == seed)
        ]
        place = {number: new for new, number in enumerate(wanted)}
        rows = [row for row, origin in enumerate(self.origins) if origin.training in place]
        found = self.select(rows)
        trainings = tuple(self.info.trainings[number] for number in wanted)
        return replace(
            found,
            info=self.info.model_copy(update={"trainings": trainings}),
            origins=[replace(o, training=place[o.training]) for o in found.origins],
        )


def pool(parts: Sequence[Predictions]) -> Predictions:
    """Put the predictions of several trainings one below the other.

    A label that one training did not know has the score 0 there, and the threshold 1.

    Raises
    ------
    MienError
        The trainings ask different things, or two are of the same fold and seed.
    """
    trainings = [training for part in parts for training in part.info.trainings]
    if len({(training.fold, training.seed) for training in trainings}) < len(trainings):
        raise MienError("two trainings of the same fold and seed can't be pooled")
    tasks = tuple(
        type(task).pool([part.task(task.name) for part in parts]) for task in parts[0].info.tasks
    )
    aligned = [align(part, tasks) for part in parts]
    first = np.cumsum([0, *(len(part.info.trainings) for part in parts)])
    info = parts[0].info.model_copy(
        update={
            "tasks": tasks,
            "trainings": tuple(t for part in aligned for t in part.info.trainings),
        }
    )
    return Predictions(
        info,
        [
            replace(origin, training=origin.training + int(shift))
            for part, shift in zip(parts, first, strict=False)
            for origin in part.origins
        ],
        {t.name: np.concatenate([part.scores[t.name] for part in aligned]) for t in tasks},
        {t.name: np.concatenate([part.truth[t.name] for part in aligned]) for t in tasks},
    )


def align(part: Predictions, tasks: Sequence[Task]) -> Predictions:
    """Give predictions the labels of other tasks, in their order, and keep these tasks alone.

    A label that was not known before has the score 0, and the threshold 1.
    """
    scores, truth = dict(part.scores), dict(part.truth)
    trainings = part.info.trainings
    for task in tasks:
        own = part.task(task.name).labels
        if own == task.labels:
            continue
        unknown = np.isnan(truth[task.name]).any(axis=1)
        scores[task.name] = _columns(scores[task.name], own, task.labels, 0.0)
        truth[task.name] = _columns(truth[task.name], own, task.labels, 0.0)
        truth[task.name][unknown] = np.nan
        trainings = tuple(
            training.model_copy(
                update={
                    "thresholds": training.thresholds
                    | {task.name: _row(training.thresholds[task.name], own, task.labels)}
                }
            )
            if task.name in training.thresholds
            else training
            for training in trainings
        )
    names = [task.name for task in tasks]
    return replace(
        part,
        info=part.info.model_copy(update={"trainings": trainings, "tasks": tuple(tasks)}),
        scores={name: scores[name] for name in names},
        truth={name: truth[name] for name in names},
    )


def _row(values: list[float], own: Sequence[str], labels: Sequence[str]) -> list[float]:
    return _columns(np.array([values]), own, labels, 1.0)[0].tolist()


def _columns(
    values: np.ndarray, own: Sequence[str], labels: Sequence[str], other: float
) -> np.ndarray:
    found = np.full((len(values), len(labels)), other)
    for place, label in enumerate(labels):
        if label in own:
            found[:, place] = values[:, own.index(label)]
    return found
