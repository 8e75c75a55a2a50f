"""Run the jobs of a study, several at a time, and say how far they have come."""

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread

import torch

from mien.dataset.worker_pool import WorkerPool
from mien.errors import MienError, brief
from mien.progress import duration
from mien.studies.study import Job
from mien.threads import use_threads

logger = logging.getLogger(__name__)

Work = Callable[[Job], str]
"""Does one job and says in short how it went. It can be pickled."""


def run_jobs(jobs: Sequence[Job], work: Work, *, workers: int, total: int) -> None:
    """Do all jobs. One that fails does not keep the others from being done.

    Parameters
    ----------
    jobs : sequence of Job
        What is left to do.
    work : callable
        What a job is.
    workers : int
        Processes; with one the work is done in this process.
    total : int
        How many jobs there are together with those done before.

    Raises
    ------
    MienError
        Some failed; it says how many, and why the first did. Or the work was interrupted.
    """
    if 0 < len(jobs) < total:
        logger.info("%d of %d trainings were done before", total - len(jobs), total)
    began, failed = time.monotonic(), list[tuple[Job, Exception]]()
    try:
        for done, (job, result) in enumerate(_results(jobs, work, workers), 1):
            if isinstance(result, Exception):
                failed.append((job, result))
                result = f"failed: {_reason(result)}"
            left = (len(jobs) - done) * (time.monotonic() - began) / done
            rest = f", {duration(left)} left" if done < len(jobs) else ""
            logger.info("%s: %s (%d of %d%s)", job, result, total - len(jobs) + done, total, rest)
    except (KeyboardInterrupt, SystemExit) as interruption:
        raise MienError(
            "interrupted; what is done is kept: run the same command again to go on"
        ) from interruption
    if failed:
        job, error = failed[0]
        raise MienError(
            f"{len(failed)} of {total} trainings failed; {job}: {_reason(error)}. The others are"
            " kept: run the same command again to try these once more"
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, MienError):
        return error.message
    return f"unexpected {type(error).__name__}: {brief(error)}"


def _results(
    jobs: Sequence[Job], work: Work, workers: int
) -> Iterator[tuple[Job, str | Exception]]:
    workers = min(workers, len(jobs))
    if workers < 2:
        yield from ((job, _attempt(partial(work, job))) for job in jobs)
        return
    reader, writer = get_context("spawn").Pipe(duplex=False)
    begin = partial(_begin, reader, max(1, torch.get_num_threads() // workers))
    with writer, WorkerPool(workers, begin) as pool:
        running = {pool.submit(work, job): job for job in jobs}
        try:
            for future in as_completed(running):
                yield running[future], _attempt(future.result)
        except BaseException:
            writer.close()
            pool.shutdown(cancel_futures=True)
            raise


def _begin(parent: Connection, threads: int) -> None:
    """Set a process of the pool up, which ends when its parent closes the pipe or is killed."""
    use_threads(threads)

    def watch() -> None:
        parent.poll(None)  # nothing is ever sent
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _attempt(work: Callable[[], str]) -> str | Exception:
    """Do one job; give what it says or the error that ended it.

    Raises
    ------
    KeyboardInterrupt
        It was interrupted.
    MienError
        Its process was killed, and with it the pool.
    """
    try:
        return work()
    except BrokenProcessPool as error:
        raise MienError(
            "a process that trained was killed, perhaps for want of memory; what is done is kept:"
            " run the same command again to go on, with fewer trainings at a time",
            parameter="jobs",
        ) from error
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt | SystemExit):
            raise KeyboardInterrupt from error
        return error
