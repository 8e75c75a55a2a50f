"""Read YAML files of plain settings, which may be malicious."""

import math
from pathlib import Path
from typing import Any

import yaml

from mien.errors import MienError, brief
from mien.files import read_small

MAX_BYTES = 1_000_000
"""Largest file of settings, bytes."""

MAX_DEPTH = 50
"""Deepest nesting that is read; settings have three levels."""


class _Loader(yaml.SafeLoader):
    """Loads plain values only: no anchors, no duplicate keys.

    Dates are read as text, since no setting is a date and not every date that YAML matches exists.
    """

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if getattr(event, "anchor", None) is not None:
            raise yaml.YAMLError(f"line {event.start_mark.line + 1}: anchors are not read")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.YAMLError("it is nested too deeply")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            line = node.start_mark.line + 1
            raise yaml.YAMLError(f"a key is given twice in the section that begins at line {line}")
        return mapping

    def construct_yaml_float(self, node: Any) -> float:
        number: float = super().construct_yaml_float(node)
        if not math.isfinite(number):
            raise yaml.YAMLError(f"line {node.start_mark.line + 1}: a number that is not finite")
        return number


_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_yaml_float)
_Loader.yaml_constructors["tag:yaml.org,2002:timestamp"] = yaml.SafeLoader.construct_yaml_str


def read_yaml(path: Path) -> Any:
    """Read a file of settings: plain values without anchors.

    Raises
    ------
    MienError
        The file is missing, damaged, too large or too deep, or has anchors, duplicate keys or a
        number that is not finite.

    Examples
    --------
    >>> read_yaml(Path("recipe.yaml"))  # doctest: +SKIP
    {'model': {'width': 0.5}, 'training': {'lr': 0.001}}
    """
    try:
        loader = _Loader(read_small(path, MAX_BYTES))
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except OSError as error:
        raise MienError(f"{path} can't be read ({error.strerror or error})") from error
    except RecursionError as error:
        raise MienError(f"{path} is damaged: it is nested too deeply") from error
    # a scalar that only looks like a number can raise almost anything
    except (
        yaml.YAMLError,
        ValueError,
        TypeError,
        ArithmeticError,
        MemoryError,
        LookupError,
    ) as error:
        raise MienError(f"{path} is damaged: {brief(error)}") from error
