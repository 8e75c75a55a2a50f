"""Read tensors from untrusted files as NumPy arrays, without running anything in them."""

import math
import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.errors import MienError
from mien.safe_pickle.plain_data import Refused

if TYPE_CHECKING:
    from torch import TypedStorage

_BEFORE_ZIP = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_ZIP = b"PK\x03\x04"


def saved_by_torch(beginning: bytes) -> bool:
    """Tell by the first bytes whether ``torch.save`` wrote a file, in its old or its zip format."""
    return beginning.startswith((_BEFORE_ZIP, _ZIP))


def load_saved(file: Path | BytesIO) -> Any:
    """Read a file that ``torch.save`` wrote with PyTorch's loader of weights, which runs nothing.

    Raises
    ------
    Refused
        The file contains something else than tensors and plain data.
    """
    import torch

    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except RuntimeError as error:
        raise MienError(f"damaged ({str(error).splitlines()[0]})") from error
    except Exception as error:
        # PyTorch's own message advises to read the file unsafely.
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        if named is None:
            raise MienError(f"is not plain data ({type(error).__name__})") from None
        raise Refused(named[1]) from None


def to_arrays(value: Any) -> Any:
    """Convert the tensors in lists, tuples and dicts to arrays."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.detach().numpy()
    if isinstance(value, dict):
        return {key: to_arrays(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(to_arrays, value))
    return value


def read_storage(content: bytes) -> "TypedStorage":
    """Read the storage of a tensor, which a pickle contains as a file within the file."""
    import torch

    numbers = load_saved(BytesIO(content))
    if not isinstance(numbers, torch.TypedStorage):
        raise MienError("has a tensor without its storage")
    return numbers


def view_tensor(
    numbers: "TypedStorage", offset: int, size: Sequence[int], stride: Sequence[int]
) -> np.ndarray:
    """Make an array of a tensor's storage.

    Raises
    ------
    MienError
        The tensor exceeds its storage.
    """
    import torch

    flat = torch.empty(0, dtype=numbers.dtype).set_(numbers).numpy()
    if not all(type(n) is int and n >= 0 for n in (offset, *size, *stride)):
        raise MienError("has a tensor of an invalid size")
    count = math.prod(int(n) for n in size)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if count > len(flat) or (count and last >= len(flat)):
        raise MienError("has a tensor that exceeds its storage")
    steps = [step * flat.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(flat[offset:], tuple(size), steps).copy()
