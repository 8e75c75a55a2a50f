"""The thresholds of a run's labels, from thresholds.json."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.tasks import Task


def thresholds_of(task: Task, content: Mapping[str, Any], path: Path) -> list[float]:
    """Return the thresholds of a task's labels in their order, 0.5 for all if there are none.

    Parameters
    ----------
    task : Task
        The task.
    content : mapping
        The content of the file: the threshold of each label, for each task.
    path : Path
        The file, for messages.

    Raises
    ------
    MienError
        The file does not fit the labels, or one of its thresholds is not from 0 to 1.
    """
    if task.name not in content:
        return [0.5] * len(task.labels)
    try:
        found = [content[task.name][label] for label in task.labels]
    except (KeyError, TypeError) as error:
        raise MienError(
            f"{path} does not fit the labels of {task.name!r} ({error!r}): copy it again"
        ) from error
    for label, value in zip(task.labels, found, strict=True):
        if type(value) not in (int, float) or not 0 <= value <= 1:
            raise MienError(
                f"{path} is damaged: the threshold of {label!r} must be from 0 to 1,"
                f" not {str(value)[:20]}: copy it again"
            )
    return [float(value) for value in found]
