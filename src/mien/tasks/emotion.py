"""The emotion task: one label or several."""

from collections.abc import Iterable
from typing import Literal, Self

from mien.tasks.labels import LabelTask
from mien.tasks.registry import register_task
from mien.utterance import EMOTIONS, Utterance


@register_task
class EmotionTask(LabelTask):
    """The emotion of the speaker.

    Examples
    --------
    >>> task = EmotionTask(labels=("happy", "sad"), loss="bce")
    >>> task.target(Utterance(id="1", corpus="own", emotions=("sad",)))
    tensor([0., 1.])
    """

    name: Literal["emotion"] = "emotion"

    @classmethod
    def from_training(cls, utterances: Iterable[Utterance], loss: str | None = None) -> Self:
        """Build the task of the emotions that occur. Raises `MienError` for fewer than two."""
        labelled = [set(u.emotions) for u in utterances if u.emotions is not None]
        found = set().union(*labelled)
        known = [emotion for emotion in EMOTIONS if emotion in found]
        single = all(len(emotions) == 1 for emotions in labelled)
        return cls.of(known + sorted(found - set(known)), loss, single)

    def true_labels(self, utterance: Utterance) -> set[str] | None:
        """Return the emotions, None if the utterance is not labelled."""
        return None if utterance.emotions is None else set(utterance.emotions)
