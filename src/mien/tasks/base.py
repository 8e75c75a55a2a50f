"""The interface of a task: targets, loss, prediction and metrics."""

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
    """The monitored metric of a task: early stopping and the best epoch depend on it.

    Parameters
    ----------
    name : str
        The name in the log, as ``valid/NAME``; tasks with the same name are averaged.
    title : str
        The name in reports.
    sign : {1, -1}
        1 if higher is better, -1 if lower is better.
    """

    name: str
    title: str
    sign: Literal[1, -1] = 1


class Task(BaseModel, ABC):
    """What a model predicts of an utterance, and all code that depends on it.

    A subclass gives `name` a default, under which `mien.tasks.register_task` registers it.

    Parameters
    ----------
    name : str
        Name of the task.
    labels : tuple of str
        A name for each logit, in their order.
    loss : str
        One of `losses`.

    Attributes
    ----------
    losses : tuple of str
        The losses that the task supports, the default first.
    monitor : Monitor
        Its monitored metric.
    metrics_type : type of TaskMetrics
        The type that `evaluate` returns.
    balanced : bool
        Whether `balance` weights labels by their rarity.
    identifies_speakers : bool
        Whether the labels are the speakers. Then augmentation does not alter voices, the default
        protocol has the same speakers in all splits, and a speaker embedding is trained, too.
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
            raise ValueError(f"the losses of the task are {', '.join(cls.losses)}")
        return loss

    @classmethod
    @abstractmethod
    def from_training(cls, utterances: Iterable[Utterance], loss: str | None = None) -> Self:
        """Build the task with the labels that training utterances have.

        Parameters
        ----------
        utterances : iterable of Utterance
            Those of the training split.
        loss : str, optional
            One of `losses` (default: the first).

        Raises
        ------
        MienError
            The utterances have too few labels to train with.
        """

    def with_labels_of(self, utterances: Iterable[Utterance]) -> Self:
        """Add the labels that utterances have and training did not; none where labels are fixed."""
        return self

    @abstractmethod
    def target(self, utterance: Utterance) -> Tensor:
        """Return the target (C,) of an utterance, NaN if it is not known."""

    def known(self, targets: Tensor) -> Tensor:
        """Return which rows of targets (..., C) are known, bool (...)."""
        return ~targets.isnan().any(dim=-1)

    def criterion(self, logits: Tensor, targets: Tensor, weight: Tensor | None = None) -> Tensor:
        """Compute the mean loss of logits (B, C) over the rows with a known target.

        Parameters
        ----------
        logits, targets : Tensor (B, C)
            Fused logits, and the targets (NaN if not known).
        weight : Tensor (C,) or None
            Weights of the labels, from `balance`.

        Returns
        -------
        Tensor ()
            Zero, with a gradient of zero, if no target is known.
        """
        known = self.known(targets)
        if not known.any():
            return logits.sum() * 0
        return self.loss_of(logits[known], targets[known], weight)

    @abstractmethod
    def loss_of(self, logits: Tensor, targets: Tensor, weight: Tensor | None) -> Tensor:
        """Compute the loss of logits (B, C) whose targets are known, B >= 1."""

    def smoothed(self, targets: Tensor, amount: float) -> Tensor:
        """Smooth targets (B, C), if they are labels; by default, return them unchanged."""
        return targets

    @property
    def smallest_batch(self) -> int:
        """The fewest utterances of a batch for which the loss has a gradient."""
        return 1

    def balance(self, targets: Tensor) -> Tensor:
        """Compute weights of the labels (C,) by their rarity among training targets (N, C)."""
        return targets.new_ones(len(self.labels))

    @abstractmethod
    def label_counts(self, targets: Tensor) -> dict[str, int]:
        """Count how often each label occurs among training targets (N, C), for `evaluate`."""

    @abstractmethod
    def scores(self, logits: Tensor) -> Tensor:
        """Convert logits (B, C) into scores, which predictions state and `evaluate` takes."""

    @property
    def has_thresholds(self) -> bool:
        """Whether each label has a threshold, which is chosen on the validation split."""
        return False

    @abstractmethod
    def predict(self, scores: Sequence[float], thresholds: Sequence[float]) -> TaskPrediction:
        """Convert the scores (C,) of one clip into a prediction."""

    @abstractmethod
    def monitored(self, scores: Tensor, targets: Tensor) -> float:
        """Compute the metric of `monitor` from scores and targets (N, C); N may be 0.

        It is NaN, or the worst possible value, if a score is not finite.
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
        """Evaluate scores (N, C) against the truth (N, C), whose rows are all known.

        Parameters
        ----------
        scores, truth : array (N, C)
            Results of `scores` and `target`.
        thresholds : sequence of C float, or array (N, C)
            Thresholds of the labels, if the task `has_thresholds`; rows differ if folds are pooled.
        counts : mapping
            The `label_counts` of the training split.
        persons : sequence of N str, optional
            The groups that confidence intervals resample, by default the speakers.
        by : str
            What a group is: "person", or "dialogue".

        Raises
        ------
        MienError
            There are no utterances to evaluate.
        """


def speaker_task(tasks: Iterable[Task]) -> str:
    """Return the name of the first task that identifies speakers, for the speaker embedding.

    Without such a task it is "person", which then is not among the tasks of the model either.
    """
    return next((task.name for task in tasks if task.identifies_speakers), "person")
