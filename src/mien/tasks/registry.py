"""The tasks that there are, by name."""

import re
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, SerializeAsAny

from mien.errors import MienError
from mien.registry import Registry
from mien.tasks.base import Task

TASKS: Registry[type[Task]] = Registry("task")
"""Every registered task class by the name of its task."""

Kind = TypeVar("Kind", bound=Task)


def register_task(kind: type[Kind]) -> type[Kind]:
    """Make a task known by its name, as a class decorator.

    From then on ``mien train --task NAME`` learns it, alone or with others, and a run folder that
    names it can be opened.

    Raises
    ------
    ValueError
        The class has no name of its own.
    MienError
        Another class has the name.
    """
    name = kind.model_fields["name"].default
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{kind.__name__} needs a name of small letters as default of its field")
    TASKS.register(name, kind)
    return kind


def parse_tasks(text: str) -> list[type[Task]]:
    """Read the names of tasks, with a plus sign between them.

    Raises
    ------
    MienError
        A name is unknown, or stands there twice.

    Examples
    --------
    >>> [kind.__name__ for kind in parse_tasks("emotion+person")]
    ['EmotionTask', 'PersonTask']
    """
    names = [name.strip() for name in text.split("+")]
    for name in names:
        if names.count(name) > 1:
            raise MienError(f"the task {name!r} is named twice in {text!r}: name it once")
    return [TASKS[name] for name in names]


def _of_its_class(value: Any) -> Any:
    """Make a task of its settings, by the class that is registered for its name."""
    if not isinstance(value, dict):
        return value
    try:
        kind = TASKS[str(value.get("name"))]
    except MienError as error:
        raise ValueError(error.message) from error
    return kind.model_validate(value)


AnyTask = Annotated[SerializeAsAny[Task], BeforeValidator(_of_its_class)]
"""A field for a task of any registered class."""
