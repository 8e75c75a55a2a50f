"""A task in one file: whether an emotion is a pleasant one."""

from collections.abc import Iterable
from typing import Literal, Self

from mien.tasks import LabelTask, register_task
from mien.utterance import Utterance

PLEASANT = {"happy", "calm", "excited"}


@register_task
class PleasureTask(LabelTask):
    """Pleasant or not, by the emotions that the data have."""

    name: Literal["pleasure"] = "pleasure"

    @classmethod
    def from_training(cls, utterances: Iterable[Utterance], loss: str | None = None) -> Self:
        return cls.of(["pleasant", "unpleasant"], loss, True)

    def true_labels(self, utterance: Utterance) -> set[str] | None:
        if not utterance.emotions:
            return None
        return {"pleasant" if PLEASANT & set(utterance.emotions) else "unpleasant"}
