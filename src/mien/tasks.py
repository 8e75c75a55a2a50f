"""What is asked of an utterance: how the person feels, by label or number, and who they are."""

from collections.abc import Iterable, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from mien.errors import MienError
from mien.utterance import EMOTIONS, HIGHEST_SENTIMENT, Utterance

TaskName = Literal["emotion", "person", "sentiment"]
Loss = Literal["bce", "ce", "l1", "mse"]

SENTIMENTS = (
    "highly negative",
    "negative",
    "weakly negative",
    "neutral",
    "weakly positive",
    "positive",
    "highly positive",
)
"""The words for sentiment -3, -2, ... 3 (CMU-MOSEI, Zadeh et al. 2018)."""


class Task(BaseModel):
    """A question: which labels are right, or for sentiment, which number.

    Parameters
    ----------
    name : {"emotion", "person", "sentiment"}
        What is asked.
    labels : tuple of str
        The possible answers, in the order of the logits. Sentiment has one logit, itself.
    loss : {"bce", "ce", "l1", "mse"}
        "bce": each label is a yes or no of its own, with a threshold (published);
        "ce": exactly one label is right;
        "l1", "mse": the absolute or squared error, of a sentiment, or of the probability of labels
        that are each a yes or no.
    single_label : bool
        Every labelled utterance of the training part has exactly one label. Then the decision is
        the label with the highest score, whatever the loss. False for runs of earlier versions.

    Examples
    --------
    >>> task = Task(name="emotion", labels=("happy", "sad"), loss="bce")
    >>> task.target(Utterance(id="1", corpus="own", emotions=("sad",)))
    tensor([0., 1.])
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: TaskName
    labels: tuple[str, ...]
    loss: Loss
    single_label: bool = False

    @property
    def regression(self) -> bool:
        """Whether the answer is a number."""
        return self.name == "sentiment"

    @property
    def yes_or_no(self) -> bool:
        """Whether each label is a yes or no of its own, by a threshold."""
        return not self.regression and self.loss != "ce"

    def target(self, utterance: Utterance) -> Tensor:
        """Give what is right (C,) for an utterance, or NaN where it can't be asked.

        Indicators of the labels, or the sentiment. NaN is the answer where the utterance is not
        labelled, where its person is unknown to the task, and with "ce" where not exactly one label
        is right.
        """
        if self.regression:
            known = utterance.sentiment is not None
            return torch.tensor([utterance.sentiment if known else torch.nan])
        if self.name == "emotion":
            right = None if utterance.emotions is None else set(utterance.emotions)
        else:
            right = {utterance.person} if utterance.person in self.labels else None
        if right is None:
            return torch.full((len(self.labels),), torch.nan)
        target = torch.tensor([float(label in right) for label in self.labels])
        if self.loss == "ce" and target.sum() != 1:
            return torch.full_like(target, torch.nan)
        return target

    def criterion(self, logits: Tensor, targets: Tensor, weight: Tensor | None = None) -> Tensor:
        """Compute the mean loss of logits (B, C) over the rows whose target is known.

        Parameters
        ----------
        logits, targets : Tensor (B, C)
            Fused logits and what `target` gives (NaN rows: unknown).
        weight : Tensor (C,) or None
            From `balance`.

        Returns
        -------
        Tensor ()
            Zero, with a gradient of zero, where no target is known.
        """
        known = ~targets.isnan().any(dim=1)
        if not known.any():
            return logits.sum() * 0
        logits, targets = logits[known], targets[known]
        if self.loss == "ce":
            return F.cross_entropy(logits, targets.argmax(dim=1), weight=weight)
        if self.loss == "bce":
            return F.binary_cross_entropy_with_logits(logits, targets, pos_weight=weight)
        # unlike `scores`, not kept within the scale: beyond its ends nothing would be learnt
        answers = logits if self.regression else logits.sigmoid()
        error = (answers - targets).abs() if self.loss == "l1" else (answers - targets) ** 2
        if weight is not None and not self.regression:
            error = error * torch.where(targets > 0, weight, 1.0)
        return error.mean()

    def balance(self, targets: Tensor) -> Tensor:
        """Weight labels (C,) by their rarity among training targets (N, C).

        "ce": N / (C x count); else negatives / positives (published `pos_weight`), the weight of
        the positives. A label without positives, and sentiment, has weight 1.
        """
        targets = targets[~targets.isnan().any(dim=1)]
        if self.regression:
            return torch.ones(len(self.labels))
        positives = targets.sum(dim=0)
        if self.loss == "ce":
            weight = len(targets) / (len(self.labels) * positives)
        else:
            weight = (len(targets) - positives) / positives
        return torch.where(positives > 0, weight, torch.ones_like(weight))

    def scores(self, logits: Tensor) -> Tensor:
        """Turn logits (B, C) into probabilities, or into sentiment from -3 to 3."""
        if self.regression:
            return logits.clamp(-HIGHEST_SENTIMENT, HIGHEST_SENTIMENT)
        return logits.softmax(dim=1) if self.loss == "ce" else logits.sigmoid()

    def decide(self, scores: Sequence[float], thresholds: Sequence[float]) -> list[str]:
        """Choose the labels, or sentiment's word.

        With "ce", and where training had one label an utterance: the one with the highest score,
        of equal ones the first. Else all above their threshold, and with these the highest, whose
        own threshold may be higher than the others'; none where all are below.

        Examples
        --------
        >>> sentiment_task("l1").decide([1.2], [])
        ['weakly positive']
        >>> several = Task(name="emotion", labels=("happy", "sad", "calm"), loss="bce")
        >>> several.decide([0.3, 0.5, 0.1], [0.2, 0.6, 0.2])
        ['happy', 'sad']
        """
        if self.regression:
            return [SENTIMENTS[round(scores[0]) + len(SENTIMENTS) // 2]]
        best = self.labels[max(range(len(scores)), key=scores.__getitem__)]
        if self.loss == "ce" or self.single_label:
            return [best]
        above = self.above(scores, thresholds)
        return [label for label in self.labels if label in above or (above and label == best)]

    def above(self, scores: Sequence[float], thresholds: Sequence[float]) -> list[str]:
        """Give the labels whose score is greater than their threshold, in their order."""
        triples = zip(self.labels, scores, thresholds, strict=True)
        return [label for label, score, threshold in triples if score > threshold]


def emotion_task(utterances: Iterable[Utterance], loss: Loss = "bce") -> Task:
    """Make the emotion task of the labels that training utterances have.

    Raises
    ------
    MienError
        Fewer than two emotions occur.
    """
    labelled = [set(u.emotions) for u in utterances if u.emotions is not None]
    found = set().union(*labelled)
    known = [e for e in EMOTIONS if e in found]
    single = all(len(emotions) == 1 for emotions in labelled)
    return _task("emotion", known + sorted(found - set(known)), loss, single)


def person_task(utterances: Iterable[Utterance], loss: Loss = "ce") -> Task:
    """Make the person task of the persons in training utterances. Raises as `emotion_task`."""
    return _task("person", sorted({u.person for u in utterances if u.person}), loss, True)


def sentiment_task(loss: Loss = "l1") -> Task:
    """Make the sentiment task.

    Raises
    ------
    MienError
        The loss is one of labels.
    """
    if loss not in ("l1", "mse"):
        raise MienError(
            f"sentiment is a number, which {loss!r} can't judge: give l1 or mse", parameter="loss"
        )
    return Task(name="sentiment", labels=("sentiment",), loss=loss)


def _task(name: TaskName, labels: list[str], loss: Loss, single: bool) -> Task:
    if len(labels) < 2:
        have = f"only {labels[0]!r} occurs" if labels else "no utterance is labelled"
        raise MienError(f"the task {name!r} needs at least two labels; in the training part {have}")
    return Task(name=name, labels=tuple(labels), loss=loss, single_label=single)
