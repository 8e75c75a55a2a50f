"""Training stops as soon as a number in it is no longer finite, and says where that was."""

import re
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor
from torch.distributed import all_reduce
from torch.nn.utils import get_total_norm

from mien.errors import MienError
from mien.models.presets import setting_names
from mien.training.config import TrainConfig
from mien.training.gather import gather, processes

NAMED = 16
"""Utterances that a message names, at most."""


class NotFiniteError(MienError):
    """A loss, a gradient, a score or a weight is NaN or infinite."""


def check_step(where: str, loss: Tensor, parameters: Iterable[Tensor], ids: Sequence[str]) -> None:
    """Refuse a step whose loss or gradient is not finite; to be called before the weights change.

    In a job of several processes all of them raise together, with the same message: one that
    stopped alone would leave the others waiting for ever.

    Parameters
    ----------
    where : str
        The epoch and the batch.
    loss : Tensor ()
        Of the whole batch.
    parameters : iterable of Tensor
        Those that learn.
    ids : sequence of str
        The utterances of this process's share of the batch.

    Raises
    ------
    NotFiniteError
        One of the processes has a loss or a gradient that is not finite.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    broken = ~torch.stack(
        [loss.detach().float(), get_total_norm(gradients).to(loss.device)]
    ).isfinite()
    if processes() > 1:
        together = broken.any().float()
        all_reduce(together)
        if not together:
            return
    elif not broken.any():
        return
    what = f"loss is {loss.item()}" if broken[0] else "gradient is not finite"
    everybody = [name for share in gather(list(ids)) for name in share]
    raise NotFiniteError(f"{where}: the {what}; {named(everybody)}")


def check_weights(where: str, state: Mapping[str, Tensor]) -> None:
    """Refuse weights that are not finite. Raises `NotFiniteError`."""
    for name, tensor in state.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise NotFiniteError(f"{where}: the weights {name} are not finite")


def named(ids: Iterable[str]) -> str:
    """List utterances for a message, the first ones where they are many."""
    known = list(dict.fromkeys(ids))
    more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
    return f"utterances {', '.join(known[:NAMED])}{more}"


def error_of(child: str) -> MienError | None:
    r"""Give the error for users that ended a process of a job, None where it was another one.

    Parameters
    ----------
    child : str
        The text of its traceback, which is all that such a process leaves. One that loads data
        for another one leaves a traceback within the other's.

    Examples
    --------
    >>> error_of("Traceback …\nmien.errors.MienError: fold: there is none").parameter
    'fold'
    """
    kinds = {kind.__name__: kind for kind in (MienError, NotFiniteError)}
    heads = list(re.finditer(r"^mien(?:\.\w+)+\.(\w+): ", child, re.MULTILINE))
    message = child[heads[-1].end() :].strip() if heads else ""
    if not message or heads[-1][1] not in kinds or "\nTraceback " in message:
        return None
    kind = kinds[heads[-1][1]]
    name, _, rest = message.partition(": ")
    if rest and name in {*TrainConfig.model_fields, *setting_names()}:
        return kind(rest, parameter=name)
    return kind(message)
