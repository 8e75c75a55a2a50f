"""Run the jobs of a study, several at a time, and say how far they have come."""

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from threading import Thread

from mien.errors import MienError
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
        Some failed; it says how many, and why the first did.
    """
    began, failed = time.monotonic(), list[tuple[Job, MienError]]()
    for done, (job, result) in enumerate(_results(jobs, work, workers), 1):
        left = (len(jobs) - done) * (time.monotonic() - began) / done
        if isinstance(result, MienError):
            failed.append((job, result))
            result = f"failed: {result.message}"
        logger.info(
            "%s: %s (%d of %d, %s left)",
            *(job, result, total - len(jobs) + done, total, duration(left)),
        )
    if failed:
        job, error = failed[0]
        raise MienError(
            f"{len(failed)} of {total} trainings failed; {job}: {error.message}. The others are"
            " kept: run the same command again to try these once more"
        )


def _results(
    jobs: Sequence[Job], work: Work, workers: int
) -> Iterator[tuple[Job, str | MienError]]:
    if workers == 1 or len(jobs) == 1:
        yield from ((job, _attempt(work, job)) for job in jobs)
        return
    spawn = get_context("spawn")
    stop, threads = spawn.Event(), max(1, (os.cpu_count() or 1) // workers)
    begun = (os.getpid(), stop, threads)
    with ProcessPoolExecutor(min(workers, len(jobs)), spawn, _begin, begun) as pool:
        running = {pool.submit(_attempt, work, job): job for job in jobs}
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin(parent: int, stop: Event, threads: int) -> None:
    """Set a process of the pool up, which ends when it is told to or its parent is no more."""
    use_threads(threads)

    def watch() -> None:
        while not stop.wait(1) and os.getppid() == parent:
            pass
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _attempt(work: Work, job: Job) -> str | MienError:
    try:
        return work(job)
    except MienError as error:
        if isinstance(error.__cause__, KeyboardInterrupt | SystemExit):
            raise
        return error
