"""The sentiment task: how positive or negative an utterance is, as a number."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor

from mien.metrics.counted import CountedMetric
from mien.metrics.regression import COUNTED, evaluate_sentiment, median_step, step_counts
from mien.task_prediction import TaskPrediction
from mien.tasks.base import Monitor, Task
from mien.tasks.registry import register_task
from mien.tasks.sentiment_metrics import SentimentMetrics
from mien.utterance import MAX_SENTIMENT, Utterance

SENTIMENTS = (
    "highly negative",
    "negative",
    "weakly negative",
    "neutral",
    "weakly positive",
    "positive",
    "highly positive",
)
"""Names of the sentiments -3, -2, ... 3 (CMU-MOSEI, Zadeh et al. 2018)."""


@register_task
class SentimentTask(Task):
    """Sentiment from -3 to 3, whose single logit is the number itself.

    Parameters
    ----------
    loss : {"l1", "mse"}
        The absolute or the squared error.
    """

    losses: ClassVar[tuple[str, ...]] = ("l1", "mse")
    monitor: ClassVar[Monitor] = Monitor("mae", "MAE", -1)
    metrics_type: ClassVar[type[SentimentMetrics]] = SentimentMetrics

    name: Literal["sentiment"] = "sentiment"
    labels: tuple[str, ...] = ("sentiment",)
    loss: str = "l1"

    @classmethod
    def from_training(cls, utterances: Iterable[Utterance], loss: str | None = None) -> Self:
        """Build the task, which is the same for all data."""
        return cls(loss=loss or cls.losses[0])

    def target(self, utterance: Utterance) -> Tensor:
        """Return the sentiment (1,), NaN if it is not rated."""
        known = utterance.sentiment is not None
        return torch.tensor([utterance.sentiment if known else torch.nan])

    def loss_of(self, logits: Tensor, targets: Tensor, weight: Tensor | None) -> Tensor:
        """Compute the mean error."""
        # unlike `scores` it does not clamp, since the gradient beyond the scale would be 0
        error = (logits - targets).abs() if self.loss == "l1" else (logits - targets) ** 2
        return error.mean()

    def label_counts(self, targets: Tensor) -> dict[str, int]:
        """Count the utterances of each whole step."""
        return step_counts(targets[~targets.isnan()].numpy())

    def scores(self, logits: Tensor) -> Tensor:
        """Clamp the numbers (B, 1) to the scale."""
        return logits.clamp(-MAX_SENTIMENT, MAX_SENTIMENT)

    def predict(self, scores: Sequence[float], thresholds: Sequence[float]) -> TaskPrediction:
        """Return the number and its name.

        Examples
        --------
        >>> str(SentimentTask().predict([1.2], []))
        'weakly positive (+1.20)'
        """
        step = round(min(max(scores[0], -MAX_SENTIMENT), MAX_SENTIMENT))  # a baseline may exceed it
        word = SENTIMENTS[step + len(SENTIMENTS) // 2]
        return TaskPrediction(decision=[word], values={"sentiment": round(scores[0], 6)})

    def monitored(self, scores: Tensor, targets: Tensor) -> float:
        """Compute the mean absolute error, with the largest possible error in place of NaN."""
        mae = (scores - targets)[self.known(targets)].abs().mean()
        return float(mae.nan_to_num(nan=2 * MAX_SENTIMENT))

    @property
    def counted(self) -> Mapping[str, CountedMetric]:
        """The mean absolute error, and the accuracy of negative or positive."""
        return COUNTED

    def constant(self, counts: Mapping[str, int]) -> list[float]:
        """Give the median step of training."""
        return [median_step(counts)]

    def evaluate(
        self,
        scores: np.ndarray,
        truth: np.ndarray,
        *,
        thresholds: Sequence[float] | np.ndarray,
        counts: Mapping[str, int],
        persons: Sequence[str | None] | None = None,
        by: str = "person",
    ) -> SentimentMetrics:
        """Evaluate, with the median step of the training split as a constant baseline."""
        found = evaluate_sentiment(
            scores[:, 0], truth[:, 0], train_counts=counts, groups=persons, by=by
        )
        return SentimentMetrics.model_validate(found)
