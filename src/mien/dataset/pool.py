"""Shards made by several processes, any of which may die on a file."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from mien.dataset.sample import to_samples
from mien.dataset.store import write_shard
from mien.dataset.workers import Workers
from mien.errors import MienError
from mien.media.faces import FaceCropper
from mien.utterance import Sample, Skipped, Utterance

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """The utterances of one shard, and the file to write."""

    unit: list[Utterance]
    shard: Path


def run(jobs: Iterator[Job], interval: float, workers: int, bar: Any) -> list[Path]:
    """Write the shards that do not exist yet, and name them all in order.

    Jobs are taken two for each process, so that a lazy corpus stays lazy. A job whose process dies
    or fails unexpectedly is tried again alone, so that only the utterances at fault are skipped.

    Parameters
    ----------
    jobs : iterator of Job
        What to do.
    interval : float
        Seconds between two pictures.
    workers : int
        Processes.
    bar : tqdm
        Told of each utterance that is done.

    Raises
    ------
    MienError
        A shard cannot be written.
    """
    shards: list[Path] = []
    running: dict[Future[None], Job] = {}
    pool = _pool(workers)
    try:
        while True:
            while len(running) < 2 * workers and (job := next(jobs, None)) is not None:
                shards.append(job.shard)
                if job.shard.exists():
                    bar.update(len(job.unit))
                else:
                    running[_submit(pool, job, interval)] = job
            if not running:
                return shards
            future = _first(running)
            error = future.exception()
            if isinstance(error, MienError):
                raise error
            done = [future]
            if isinstance(error, BrokenProcessPool):
                # One dead process takes the pool and all that it was doing with it.
                pool.shutdown()
                pool = _pool(workers)
                done = list(running)
            for future in done:
                job = running.pop(future)
                if not job.shard.exists():
                    _rescue(job, interval)
                bar.update(len(job.unit))
    finally:
        pool.shutdown(cancel_futures=True)


def _first(futures: Iterable[Future[T]]) -> Future[T]:
    """Wait until one is done.

    Ctrl-C in the wait of `concurrent.futures` can surface as an error of its lock; a simple queue
    is left cleanly.
    """
    finished: SimpleQueue[Future[T]] = SimpleQueue()
    for future in futures:
        future.add_done_callback(finished.put)
    return finished.get()


def _submit(pool: ProcessPoolExecutor, job: Job, interval: float) -> Future[None]:
    try:
        return pool.submit(_work, job, interval)
    except BrokenProcessPool as error:
        failed: Future[None] = Future()
        failed.set_exception(error)
        return failed


def _rescue(job: Job, interval: float) -> None:
    """Do a job that failed in a process of its own, utterance by utterance if it fails again."""
    try:
        with _pool(1) as pool:
            _first([pool.submit(_work, job, interval)]).result()
    except MienError:
        raise
    except Exception:  # recorded by the second attempt, with the utterance at fault
        write_shard(job.shard, _one_by_one(job.unit, interval))


def _one_by_one(unit: list[Utterance], interval: float) -> Iterator[Sample | Skipped]:
    pool = _pool(1)
    try:
        for utterance in unit:
            try:
                yield from _first([pool.submit(_attempt, utterance, interval)]).result()
            except BrokenProcessPool:
                yield _fault(utterance, "the process that decoded it died")
                pool.shutdown()
                pool = _pool(1)
            except Exception as error:
                yield _fault(utterance, f"{type(error).__name__}: {error}")
    finally:
        pool.shutdown()


def _fault(utterance: Utterance, reason: str) -> Skipped:
    return Skipped(utterance.id, reason, str(utterance.video or utterance.audio or ""))


def _pool(workers: int) -> ProcessPoolExecutor:
    return Workers(workers, _start)


def _start() -> None:
    """Make this process one of many: one thread, gone at Ctrl-C, gone with the parent."""
    import cv2
    import pyarrow

    cv2.setNumThreads(1)
    pyarrow.set_cpu_count(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(job: Job, interval: float) -> None:
    write_shard(job.shard, _samples(job.unit, interval))


def _attempt(utterance: Utterance, interval: float) -> list[Sample | Skipped]:
    return list(_samples([utterance], interval))


def _samples(unit: list[Utterance], interval: float) -> Iterator[Sample | Skipped]:
    for _, turns in groupby(unit, recording):
        yield from to_samples(list(turns), _cropper(), interval)


@cache
def _cropper() -> FaceCropper:
    return FaceCropper()


def recording(utterance: Utterance) -> Path | None:
    """Name the file that neighbouring utterances are decoded from together."""
    return utterance.video or utterance.audio
