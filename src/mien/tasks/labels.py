"""Tasks that predict labels, one or several."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mien.errors import MienError
from mien.metrics import evaluate_labels
from mien.metrics.bootstrap import average_f1, tally
from mien.metrics.counted import (
    AVERAGE_F1,
    MACRO_F1,
    UA,
    WA,
    WEIGHTED_ACCURACY,
    CountedMetric,
)
from mien.metrics.thresholds import choose
from mien.task_prediction import TaskPrediction
from mien.tasks.base import Monitor, Task
from mien.tasks.label_metrics import LabelMetrics
from mien.utterance import Utterance


class LabelTask(Task):
    """A task whose predictions are labels.

    Parameters
    ----------
    labels : tuple of str
        The labels.
    loss : {"bce", "ce", "l1", "mse"}
        "bce": multi-label, with a threshold for each label (published);
        "ce": single-label;
        "l1", "mse": multi-label; the absolute or squared error of the probabilities.
    single_label : bool
        Whether every labelled utterance of the training split has exactly one label. Then the
        decision is the label with the highest score, whatever the loss.
    """

    losses: ClassVar[tuple[str, ...]] = ("bce", "ce", "l1", "mse")
    monitor: ClassVar[Monitor] = Monitor("f1", "F1")
    metrics_type: ClassVar[type[LabelMetrics]] = LabelMetrics
    balanced: ClassVar[bool] = True

    single_label: bool = False

    @classmethod
    def of(cls, labels: Sequence[str], loss: str | None, single_label: bool) -> Self:
        """Build the task with these labels. Raises `MienError` if there are fewer than two."""
        if len(labels) < 2:
            found = "no utterance of the training split is labelled"
            if labels:
                found = f"the training split has only {labels[0]!r}"
            name = cls.model_fields["name"].default
            raise MienError(f"the task {name!r} needs at least two labels; {found}")
        return cls(labels=labels, loss=loss or cls.losses[0], single_label=single_label)  # type: ignore[call-arg]

    @abstractmethod
    def true_labels(self, utterance: Utterance) -> set[str] | None:
        """Return the labels of an utterance, None if they are not known."""

    def with_labels_of(self, utterances: Iterable[Utterance]) -> Self:
        """Add the labels that utterances have and training did not, behind its own.

        Examples
        --------
        >>> from mien.tasks import EmotionTask
        >>> calm = Utterance(id="1", corpus="own", emotions=("calm",))
        >>> EmotionTask(labels=("happy", "sad"), loss="ce").with_labels_of([calm]).labels
        ('happy', 'sad', 'calm')
        """
        found = set[str]().union(*(self.true_labels(u) or () for u in utterances))
        further = tuple(sorted(found - set(self.labels)))
        return self.model_copy(update={"labels": self.labels + further})

    @property
    def has_thresholds(self) -> bool:
        """Whether the task is multi-label, with a threshold for each label."""
        return self.loss != "ce"

    def target(self, utterance: Utterance) -> Tensor:
        """Return the indicators (C,) of an utterance's labels.

        They are NaN if the labels are not known and, with "ce", if there is not exactly one.
        """
        known = self.true_labels(utterance)
        if known is None:
            return torch.full((len(self.labels),), torch.nan)
        target = torch.tensor([float(label in known) for label in self.labels])
        if self.loss == "ce" and target.sum() != 1:
            return torch.full_like(target, torch.nan)
        return target

    def loss_of(self, logits: Tensor, targets: Tensor, weight: Tensor | None) -> Tensor:
        """Compute the loss with the `weight` of each label or, if multi-label, its positives."""
        if self.loss == "ce":
            if ((targets == 0) | (targets == 1)).all():
                return F.cross_entropy(logits, targets.argmax(dim=1), weight=weight)
            # of smoothed or mixed targets, the same weighted mean
            shares = targets if weight is None else targets * weight
            return -(shares * logits.log_softmax(dim=1)).sum() / shares.sum()
        if self.loss == "bce":
            return F.binary_cross_entropy_with_logits(logits, targets, pos_weight=weight)
        probabilities = logits.sigmoid()
        difference = probabilities - targets
        error = difference.abs() if self.loss == "l1" else difference**2
        if weight is not None:
            error = error * torch.where(targets > 0, weight, 1.0)
        return error.mean()

    def smoothed(self, targets: Tensor, amount: float) -> Tensor:
        """Replace a share of the targets (B, C) by equal probabilities of all labels."""
        uniform = 1 / len(self.labels) if self.loss == "ce" else 0.5
        return targets * (1 - amount) + amount * uniform

    def balance(self, targets: Tensor) -> Tensor:
        """Compute weights of the labels (C,) by their rarity among training targets (N, C).

        For "ce" they are N / (C x count), otherwise negatives / positives as weight of the
        positives (published `pos_weight`). A label without positives has weight 1.
        """
        targets = targets[self.known(targets)]
        positives = targets.sum(dim=0)
        if self.loss == "ce":
            weight = len(targets) / (len(self.labels) * positives)
        else:
            weight = (len(targets) - positives) / positives
        return torch.where(positives > 0, weight, torch.ones_like(weight))

    def label_counts(self, targets: Tensor) -> dict[str, int]:
        """Count how often each label occurs."""
        return dict(zip(self.labels, targets.nansum(dim=0).int().tolist(), strict=True))

    def scores(self, logits: Tensor) -> Tensor:
        """Convert logits (B, C) into probabilities."""
        return logits.softmax(dim=1) if self.loss == "ce" else logits.sigmoid()

    def predict(self, scores: Sequence[float], thresholds: Sequence[float]) -> TaskPrediction:
        """Return the decision and the score of each label."""
        return TaskPrediction(
            decision=self.decide(scores, thresholds),
            above_threshold=self.above(scores, thresholds) if self.has_thresholds else None,
            scores={label: round(s, 6) for label, s in zip(self.labels, scores, strict=True)},
        )

    def decide(self, scores: Sequence[float], thresholds: Sequence[float]) -> list[str]:
        """Return the predicted labels.

        With "ce", or if each training utterance has one label: the label with the highest score,
        the first of equal ones. Otherwise, all labels above their threshold, together with the one
        with the highest score even if it is below its own threshold; none if all are below.

        Examples
        --------
        >>> from mien.tasks import EmotionTask
        >>> several = EmotionTask(labels=("happy", "sad", "calm"), loss="bce")
        >>> several.decide([0.3, 0.5, 0.1], [0.2, 0.6, 0.2])
        ['happy', 'sad']
        """
        best = self.labels[max(range(len(scores)), key=scores.__getitem__)]
        if self.loss == "ce" or self.single_label:
            return [best]
        above = self.above(scores, thresholds)
        return [label for label in self.labels if label in above or (above and label == best)]

    def above(self, scores: Sequence[float], thresholds: Sequence[float]) -> list[str]:
        """Return the labels whose score is greater than their threshold, in their order."""
        triples = zip(self.labels, scores, thresholds, strict=True)
        return [label for label, score, threshold in triples if score > threshold]

    def monitored(self, scores: Tensor, targets: Tensor) -> float:
        """Compute the mean F1 over the labels that occur (`macro_f1`)."""
        known = self.known(targets)
        return macro_f1(self, scores[known].numpy(), targets[known].numpy())

    @classmethod
    def pool(cls, tasks: Sequence[Self]) -> Self:
        """Take the labels of all, in the order in which they first occur."""
        if len({task.loss for task in tasks}) > 1:
            return super().pool(tasks)
        labels = tuple(dict.fromkeys(label for task in tasks for label in task.labels))
        single = all(task.single_label for task in tasks)
        return tasks[0].model_copy(update={"labels": labels, "single_label": single})

    @property
    def counted(self) -> Mapping[str, CountedMetric]:
        """Those of one label; of several first, where an utterance may have several."""
        one = {"ua": UA, "wa": WA, "macro_f1": MACRO_F1}
        if not self.has_thresholds:
            return one
        several = {"average_f1": AVERAGE_F1, "weighted_accuracy": WEIGHTED_ACCURACY}
        return one | several if self.single_label else several | one

    def constant(self, counts: Mapping[str, int]) -> list[float]:
        """Give 1 for the most frequent label of training, of equal ones the first, and else 0."""
        best = max(self.labels, key=lambda label: counts.get(label, 0))
        return [float(label == best) for label in self.labels]

    def evaluate(
        self,
        scores: np.ndarray,
        truth: np.ndarray,
        *,
        thresholds: Sequence[float] | np.ndarray,
        counts: Mapping[str, int],
        persons: Sequence[str | None] | None = None,
        by: str = "person",
    ) -> LabelMetrics:
        """Evaluate single-label metrics and, if the task has thresholds, multi-label ones."""
        found = evaluate_labels(
            scores,
            truth,
            self.labels,
            thresholds=np.array(thresholds) if self.has_thresholds else None,
            train_counts=np.array([counts.get(label, 0) for label in self.labels]),
            # if the speakers are the labels, only utterances can be resampled
            groups=None if self.identifies_speakers else persons,
            by=by,
        )
        return LabelMetrics.model_validate(found)


def macro_f1(task: LabelTask, probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Compute the mean F1 over the labels that occur; if multi-label, at the best thresholds.

    It is NaN if a probability is not finite, so that such a model is never the best.
    """
    if not np.isfinite(probabilities).all():
        return float("nan")
    if task.has_thresholds:
        predicted = probabilities > choose(probabilities, truth)
    else:
        predicted = np.eye(len(task.labels), dtype=bool)[probabilities.argmax(axis=1)]
    return float(np.nan_to_num(average_f1(tally(truth.astype(bool), predicted).sum(axis=0))))
