"""Worker processes that predict, each with a model of its own; any may die on a clip."""

import logging
import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from multiprocessing.connection import Pipe, wait
from multiprocessing.process import BaseProcess
from types import TracebackType

from mien.dataset.worker_pool import interrupts_held
from mien.errors import MienError
from mien.inference.prediction_worker import (
    Begun,
    Done,
    Message,
    NumberedClip,
    Opener,
    Order,
    Ready,
    Refused,
    Said,
    failed,
    run_worker,
)

logger = logging.getLogger(__name__)

Group = list[NumberedClip]
"""Clips whose segments are computed together."""


class _Worker:
    """A worker process, as it is seen from outside."""

    def __init__(self, opener: Opener, threads: int) -> None:
        self.connection, theirs = Pipe()
        self.ready: Ready | None = None
        self.owed: dict[int, NumberedClip] = {}
        self.begun: Begun | None = None
        self.began = 0.0
        # Ctrl-C is for the process that writes the results, which ends the others
        with interrupts_held():
            self.process: BaseProcess = multiprocessing.get_context("spawn").Process(
                target=run_worker, args=(theirs, opener, threads), daemon=True
            )
            self.process.start()
        theirs.close()

    def give(self, group: Group, batch_size: int) -> None:
        """Send clips; one that is lost because the process has died is still owed."""
        self.owed |= {item.number: item for item in group}
        with suppress(OSError):
            self.connection.send(Order(group, batch_size))

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()

    def why_dead(self) -> str:
        """Say why the process ended."""
        self.process.join(5)
        code = self.process.exitcode
        if self.begun is not None and time.monotonic() - self.began >= self.begun.limit:
            return f"it takes longer than {self.begun.limit:.0f} s"
        if code is not None and code < 0:
            memory = ", for want of memory perhaps" if -code == signal.SIGKILL else ""
            return f"the process that predicted it was killed (signal {-code}{memory})"
        return f"the process that predicted it ended (status {code})"


class WorkerTeam:
    """Worker processes that predict, within `with`.

    A clip at which a process dies, or that takes too long, fails; another process takes over.

    Parameters
    ----------
    opener : callable
        Loads the model in each process.
    count : int
        Processes.
    threads : int
        Compute threads of each.
    """

    def __init__(self, opener: Opener, count: int, threads: int = 1) -> None:
        self.opener, self.count, self.threads = opener, count, threads
        self._workers: list[_Worker] = []
        self._said: set[str] = set()

    def __enter__(self) -> "WorkerTeam":
        for _ in range(self.count):
            self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.end()

    def _start(self) -> None:
        self._workers.append(_Worker(self.opener, self.threads))

    def _heard(self) -> list[_Worker]:
        """Wait for processes that have sent something, or have ended."""
        heard = {*wait([worker.connection for worker in self._workers])}
        return [worker for worker in self._workers if worker.connection in heard]

    def ready(self) -> Ready:
        """Wait until a process has loaded the model.

        Raises
        ------
        MienError
            It can't be loaded.
        """
        while True:
            for worker in self._workers:
                if worker.ready is not None:
                    return worker.ready
            for worker in self._heard():
                self._receive(worker)

    def predict(self, groups: Iterator[Group], size: int) -> Iterator[Done]:
        """Predict for groups of clips.

        A process has two groups at most, so few clips are on their way.

        Parameters
        ----------
        groups : iterator of Group
            The clips, in groups of at most `size`: those whose numbers, divided by `size`, have the
            same whole part.
        size : int
            Segments computed together.

        Yields
        ------
        Done
            As soon as a clip is done, in any order.

        Raises
        ------
        MienError
            A process ends before it has begun with a clip.
        """
        again: deque[Group] = deque()
        more = True
        while True:
            for worker in self._workers:
                while worker.ready is not None and len(worker.owed) <= size:
                    group = again.popleft() if again else next(groups, None)
                    if group is None:
                        more = False
                        break
                    worker.give(group, size)
            if not (more or again or any(worker.owed for worker in self._workers)):
                return
            for worker in self._heard():
                done = self._receive(worker)
                if done is None:
                    continue
                if worker.owed.pop(done.number, None) is not None:
                    yield done
                if worker not in self._workers:
                    left = groupby(worker.owed.values(), lambda item: item.number // size)
                    again.extend([*group] for _, group in left)
                    self._start()

    def _receive(self, worker: _Worker) -> Done | None:
        """Take a message; if the process has died instead, the clip it had begun fails."""
        try:
            message: Message = worker.connection.recv()
        except (EOFError, OSError):
            return self._buried(worker)
        if isinstance(message, Refused):
            raise MienError(message.message, parameter=message.parameter)
        if isinstance(message, Ready):
            worker.ready = message
        elif isinstance(message, Begun):
            worker.begun, worker.began = message, time.monotonic()
        elif isinstance(message, Said) and message.text not in self._said:
            self._said.add(message.text)
            logger.log(message.level, "%s", message.text)
        return message if isinstance(message, Done) else None

    def _buried(self, worker: _Worker) -> Done:
        """Remove a process that has died, and say which clip it fails."""
        self._workers.remove(worker)
        why = worker.why_dead()
        worker.end()
        if worker.ready is None:
            raise MienError(
                f"a worker process ended while it loaded the model ({why}): use fewer, so that each"
                " has enough memory",
                parameter="workers",
            )
        begun = worker.begun.number if worker.begun is not None else None
        at = begun if begun in worker.owed else next(iter(worker.owed), None)
        if at is None:
            raise MienError(f"a worker process ended while it had nothing to do ({why})")
        return failed(worker.owed[at], why)
