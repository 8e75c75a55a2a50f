"""YAML files of plain settings: those of mien, and of others who may have made them to do harm."""

import math
from pathlib import Path
from typing import Any

import yaml

from mien.errors import MienError, brief
from mien.files import read_small

LARGEST = 1_000_000
"""Bytes of a file beyond which it holds no settings."""

DEEPEST = 50
"""Lists within lists; settings have three."""


class _Loader(yaml.SafeLoader):
    """Plain values alone, each of which stands in the file: no anchors, no key twice.

    Dates are texts, since no setting is one and not every date that YAML sees exists.
    """

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if getattr(event, "anchor", None) is not None:
            raise yaml.YAMLError(f"line {event.start_mark.line + 1}: anchors are not read")
        self.depth += 1
        if self.depth > DEEPEST:
            raise yaml.YAMLError("lists within lists without end")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            line = node.start_mark.line + 1
            raise yaml.YAMLError(f"a key stands twice in the section that begins at line {line}")
        return mapping

    def construct_yaml_float(self, node: Any) -> float:
        number: float = super().construct_yaml_float(node)
        if not math.isfinite(number):
            raise yaml.YAMLError(f"line {node.start_mark.line + 1}: no finite number")
        return number


_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_yaml_float)
_Loader.yaml_constructors["tag:yaml.org,2002:timestamp"] = yaml.SafeLoader.construct_yaml_str


def read_yaml(path: Path) -> Any:
    """Read a file of settings: plain values, nothing repeated by reference.

    Raises
    ------
    MienError
        The file is missing, damaged, too large or too deep, or has anchors, a key twice, a number
        that is none.

    Examples
    --------
    >>> read_yaml(Path("recipe.yaml"))  # doctest: +SKIP
    {'model': {'width': 0.5}, 'training': {'lr': 0.001}}
    """
    try:
        loader = _Loader(read_small(path, LARGEST))
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except OSError as error:
        raise MienError(f"{path} can't be read ({error.strerror or error})") from error
    except RecursionError as error:
        raise MienError(f"{path} is damaged: lists within lists without end") from error
    # a scalar that looks like a number and is none can trip over anything
    except (
        yaml.YAMLError,
        ValueError,
        TypeError,
        ArithmeticError,
        MemoryError,
        LookupError,
    ) as error:
        raise MienError(f"{path} is damaged: {brief(error)}") from error
