"""Who the person is."""

from collections.abc import Iterable

from mien.tasks.base import Loss, Task, label_task
from mien.utterance import Utterance


def person_task(utterances: Iterable[Utterance], loss: Loss = "ce") -> Task:
    """Make the person task of the persons in training utterances. Raises as `emotion_task`."""
    return label_task("person", sorted({u.person for u in utterances if u.person}), loss, True)
