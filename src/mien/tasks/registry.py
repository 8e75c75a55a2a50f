"""The registry of tasks by name."""

import re
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, SerializeAsAny

from mien.errors import MienError
from mien.registry import Registry
from mien.tasks.base import Task

TASKS: Registry[type[Task]] = Registry("task")
"""The registered task classes by the names of their tasks."""

Kind = TypeVar("Kind", bound=Task)


def register_task(kind: type[Kind]) -> type[Kind]:
    """Register a task under its name; usable as a class decorator.

    A registered task can be trained with ``mien train --task NAME``, alone or with others, and run
    folders that name it can be opened.

    Raises
    ------
    ValueError
        The class gives its field `name` no default.
    MienError
        Another class has the same name.
    """
    name = kind.model_fields["name"].default
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{kind.__name__} needs a lower-case name as the default of its field")
    TASKS.register(name, kind)
    return kind


def parse_tasks(text: str) -> list[type[Task]]:
    """Parse names of tasks that are joined by plus signs.

    Raises
    ------
    MienError
        A name is unknown, or occurs twice.

    Examples
    --------
    >>> [kind.__name__ for kind in parse_tasks("emotion+person")]
    ['EmotionTask', 'PersonTask']
    """
    names = [name.strip() for name in text.split("+")]
    for name in names:
        if names.count(name) > 1:
            raise MienError(f"{text!r} names the task {name!r} twice: name it once")
    return [TASKS[name] for name in names]


def _of_its_class(value: Any) -> Any:
    """Build a task from its settings, with the class that is registered for its name."""
    if not isinstance(value, dict):
        return value
    try:
        kind = TASKS[str(value.get("name"))]
    except MienError as error:
        raise ValueError(error.message) from error
    return kind.model_validate(value)


AnyTask = Annotated[SerializeAsAny[Task], BeforeValidator(_of_its_class)]
"""Type of a field that holds a task of any registered class."""
