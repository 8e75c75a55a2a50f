"""What is asked of an utterance: how the person feels, and who they are."""

from collections.abc import Iterable, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from mien.errors import MienError
from mien.utterance import EMOTIONS, Utterance

TaskName = Literal["emotion", "person"]
Loss = Literal["bce", "ce"]


class Task(BaseModel):
    """A question with a fixed list of answers.

    Parameters
    ----------
    name : {"emotion", "person"}
        What is asked.
    labels : tuple of str
        The possible answers, in the order of the logits.
    loss : {"bce", "ce"}
        "bce": each label is a yes or no of its own, with a threshold (published);
        "ce": exactly one label is right.

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

    def target(self, utterance: Utterance) -> Tensor:
        """Give the label indicators (C,) of an utterance, or NaN where it can't be asked.

        That is the case where the utterance is not labelled, where its person is unknown to the
        task, and with "ce" where not exactly one label is right.
        """
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
            Fused logits and indicators (NaN rows: unknown).
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
        if self.loss == "bce":
            return F.binary_cross_entropy_with_logits(logits, targets, pos_weight=weight)
        return F.cross_entropy(logits, targets.argmax(dim=1), weight=weight)

    def balance(self, targets: Tensor) -> Tensor:
        """Weight labels (C,) by their rarity among training targets (N, C).

        "bce": negatives / positives (published `pos_weight`); "ce": N / (C x count). A label
        without positives has weight 1.
        """
        targets = targets[~targets.isnan().any(dim=1)]
        positives = targets.sum(dim=0)
        if self.loss == "bce":
            weight = (len(targets) - positives) / positives
        else:
            weight = len(targets) / (len(self.labels) * positives)
        return torch.where(positives > 0, weight, torch.ones_like(weight))

    def probabilities(self, logits: Tensor) -> Tensor:
        """Turn logits (B, C) into scores from 0 to 1."""
        return logits.sigmoid() if self.loss == "bce" else logits.softmax(dim=1)

    def decide(self, scores: Sequence[float], thresholds: Sequence[float]) -> list[str]:
        """Choose the labels: the best one ("ce"), or all above their threshold ("bce")."""
        if self.loss == "ce":
            return [self.labels[max(range(len(scores)), key=scores.__getitem__)]]
        triples = zip(self.labels, scores, thresholds, strict=True)
        return [label for label, score, threshold in triples if score > threshold]


def emotion_task(utterances: Iterable[Utterance], loss: Loss = "bce") -> Task:
    """Make the emotion task of the labels that training utterances have.

    Raises
    ------
    MienError
        Fewer than two emotions occur.
    """
    found = {e for u in utterances for e in u.emotions or ()}
    known = [e for e in EMOTIONS if e in found]
    return _task("emotion", known + sorted(found - set(known)), loss)


def person_task(utterances: Iterable[Utterance], loss: Loss = "ce") -> Task:
    """Make the person task of the persons in training utterances. Raises as `emotion_task`."""
    return _task("person", sorted({u.person for u in utterances if u.person}), loss)


def _task(name: TaskName, labels: list[str], loss: Loss) -> Task:
    if len(labels) < 2:
        have = f"only {labels[0]!r} occurs" if labels else "no utterance is labelled"
        raise MienError(f"the task {name!r} needs at least two labels; in the training part {have}")
    return Task(name=name, labels=tuple(labels), loss=loss)
