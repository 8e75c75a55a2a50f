"""The processes that torchrun has started for one training: which writes, and which reports."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count

import torch
from torch.distributed import (
    PrefixStore,
    broadcast_object_list,
    destroy_process_group,
    init_process_group,
    is_initialized,
    is_torchelastic_launched,
    rendezvous,
)

from mien.errors import MienError
from mien.training.config import TrainConfig
from mien.training.gather import processes, rank

PATIENCE = timedelta(hours=12)
"""How long a process waits for the others. One that ends is noticed at once; this is for a network
that falls silent, and longer than the first process writes or evaluates alone."""

_jobs = count()


def by_torchrun() -> bool:
    """Tell whether torchrun, or another launcher of its kind, has started this process."""
    return bool(is_torchelastic_launched())


def first() -> bool:
    """Tell whether this process writes the run folder and reports."""
    return not by_torchrun() or os.environ["RANK"] == "0"


def machines() -> tuple[int, int]:
    """Return the number of torchrun's processes on this machine, and the number of machines."""
    here = int(os.environ["LOCAL_WORLD_SIZE"])
    return here, int(os.environ["WORLD_SIZE"]) // here


def settled(config: TrainConfig, device: torch.device | None = None) -> TrainConfig:
    """Take the number of processes from torchrun, if that has started this one.

    Parameters
    ----------
    config : TrainConfig
        The settings that were asked for.
    device : torch.device, optional
        Where to compute (default: a GPU if there is one).

    Raises
    ------
    MienError
        Another number or another strategy was asked for, or there are not as many GPUs.
    """
    if by_torchrun():
        config = _of_torchrun(config)
    elif config.strategy == "ddp":
        raise MienError(
            "ddp trains in the processes of torchrun: start it with torchrun --nproc-per-node N"
            " -m mien train …, or choose ddp_spawn",
            parameter="strategy",
        )
    here = machines()[0] if by_torchrun() else config.devices
    cuda = torch.cuda.is_available() if device is None else device.type == "cuda"
    if cuda and here > torch.cuda.device_count():
        raise MienError(
            f"{here} processes on this machine need a GPU each, and it has"
            f" {torch.cuda.device_count()}: start fewer",
            parameter="devices",
        )
    return config


def _of_torchrun(config: TrainConfig) -> TrainConfig:
    """Give the settings the number of processes that torchrun has started."""
    world = int(os.environ["WORLD_SIZE"])
    if "devices" in config.model_fields_set and config.devices != world:
        raise MienError(
            f"torchrun has started {world} processes, not {config.devices}: leave this setting"
            " out, or have torchrun start as many; a run that is resumed needs as many as it"
            " began with",
            parameter="devices",
        )
    if config.strategy == "ddp_spawn":
        raise MienError(
            "ddp_spawn starts processes of its own: leave it out under torchrun",
            parameter="strategy",
        )
    return config.model_copy(update={"devices": world})


@contextmanager
def joined() -> Iterator[None]:
    """Bring the processes of torchrun together; without torchrun, or once more, do nothing.

    Whatever ends one process ends all of them soon, since its connections close. The first that
    fails raises its error; the others, whose errors follow from that one, exit with status 1.
    """
    if not by_torchrun() or is_initialized():
        yield
        return
    store, number, world = next(rendezvous("env://"))
    store = PrefixStore(f"mien/{next(_jobs)}", store)
    kinds = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    init_process_group(kinds, store=store, rank=number, world_size=world, timeout=PATIENCE)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
        destroy_process_group()
    except SystemExit:
        raise
    except BaseException as error:
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, signal.SIG_IGN)  # it ends anyway
        if store.compare_set("failed", "", str(number)) != str(number).encode():
            raise SystemExit(1) from error
        raise
    finally:
        if signal.getsignal(signal.SIGTERM) is signal.default_int_handler:
            signal.signal(signal.SIGTERM, before)


def on_first(work: Callable[[], object]) -> None:
    """Do work in the first process alone; the others wait for it.

    Raises
    ------
    SystemExit
        In the others where the work has failed; the first raises its error itself.
    """
    failure: BaseException | None = None
    if rank() == 0:
        try:
            work()
        except BaseException as error:
            failure = error
    if processes() > 1:
        failed = [failure is not None]
        broadcast_object_list(failed, src=0)
        if failed[0] and failure is None:
            raise SystemExit(1)
    if failure is not None:
        raise failure
