"""The person task: speaker identification."""

from collections.abc import Iterable
from typing import ClassVar, Literal, Self

from mien.tasks.labels import LabelTask
from mien.tasks.registry import register_task
from mien.utterance import Utterance


@register_task
class PersonTask(LabelTask):
    """Which of the speakers of the training split speaks."""

    losses: ClassVar[tuple[str, ...]] = ("ce", "bce", "l1", "mse")
    identifies_speakers: ClassVar[bool] = True

    name: Literal["person"] = "person"

    @classmethod
    def from_training(cls, utterances: Iterable[Utterance], loss: str | None = None) -> Self:
        """Build the task of the speakers that occur. Raises `MienError` for fewer than two."""
        return cls.of(sorted({u.person for u in utterances if u.person}), loss, True)

    def true_labels(self, utterance: Utterance) -> set[str] | None:
        """Return the speaker, None if it is not one of the labels."""
        return {utterance.person} if utterance.person in self.labels else None
