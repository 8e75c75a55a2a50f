"""Tensors in a file that knows its content: safetensors, with a digest of all of it in the header.

Content and digest are one file, so that a process killed at any moment leaves both or neither.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mien.errors import MienError
from mien.files import atomic_write

DIGEST = "sha256"
"""Name of the digest in the header."""


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors, and texts in the header, as safetensors, whole or not at all."""
    # copies, because safetensors takes no two tensors in the same memory
    ready = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    texts = dict(metadata or {})
    with atomic_write(path) as part:
        try:
            part.touch()
            mode = part.stat().st_mode  # as any new file's; safetensors' own is for the owner alone
            save_file(ready, part, texts | {DIGEST: digest(ready, texts)})
            part.chmod(mode)
        except SafetensorError as error:  # a full disk is one, too
            raise OSError(str(error)) from error


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read safetensors: the tensors, and the texts in the header.

    Of a file that another program wrote there is no digest to compare with.

    Raises
    ------
    MienError
        The file is missing or damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            texts = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, MemoryError) as error:
        raise _damaged(path, str(error) or type(error).__name__) from error
    known = texts.pop(DIGEST, None)
    if known is not None and known != digest(tensors, texts):
        raise _damaged(path, "other content than was written")
    return tensors, texts


def digest(tensors: Mapping[str, Tensor], texts: Mapping[str, str]) -> str:
    """Give the SHA-256 of names, types, shapes and numbers, and of texts."""
    total = hashlib.sha256(repr(sorted(texts.items())).encode())
    for name, tensor in sorted(tensors.items()):
        total.update(repr((name, str(tensor.dtype), tuple(tensor.shape))).encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """Name the tensors with a NaN or an infinity in them."""
    return [
        name
        for name, tensor in tensors.items()
        if tensor.is_floating_point() and not bool(tensor.isfinite().all())
    ]


def _damaged(path: Path, why: str) -> MienError:
    return MienError(f"{path} can't be read ({why}): copy it again, or train again")
