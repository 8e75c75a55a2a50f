"""Bring together what each process of a job has computed of its share of a batch."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.distributed import (
    all_gather,
    all_gather_object,
    get_rank,
    get_world_size,
    is_available,
    is_initialized,
)

from mien.batch import Batch
from mien.models import Output


def processes() -> int:
    """Return the number of processes that train together."""
    return get_world_size() if is_available() and is_initialized() else 1


def rank() -> int:
    """Return which of them this is, from 0."""
    return get_rank() if processes() > 1 else 0


def gather(own: Any) -> list[Any]:
    """Return what each process has, in every one of them; no tensor's gradient passes."""
    if processes() == 1:
        return [own]
    shares: list[Any] = [None] * processes()
    all_gather_object(shares, own)
    return shares


def gather_sizes(own: int, device: torch.device) -> list[int]:
    """Return the number of utterances in each process's share of a batch."""
    if processes() == 1:
        return [own]
    size = torch.tensor([own], device=device)
    sizes = [torch.empty_like(size) for _ in range(processes())]
    all_gather(sizes, size)
    return [int(size) for size in sizes]


def gather_batch(output: Output, batch: Batch, sizes: Sequence[int]) -> tuple[Output, Batch]:
    """Return a model's output, and the batch with its targets, for all shares together.

    A loss of these is the same in each process, and is the one that a single process would compute:
    whatever the loss, shares of different size or with different numbers of known targets need no
    weights. Its gradient is right once DDP has averaged it over the processes.

    Parameters
    ----------
    output, batch
        Of this process's share (`mien.dataset.batch_sampler.BucketSampler`).
    sizes : sequence of int
        Number of utterances in each share; tensors of a process with 0 are ignored.
    """
    if processes() == 1:
        return output, batch
    names = ("logits", "modality_logits", "present", "embedding", "modality_embeddings")
    own = {name: getattr(output, name) for name in names} | {"targets": batch.targets}
    whole = _gathered(own, sizes)
    return replace(output, **{n: whole[n] for n in names}), replace(batch, targets=whole["targets"])


def _gathered(own: Any, sizes: Sequence[int]) -> Any:
    """Gather nested tensors (n, ...) in one go."""
    leaves: list[Tensor] = []
    _map(own, leaves.append)
    exact = reduce(torch.promote_types, (leaf.dtype for leaf in leaves), torch.float32)
    columns = [leaf[: sizes[rank()]].to(exact) for leaf in map(_matrix, leaves)]
    rows: Tensor = _Rows.apply(torch.cat(columns, dim=1), list(sizes))
    parts = iter(rows.split([column.shape[1] for column in columns], dim=1))

    def put(leaf: Tensor) -> Tensor:
        return next(parts).reshape(-1, *leaf.shape[1:]).to(leaf.dtype)

    return _map(own, put)


def _matrix(leaf: Tensor) -> Tensor:
    """Lay a tensor (n, ...) out as (n, columns)."""
    return leaf[:, None] if leaf.dim() == 1 else leaf.flatten(1)


def _map(value: Any, change: Callable[[Tensor], Any]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    return {name: _map(part, change) for name, part in value.items()}


class _Rows(torch.autograd.Function):
    """The rows of all processes, in the order of the whole batch; row i is of process i modulo n.

    Each process computes the same loss from them, so the gradient of its own rows is known without
    asking the others: their number times what it finds, since DDP takes the mean.
    """

    @staticmethod
    def forward(ctx: Any, own: Tensor, sizes: list[int]) -> Tensor:
        padded = own.new_zeros(max(sizes), own.shape[1])
        padded[: len(own)] = own
        shares = [torch.empty_like(padded) for _ in sizes]
        all_gather(shares, padded)
        return torch.stack(shares, dim=1).flatten(0, 1)[: sum(sizes)]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0][rank() :: processes()] * processes(), None
