"""A task: what is asked of an utterance, its loss, its decision and its metrics."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, field_validator
from torch import Tensor

from mien.errors import MienError
from mien.metrics.counted import CountedMetric
from mien.task_prediction import TaskPrediction
from mien.tasks.metrics import TaskMetrics
from mien.utterance import Utterance


@dataclass(frozen=True)
class Monitor:
    """The validation metric of a task that early stopping and the best epoch use.

    Parameters
    ----------
    name : str
        In the log it is ``valid/NAME``. Tasks with the same name are averaged.
    title : str
        For people.
    sign : {1, -1}
        1: more is better; -1: less is.
    """

    name: str
    title: str
    sign: Literal[1, -1] = 1


class Task(BaseModel, ABC):
    """A question to a model, with everything that depends on which question it is.

    A subclass gives `name` a default, by which `mien.tasks.register_task` knows it.

    Parameters
    ----------
    name : str
        What is asked.
    labels : tuple of str
        One name for each logit, in their order.
    loss : str
        One of `losses`.

    Attributes
    ----------
    losses : tuple of str
        The losses that the task takes, the default first.
    monitor : Monitor
        Its validation metric.
    metrics_type : type of TaskMetrics
        What `evaluate` returns.
    balanced : bool
        `balance` weighs labels by their rarity.
    identifies_speakers : bool
        The labels are the speakers. Then voices are not altered in augmentation, a split keeps the
        speakers known, and an embedding that tells speakers apart is learnt with the labels.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    losses: ClassVar[tuple[str, ...]]
    monitor: ClassVar[Monitor]
    metrics_type: ClassVar[type[TaskMetrics]]
    balanced: ClassVar[bool] = False
    identifies_speakers: ClassVar[bool] = False

    name: str
    labels: tuple[str, ...]
    loss: str

    @field_validator("loss")
    @classmethod
    def _takes(cls, loss: str) -> str:
        if loss not in cls.losses:
            raise ValueError(f"the task takes the losses {', '.join(cls.losses)}")
        return loss

    @classmethod
    @abstractmethod
    def from_training(cls, utterances: Iterable[Utterance], loss: str | None = None) -> Self:
        """Make the task of the labels that training utterances have.

        Parameters
        ----------
        utterances : iterable of Utterance
            Of the training split.
        loss : str, optional
            One of `losses` (default: the first).

        Raises
        ------
        MienError
            The utterances have too few labels to learn from.
        """

    @abstractmethod
    def target(self, utterance: Utterance) -> Tensor:
        """Give what is right (C,) for an utterance, NaN where that is not known."""

    def known(self, targets: Tensor) -> Tensor:
        """Tell of which rows of targets (..., C) something is known: bool (...)."""
        return ~targets.isnan().any(dim=-1)

    def criterion(self, logits: Tensor, targets: Tensor, weight: Tensor | None = None) -> Tensor:
        """Compute the mean loss of logits (B, C) over the rows whose target is known.

        Parameters
        ----------
        logits, targets : Tensor (B, C)
            Fused logits and what `target` gives (NaN: unknown).
        weight : Tensor (C,) or None
            From `balance`.

        Returns
        -------
        Tensor ()
            Zero, with a gradient of zero, where no target is known.
        """
        known = self.known(targets)
        if not known.any():
            return logits.sum() * 0
        return self.loss_of(logits[known], targets[known], weight)

    @abstractmethod
    def loss_of(self, logits: Tensor, targets: Tensor, weight: Tensor | None) -> Tensor:
        """Compute the loss of logits (B, C) whose targets are known, B >= 1."""

    @property
    def smallest_batch(self) -> int:
        """How many utterances a batch needs at least for the loss to teach anything."""
        return 1

    def balance(self, targets: Tensor) -> Tensor:
        """Weight labels (C,) by their rarity among training targets (N, C)."""
        return targets.new_ones(len(self.labels))

    @abstractmethod
    def label_counts(self, targets: Tensor) -> dict[str, int]:
        """Count how often each label occurs among training targets (N, C), for `evaluate`."""

    @abstractmethod
    def scores(self, logits: Tensor) -> Tensor:
        """Turn logits (B, C) into what is shown and evaluated."""

    @property
    def has_thresholds(self) -> bool:
        """Whether each label has a threshold of its own, chosen on validation."""
        return False

    @abstractmethod
    def answer(self, scores: Sequence[float], thresholds: Sequence[float]) -> TaskPrediction:
        """Answer by the scores (C,) of one clip."""

    @abstractmethod
    def monitored(self, scores: Tensor, targets: Tensor) -> float:
        """Compute the metric of `monitor` over scores and targets (N, C), N may be 0.

        NaN, or the worst value there is, where a score is not a finite number.
        """

    @classmethod
    def pool(cls, tasks: Sequence[Self]) -> Self:
        """Make the task that covers what several trainings asked, such as those of folds.

        Raises
        ------
        MienError
            They ask different things.
        """
        if any(task != tasks[0] for task in tasks):
            raise MienError(
                f"the task {tasks[0].name!r} has other labels or another loss in some of the"
                " trainings, so that their predictions can't be pooled"
            )
        return tasks[0]

    @property
    def counted(self) -> Mapping[str, CountedMetric]:
        """The metrics by which two systems can be compared, by name, the usual one first."""
        return {}

    def constant(self, counts: Mapping[str, int]) -> Sequence[float] | None:
        """Give the scores (C,) of the best constant prediction, by what `label_counts` gave.

        None: the task has none to be compared with.
        """
        return None

    @abstractmethod
    def evaluate(
        self,
        scores: np.ndarray,
        truth: np.ndarray,
        *,
        thresholds: Sequence[float] | np.ndarray,
        counts: Mapping[str, int],
        persons: Sequence[str | None] | None = None,
        by: str = "person",
    ) -> TaskMetrics:
        """Evaluate scores (N, C) against the truth (N, C), of whose rows something is known.

        Parameters
        ----------
        scores, truth : array (N, C)
            What `scores` and `target` give.
        thresholds : sequence of C float, or array (N, C)
            Of the labels, where the task `has_thresholds`; rows differ where folds are pooled.
        counts : mapping
            What `label_counts` gave of training.
        persons : sequence of N str, optional
            Over whom intervals are.
        by : str
            What `persons` names, where it is not persons but recordings.

        Raises
        ------
        MienError
            There is nothing to evaluate.
        """


def speaker_task(tasks: Iterable[Task]) -> str:
    """Name the first task that identifies speakers, whose labels a speaker embedding learns.

    Without such a task it is "person", which a model then does not have either.
    """
    return next((task.name for task in tasks if task.identifies_speakers), "person")
