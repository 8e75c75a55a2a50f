"""How positive or negative an utterance is, as a number."""

from mien.errors import MienError
from mien.tasks.base import Loss, Task


def sentiment_task(loss: Loss = "l1") -> Task:
    """Make the sentiment task.

    Raises
    ------
    MienError
        The loss is one of labels.
    """
    if loss not in ("l1", "mse"):
        raise MienError(f"sentiment is a number, which {loss!r} can't judge: give --loss l1 or mse")
    return Task(name="sentiment", labels=("sentiment",), loss=loss)
