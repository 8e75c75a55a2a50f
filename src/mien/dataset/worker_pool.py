"""Worker processes that exit silently when a command is interrupted."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any


class WorkerPool(ProcessPoolExecutor):
    """A pool of spawned processes; forking a process with threads, as PyTorch has, can deadlock.

    Ctrl-C reaches every process of a terminal. A process that is still importing its modules would
    print a traceback; here the signal is blocked until the process has started, which then exits.

    Parameters
    ----------
    count : int
        Processes.
    start : callable
        Called first in each process.
    """

    def __init__(self, count: int, start: Callable[[], None]) -> None:
        context = multiprocessing.get_context("spawn")
        super().__init__(count, mp_context=context, initializer=_begin, initargs=(start,))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a function in a process; starts a process if all are busy."""
        with interrupts_held():
            return super().submit(fn, *args, **kwargs)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Block Ctrl-C, also in processes started meanwhile, until they unblock it."""
    resource_tracker.ensure_running()  # which would undo the next line
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(start: Callable[[], None]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    start()
