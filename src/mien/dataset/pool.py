"""Shards made by several processes, any of which may die on a file."""

import faulthandler
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from mien.dataset.sample import to_samples
from mien.dataset.store import write_shard
from mien.dataset.turns import DecodeOptions
from mien.dataset.workers import Workers
from mien.errors import MienError
from mien.media.faces import FaceCropper
from mien.media.limits import MAX_SECONDS
from mien.progress import Progress
from mien.utterance import Sample, Skipped, Utterance

PATIENCE = 120.0
"""Seconds that any recording may take, of whatever length; see `time_limit`."""

# What a recording may take more: for each of its turns and each of its seconds (s) ...
_EACH_TURN = 10.0
_EACH_SECOND = 2.0
# ... and one for so many bytes. The slowest decoders do five times as much.
_BYTES_A_SECOND = 100_000
# Bytes of a second of a recording; few have less.
_BYTES_OF_A_SECOND = 2_000
_A_DAY = 86_400.0

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """The utterances of one shard, and the file to write."""

    unit: list[Utterance]
    shard: Path


def run(jobs: Iterator[Job], options: DecodeOptions, workers: int, bar: Progress) -> list[Path]:
    """Write the shards that do not exist yet, and name them all in order.

    Jobs are taken two for each process, so that a lazy corpus stays lazy. A job whose process dies,
    takes too long over a recording or fails in a way that nobody foresaw is tried again alone, so
    that only the utterances at fault are skipped.

    Parameters
    ----------
    jobs : iterator of Job
        What to do.
    options : DecodeOptions
        How media become samples.
    workers : int
        Processes.
    bar : Progress
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
                    running[_submit(pool, job, options)] = job
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
                    _rescue(job, options)
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


def _submit(pool: ProcessPoolExecutor, job: Job, options: DecodeOptions) -> Future[None]:
    try:
        return pool.submit(_work, job, options)
    except BrokenProcessPool as error:
        failed: Future[None] = Future()
        failed.set_exception(error)
        return failed


def _rescue(job: Job, options: DecodeOptions) -> None:
    """Do a job that failed in a process of its own, utterance by utterance if it fails again."""
    try:
        with _pool(1) as pool:
            _first([pool.submit(_work, job, options)]).result()
    except MienError:
        raise
    except Exception:  # recorded by the second attempt, with the utterance at fault
        write_shard(job.shard, _one_by_one(job.unit, options))


def _one_by_one(unit: list[Utterance], options: DecodeOptions) -> Iterator[Sample | Skipped]:
    pool = _pool(1)
    try:
        for utterance in unit:
            begun = time.monotonic()
            try:
                yield from _first([pool.submit(_attempt, utterance, options)]).result()
            except BrokenProcessPool:
                yield _died(utterance, time.monotonic() - begun)
                pool.shutdown()
                pool = _pool(1)
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                yield _fault(utterance, reason, type(error).__name__)
    finally:
        pool.shutdown()


def _died(utterance: Utterance, seconds: float) -> Skipped:
    limit = time_limit([utterance])
    if seconds < limit:
        return _fault(utterance, "the process that decoded it died", "decoder died")
    return _fault(utterance, f"decoding it takes longer than {limit:.0f} s", "decoder too slow")


def _fault(utterance: Utterance, reason: str, kind: str) -> Skipped:
    return Skipped(utterance.id, reason, str(utterance.video or utterance.audio or ""), kind)


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


def _work(job: Job, options: DecodeOptions) -> None:
    write_shard(job.shard, _samples(job.unit, options))


def _attempt(utterance: Utterance, options: DecodeOptions) -> list[Sample | Skipped]:
    return list(_samples([utterance], options))


def _samples(unit: list[Utterance], options: DecodeOptions) -> Iterator[Sample | Skipped]:
    with open(os.devnull, "w") as nowhere:
        for _, group in groupby(unit, recording):
            turns = list(group)
            # This watch needs no Python to run: it ends the process in the midst of a decoder, too.
            limit = time_limit(turns, options.max_seconds)
            faulthandler.dump_traceback_later(limit, exit=True, file=nowhere)
            try:
                yield from to_samples(turns, _cropper(), options)
            finally:
                faulthandler.cancel_dump_traceback_later()


def time_limit(turns: Sequence[Utterance], max_seconds: float = MAX_SECONDS) -> float:
    """Give the seconds that the turns of one recording may take to be decoded.

    It is far more than a slow computer needs, and grows with the number of turns, the size of the
    files and the time of the last turn in them. What the size of the files makes unlikely is not
    believed; numbered pictures have none that is known.
    """
    paths = {path for turn in turns for path in (turn.video, turn.audio) if path is not None}
    size = sum(path.stat().st_size for path in paths if path.is_file())
    numbered = any(turn.video_rate is not None for turn in turns)
    longest = _A_DAY if numbered else min(_A_DAY, size / _BYTES_OF_A_SECOND)
    ends = [(turn.start or 0.0) + max_seconds if turn.end is None else turn.end for turn in turns]
    return (
        PATIENCE
        + _EACH_TURN * len(turns)
        + _EACH_SECOND * min(max(0.0, *ends), longest)
        + size / _BYTES_A_SECOND
    )


@cache
def _cropper() -> FaceCropper:
    return FaceCropper()


def recording(utterance: Utterance) -> Path | None:
    """Name the file that neighbouring utterances are decoded from together."""
    return utterance.video or utterance.audio
