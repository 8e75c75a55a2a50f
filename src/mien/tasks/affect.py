"""The affect task: valence, arousal and dominance as numbers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import model_validator
from torch import Tensor

from mien.errors import MienError
from mien.metrics.concordance import COUNTED, concordance, evaluate_dimensions
from mien.metrics.counted import CountedMetric
from mien.task_prediction import TaskPrediction
from mien.tasks.affect_metrics import AffectMetrics
from mien.tasks.base import Monitor, Task
from mien.tasks.registry import register_task
from mien.utterance import Utterance

DIMENSIONS = ("valence", "arousal", "dominance")
"""Names in `Utterance.labels` that the task uses."""

EPSILON = 1e-8
"""Lower limit of a denominator, which is 0 where predictions and ratings are the same constant."""


@register_task
class AffectTask(Task):
    """The dimensions of affect that the training split has ratings of, on the scale of these.

    The logits are in standard deviations from the mean of the training split, so that an untrained
    model predicts the middle of any scale.

    Parameters
    ----------
    labels : tuple of str
        Those of `DIMENSIONS` that have ratings in the training split.
    loss : {"ccc", "l1", "mse"}
        "ccc": 1 minus the concordance correlation (Lin 1989) over a batch; "l1", "mse": the
        absolute or squared error, in standard deviations. Each is a mean over the dimensions.
    means, deviations : tuple of float
        Mean and standard deviation of the training ratings in each dimension.

    Examples
    --------
    >>> task = AffectTask(labels=("valence",), loss="ccc", means=(3.0,), deviations=(0.5,))
    >>> task.scores(torch.tensor([[1.0]]))
    tensor([[3.5000]])
    """

    losses: ClassVar[tuple[str, ...]] = ("ccc", "l1", "mse")
    monitor: ClassVar[Monitor] = Monitor("ccc", "CCC")
    metrics_type: ClassVar[type[AffectMetrics]] = AffectMetrics

    name: Literal["affect"] = "affect"
    means: tuple[float, ...]
    deviations: tuple[float, ...]

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        if not len(self.labels) == len(self.means) == len(self.deviations) > 0:
            raise ValueError("each label needs a mean and a deviation")
        if not np.isfinite([*self.means, *self.deviations]).all() or min(self.deviations) <= 0:
            raise ValueError("means must be finite, and deviations above 0")
        return self

    @classmethod
    def from_training(cls, utterances: Iterable[Utterance], loss: str | None = None) -> Self:
        """Build the task of the dimensions that have ratings.

        Raises
        ------
        MienError
            No dimension has ratings, or all ratings of a dimension are equal.
        """
        rated: dict[str, list[float]] = {name: [] for name in DIMENSIONS}
        for utterance in utterances:
            for name, values in rated.items():
                if (value := _rating(utterance, name)) is not None:
                    values.append(value)
        rated = {name: values for name, values in rated.items() if values}
        if not rated:
            raise MienError(
                f"the task 'affect' needs ratings of one of {', '.join(DIMENSIONS)} or more; no"
                " utterance of the training split has any"
            )
        if flat := [name for name, values in rated.items() if len(set(values)) < 2]:
            raise MienError(
                f"every rating of {flat[0]} in the training split is {rated[flat[0]][0]:g}, so it"
                " cannot be learnt: leave that column out"
            )
        return cls(
            labels=tuple(rated),
            loss=loss or cls.losses[0],
            means=tuple(float(np.mean(values)) for values in rated.values()),
            deviations=tuple(float(np.std(values)) for values in rated.values()),
        )

    def target(self, utterance: Utterance) -> Tensor:
        """Return the ratings (D,), NaN in dimensions without a rating."""
        ratings = (_rating(utterance, name) for name in self.labels)
        return torch.tensor([torch.nan if rating is None else rating for rating in ratings])

    def known(self, targets: Tensor) -> Tensor:
        """Return which rows have a rating in one dimension or more."""
        return ~targets.isnan().all(dim=-1)

    @property
    def smallest_batch(self) -> int:
        """Two for the concordance, which needs several utterances."""
        return 2 if self.loss == "ccc" else 1

    def loss_of(self, logits: Tensor, targets: Tensor, weight: Tensor | None) -> Tensor:
        """Compute the mean loss over the dimensions; for CCC, of those with two ratings or more."""
        logits = logits.float()  # means and variances need more than bfloat16
        wanted = (targets - targets.new_tensor(self.means)) / targets.new_tensor(self.deviations)
        if self.loss != "ccc":
            known = ~wanted.isnan()
            error = logits[known] - wanted[known]
            return error.abs().mean() if self.loss == "l1" else (error**2).mean()
        losses = [
            1 - batch_concordance(logits[rows, place], wanted[rows, place])
            for place in range(len(self.labels))
            if (rows := ~wanted[:, place].isnan()).sum() > 1
        ]
        return torch.stack(losses).mean() if losses else logits.sum() * 0

    def label_counts(self, targets: Tensor) -> dict[str, int]:
        """Count the ratings of each dimension."""
        return dict(zip(self.labels, (~targets.isnan()).sum(dim=0).tolist(), strict=True))

    def scores(self, logits: Tensor) -> Tensor:
        """Convert logits (B, D) into numbers on the scale of the ratings."""
        return logits.new_tensor(self.means) + logits * logits.new_tensor(self.deviations)

    def predict(self, scores: Sequence[float], thresholds: Sequence[float]) -> TaskPrediction:
        """Return the numbers."""
        rounded = (round(score, 6) for score in scores)
        return TaskPrediction(decision=[], values=dict(zip(self.labels, rounded, strict=True)))

    def monitored(self, scores: Tensor, targets: Tensor) -> float:
        """Compute the mean CCC over the dimensions in which it is defined, 0 if in none."""
        if not scores.isfinite().all():
            return float("nan")
        found = []
        for predicted, truth in zip(scores.T.double(), targets.T.double(), strict=True):
            rows = ~truth.isnan()
            found.append(concordance(predicted[rows].numpy(), truth[rows].numpy()))
        defined = [value for value in found if value is not None]
        return float(np.mean(defined)) if defined else 0.0

    @classmethod
    def pool(cls, tasks: Sequence[Self]) -> Self:
        """Take the mean of their means and deviations, where they rate the same dimensions."""
        if any((task.labels, task.loss) != (tasks[0].labels, tasks[0].loss) for task in tasks):
            return super().pool(tasks)
        means = np.mean([task.means for task in tasks], axis=0).tolist()
        deviations = np.mean([task.deviations for task in tasks], axis=0).tolist()
        return tasks[0].model_copy(update={"means": tuple(means), "deviations": tuple(deviations)})

    @property
    def counted(self) -> Mapping[str, CountedMetric]:
        """CCC, Pearson correlation and mean absolute error, each a mean over the dimensions."""
        return COUNTED

    def constant(self, counts: Mapping[str, int]) -> tuple[float, ...]:
        """Give the means of training."""
        return self.means

    def evaluate(
        self,
        scores: np.ndarray,
        truth: np.ndarray,
        *,
        thresholds: Sequence[float] | np.ndarray,
        counts: Mapping[str, int],
        persons: Sequence[str | None] | None = None,
        by: str = "person",
    ) -> AffectMetrics:
        """Evaluate, with the training means as a constant baseline."""
        found = evaluate_dimensions(scores, truth, self.labels, self.means, groups=persons, by=by)
        return AffectMetrics.model_validate(found)


def batch_concordance(predicted: Tensor, truth: Tensor) -> Tensor:
    """Compute the concordance correlation () of two series (N,), N >= 2, differentiably."""
    p, t = predicted - predicted.mean(), truth - truth.mean()
    apart = (predicted.mean() - truth.mean()) ** 2
    below = (p * p).mean() + (t * t).mean() + apart
    return 2 * (p * t).mean() / below.clamp_min(EPSILON)


def _rating(utterance: Utterance, name: str) -> float | None:
    """Return a rating of an utterance, None if it has none or the label of that name is text."""
    value = utterance.labels.get(name)
    return float(value) if isinstance(value, int | float) else None
