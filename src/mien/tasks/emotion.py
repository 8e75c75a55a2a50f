"""The emotion task: one label or several."""

from collections.abc import Iterable, Mapping
from typing import Literal, Self

from pydantic import Field

from mien.errors import MienError, did_you_mean
from mien.tasks.labels import LabelTask
from mien.tasks.registry import register_task
from mien.utterance import EMOTIONS, Utterance


@register_task
class EmotionTask(LabelTask):
    """The emotion of the speaker.

    Parameters
    ----------
    mapping : dict of str to str
        Emotions that count as another one: each with that other one.

    Examples
    --------
    >>> task = EmotionTask(labels=("happy", "sad"), loss="bce")
    >>> task.target(Utterance(id="1", corpus="own", emotions=("sad",)))
    tensor([0., 1.])
    >>> merged = EmotionTask(labels=("happy", "sad"), loss="ce", mapping={"excited": "happy"})
    >>> merged.target(Utterance(id="1", corpus="own", emotions=("excited",)))
    tensor([1., 0.])
    """

    name: Literal["emotion"] = "emotion"
    mapping: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def from_training(
        cls,
        utterances: Iterable[Utterance],
        loss: str | None = None,
        mapping: Mapping[str, str] | None = None,
    ) -> Self:
        """Build the task of the emotions that occur.

        Raises
        ------
        MienError
            There are fewer than two, or none of an emotion in the mapping.
        """
        recorded = [set(u.emotions) for u in utterances if u.emotions is not None]
        every, others = set[str]().union(*recorded), dict(mapping or {})
        if absent := [emotion for emotion in others if emotion not in every]:
            raise MienError(
                f"no training utterance is {absent[0]!r}{did_you_mean(absent[0], every)}; they are"
                f" {', '.join(sorted(every))}",
                parameter="map",
            )
        labelled = [_mapped(emotions, others) for emotions in recorded]
        found = set[str]().union(*labelled)
        known = [emotion for emotion in EMOTIONS if emotion in found]
        single = all(len(emotions) == 1 for emotions in labelled)
        task = cls.of(known + sorted(found - set(known)), loss, single)
        return task.model_copy(update={"mapping": others})

    def true_labels(self, utterance: Utterance) -> set[str] | None:
        """Return the emotions, None if the utterance is not labelled."""
        return None if utterance.emotions is None else _mapped(utterance.emotions, self.mapping)


def _mapped(emotions: Iterable[str], mapping: Mapping[str, str]) -> set[str]:
    return {mapping.get(emotion, emotion) for emotion in emotions}
