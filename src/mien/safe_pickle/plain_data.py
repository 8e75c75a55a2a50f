"""Check that the content of a pickle is plain data, and no more than the file can hold."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np

from mien.errors import MienError

_CONTAINERS = {list, tuple, dict, set, frozenset, np.ndarray}
_PLAIN = _CONTAINERS | {type(None), bool, int, float, complex, str, bytes, bytearray}
_KEYS = {type(None), bool, int, float, complex, str, bytes}
_MAX_DEPTH = 50  # nested containers; the data of the corpora have three levels
_MAX_BITS = 4096  # of an integer
_MAX_REPEATS = 100  # mean number of references to each byte of an honest pickle


class Refused(MienError):
    """A file contains something that is not plain data; the error names it."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"refused, since it names {name}: only plain containers, strings, numbers and arrays"
            " are read. Nothing of it has run; don't open it with pickle unless you know its author"
        )


def check_plain(value: Any, size: int) -> Any:
    """Return the value if it is plain data, and no larger than a file of `size` bytes can hold.

    Raises
    ------
    MienError
        It is not.
    """
    counts: dict[int, int] = {}
    begun: set[int] = set()

    def count(item: Any, depth: int) -> int:
        kind = type(item)
        if kind not in _PLAIN and not isinstance(item, np.generic):
            raise Refused(f"a {kind.__name__}")
        if kind is int and item.bit_length() > _MAX_BITS:
            raise MienError(f"has a number of {item.bit_length()} bits")
        if kind not in _CONTAINERS:
            return 1
        if id(item) in counts:
            return counts[id(item)]
        if id(item) in begun or depth == _MAX_DEPTH:
            raise MienError("refused, since it is nested too deeply or contains itself")
        begun.add(id(item))
        total = 1 + sum(count(element, depth + 1) for element in _items(item))
        if total > _MAX_REPEATS * (size + _MAX_REPEATS):
            raise MienError("refused, since its content is far larger than the file")
        counts[id(item)] = total
        return total

    count(value, 0)
    return value


def _items(item: Any) -> Iterable[Any]:
    """Return the items of a container."""
    if isinstance(item, np.ndarray):
        return item.ravel().tolist() if item.dtype.kind == "O" else ()
    return chain(item, item.values()) if isinstance(item, dict) else item


def check_keys(keys: Iterable[Any]) -> None:
    """Refuse keys but plain values and tuples of these: deep tuples take too long to hash."""
    for key in keys:
        for element in key if type(key) is tuple else (key,):
            if type(element) not in _KEYS and not isinstance(element, np.generic):
                raise MienError(f"refused, since it has a {type(element).__name__} in a key")
