"""How the person feels: one label or several."""

from collections.abc import Iterable

from mien.tasks.base import Loss, Task, label_task
from mien.utterance import EMOTIONS, Utterance


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
    return label_task("emotion", known + sorted(found - set(known)), loss, single)
