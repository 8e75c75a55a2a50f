"""Processes that work for a command, and leave without a word when it is interrupted."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any


class Workers(ProcessPoolExecutor):
    """A pool of spawned processes; forking one that has threads, as PyTorch's, can hang it.

    Ctrl-C reaches every process of a terminal. One that is still importing its modules would tell
    so with a traceback; these leave it waiting until they have begun, and are gone then.

    Parameters
    ----------
    count : int
        Processes.
    start : callable
        What each of them does first.
    """

    def __init__(self, count: int, start: Callable[[], None]) -> None:
        context = multiprocessing.get_context("spawn")
        super().__init__(count, mp_context=context, initializer=_begin, initargs=(start,))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a process call a function; starts one where all are at work."""
        with _interrupts_held():
            return super().submit(fn, *args, **kwargs)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait, in processes started meanwhile until they say otherwise."""
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
