"""Write shards in several processes, any of which may crash or hang on a file."""

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
from mien.dataset.turn_media import DecodeOptions
from mien.dataset.worker_pool import WorkerPool
from mien.errors import MienError
from mien.media.faces import FaceCropper
from mien.media.limits import MAX_SECONDS
from mien.progress import Progress
from mien.utterance import Sample, Skipped, Utterance

BASE_TIME_LIMIT = 120.0
"""Seconds that a recording of any length may take; see `time_limit`."""

# Further seconds that a recording may take: for each turn, for each second of it, ...
_PER_TURN = 10.0
_PER_SECOND = 2.0
# ... and one for this many bytes. The slowest decoders read five times as many.
_BYTES_PER_SECOND = 100_000
# Bytes of a second of a recording; few have fewer.
_BYTES_PER_MEDIA_SECOND = 2_000
_DAY = 86_400.0

T = TypeVar("T")


@dataclass(frozen=True)
class ShardJob:
    """The utterances of one shard, and the file to write."""

    utterances: list[Utterance]
    shard: Path


def write_shards(
    jobs: Iterator[ShardJob], options: DecodeOptions, workers: int, bar: Progress
) -> list[Path]:
    """Write the shards that do not exist yet, and list them all in order.

    At most two jobs for each process are queued, so that a lazy corpus stays lazy. A job whose
    process crashes, takes too long over a recording or fails unexpectedly is tried again alone, so
    that only the utterances at fault are skipped.

    Parameters
    ----------
    jobs : iterator of ShardJob
        The shards to write.
    options : DecodeOptions
        How media become samples.
    workers : int
        Processes.
    bar : Progress
        Updated for each utterance.

    Raises
    ------
    MienError
        A shard cannot be written.
    """
    shards: list[Path] = []
    running: dict[Future[None], ShardJob] = {}
    pool = _pool(workers)
    try:
        while True:
            while len(running) < 2 * workers and (job := next(jobs, None)) is not None:
                shards.append(job.shard)
                if job.shard.exists():
                    bar.update(len(job.utterances))
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
                # One dead process breaks the pool and fails all of its jobs.
                pool.shutdown()
                pool = _pool(workers)
                done = list(running)
            for future in done:
                job = running.pop(future)
                if not job.shard.exists():
                    _retry(job, options)
                bar.update(len(job.utterances))
    finally:
        pool.shutdown(cancel_futures=True)


def _first(futures: Iterable[Future[T]]) -> Future[T]:
    """Wait until one is done.

    Ctrl-C in the wait of `concurrent.futures` can surface as an error of its lock; the wait of a
    simple queue is interrupted cleanly.
    """
    finished: SimpleQueue[Future[T]] = SimpleQueue()
    for future in futures:
        future.add_done_callback(finished.put)
    return finished.get()


def _submit(pool: ProcessPoolExecutor, job: ShardJob, options: DecodeOptions) -> Future[None]:
    try:
        return pool.submit(_work, job, options)
    except BrokenProcessPool as error:
        failed: Future[None] = Future()
        failed.set_exception(error)
        return failed


def _retry(job: ShardJob, options: DecodeOptions) -> None:
    """Run a failed job in a process of its own, utterance by utterance if it fails again."""
    try:
        with _pool(1) as pool:
            _first([pool.submit(_work, job, options)]).result()
    except MienError:
        raise
    except Exception:  # recorded by the second attempt, with the utterance at fault
        write_shard(job.shard, _retry_each(job.utterances, options))


def _retry_each(utterances: list[Utterance], options: DecodeOptions) -> Iterator[Sample | Skipped]:
    pool = _pool(1)
    try:
        for utterance in utterances:
            begun = time.monotonic()
            try:
                yield from _first([pool.submit(_decode_one, utterance, options)]).result()
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
    return WorkerPool(workers, _start)


def _start() -> None:
    """Set up a worker process: one thread, ended by Ctrl-C, ended with its parent."""
    import cv2
    import pyarrow

    cv2.setNumThreads(1)
    pyarrow.set_cpu_count(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(job: ShardJob, options: DecodeOptions) -> None:
    write_shard(job.shard, _samples(job.utterances, options))


def _decode_one(utterance: Utterance, options: DecodeOptions) -> list[Sample | Skipped]:
    return list(_samples([utterance], options))


def _samples(utterances: list[Utterance], options: DecodeOptions) -> Iterator[Sample | Skipped]:
    with open(os.devnull, "w") as nowhere:
        for _, group in groupby(utterances, recording_of):
            turns = list(group)
            # This timer does not need the interpreter: it ends the process within a decoder too.
            limit = time_limit(turns, options.max_seconds)
            faulthandler.dump_traceback_later(limit, exit=True, file=nowhere)
            try:
                yield from to_samples(turns, _cropper(), options)
            finally:
                faulthandler.cancel_dump_traceback_later()


def time_limit(turns: Sequence[Utterance], max_seconds: float = MAX_SECONDS) -> float:
    """Return the seconds that decoding the turns of one recording may take.

    The limit is far more than a slow computer needs, and grows with the number of turns, the size
    of the files and the time of the last turn. A duration that the size of the files makes
    unlikely is not believed; the size of numbered images is not known.
    """
    paths = {path for turn in turns for path in (turn.video, turn.audio) if path is not None}
    size = sum(path.stat().st_size for path in paths if path.is_file())
    numbered = any(turn.video_rate is not None for turn in turns)
    longest = _DAY if numbered else min(_DAY, size / _BYTES_PER_MEDIA_SECOND)
    ends = [(turn.start or 0.0) + max_seconds if turn.end is None else turn.end for turn in turns]
    return (
        BASE_TIME_LIMIT
        + _PER_TURN * len(turns)
        + _PER_SECOND * min(max(0.0, *ends), longest)
        + size / _BYTES_PER_SECOND
    )


@cache
def _cropper() -> FaceCropper:
    return FaceCropper()


def recording_of(utterance: Utterance) -> Path | None:
    """Return the file from which neighbouring utterances are decoded together."""
    return utterance.video or utterance.audio
