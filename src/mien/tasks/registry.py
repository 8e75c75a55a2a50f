"""The tasks that there are, by name."""

import difflib
import re
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, SerializeAsAny

from mien.errors import MienError
from mien.tasks.base import Task

TASKS: dict[str, type[Task]] = {}
"""Every registered task class by the name of its task."""

Kind = TypeVar("Kind", bound=Task)


def register_task(kind: type[Kind]) -> type[Kind]:
    """Make a task known by its name, as a class decorator.

    From then on ``mien train --task NAME`` learns it, alone or with others, and a run folder that
    names it can be opened.

    Raises
    ------
    ValueError
        The class has no name of its own, or one that another class has.
    """
    name = kind.model_fields["name"].default
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{kind.__name__} needs a name of small letters as default of its field")
    if name in TASKS:
        raise ValueError(f"there is a task {name!r} already: {TASKS[name].__name__}")
    TASKS[name] = kind
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
        if name not in TASKS:
            raise MienError(_unknown(name))
        if names.count(name) > 1:
            raise MienError(f"the task {name!r} is named twice in {text!r}: name it once")
    return [TASKS[name] for name in names]


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, TASKS, 1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    return f"there is no task {name!r}: {meant}choose from {', '.join(TASKS)}, with + between them"


def _of_its_class(value: Any) -> Any:
    """Make a task of its settings, by the class that is registered for its name."""
    if not isinstance(value, dict):
        return value
    name = value.get("name")
    if name not in TASKS:
        raise ValueError(f"the task {name!r} is not known here: {', '.join(TASKS)} are")
    return TASKS[name].model_validate(value)


AnyTask = Annotated[SerializeAsAny[Task], BeforeValidator(_of_its_class)]
"""A field for a task of any registered class."""
