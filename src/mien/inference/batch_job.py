"""Predict for many clips with several processes, into a file that survives an interruption."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.inference import BATCH_SIZE, checked_batch_size
from mien.inference.answer_file import AnswerFile
from mien.inference.clip_list import ListedClip
from mien.inference.prediction_worker import NumberedClip, Opener
from mien.inference.worker_team import Group, WorkerTeam
from mien.progress import Progress

MOST_WORKERS = 4
"""Processes unless another number is given, on a machine of as many cores: each holds the model."""


@dataclass(frozen=True)
class JobSummary:
    """What was done.

    Parameters
    ----------
    clips : int
        In the file.
    failed : int
        Of these, rows with an error.
    predicted : int
        Clips that were not done before.
    media_seconds : float
        Length of the clips that were predicted.
    loading, seconds : float
        Seconds until the model was loaded, and then until the file was complete.
    """

    clips: int
    failed: int
    predicted: int
    media_seconds: float = 0.0
    loading: float = 0.0
    seconds: float = 0.0


def default_workers() -> int:
    """Give the number of processes unless another is given: the cores, up to `MOST_WORKERS`."""
    own = getattr(os, "sched_getaffinity", None)  # not on every system
    return min(MOST_WORKERS, len(own(0)) if own else os.cpu_count() or 1)


def predict_to_file(
    clips: Sequence[ListedClip],
    out: Path,
    opener: Opener,
    *,
    settings: Mapping[str, Any],
    workers: int | None = None,
    threads: int = 1,
    batch_size: int = BATCH_SIZE,
    resume: bool = False,
    embedding: bool = False,
) -> JobSummary:
    """Predict for many clips, and write a row for each to a file as soon as it is ready.

    A clip that can't be predicted gives a row with an error. Each process has a model of its own.
    On the CPU each segment is computed alone, so that predictions are the same to the last digit
    whatever the batch size and the number of processes; elsewhere in batches that depend on the
    order of the clips alone.

    The work is done in child processes, so a script that calls it needs the usual
    ``if __name__ == "__main__"``.

    Parameters
    ----------
    clips : sequence of ListedClip
        The clips, as `mien.inference.clip_search.find_clips` finds them.
    out : Path
        The file: .jsonl, .csv or .parquet.
    opener : callable
        Loads the model in each process, such as ``partial(open_recognizer, "mien-base")``.
    settings : mapping
        What else the predictions depend on, by the names of parameters: plain JSON values.
    workers : int, optional
        Processes (default: the cores, 4 at most).
    threads : int
        Compute threads of each. The last digits of predictions may depend on it.
    batch_size : int
        Segments computed together, where that is not the CPU.
    resume : bool
        Go on with a file that was interrupted, if there is one.
    embedding : bool
        Keep the embeddings.

    Raises
    ------
    MienError
        The file or the model can't be used; see `mien.inference.answer_file.AnswerFile`.

    Examples
    --------
    >>> from mien.inference.clip_search import find_clips
    >>> from mien.inference.opened_model import open_recognizer
    >>> clips = find_clips(["recordings"]).clips                     # doctest: +SKIP
    >>> opener = partial(open_recognizer, "mien-base", device="cpu")  # doctest: +SKIP
    >>> predict_to_file(clips, Path("answers.csv"), opener, settings={}).failed  # doctest: +SKIP
    0
    """
    if not clips:
        raise MienError("there are no clips to predict for", parameter="clip")
    checked_batch_size(batch_size)
    file = AnswerFile(out, clips, settings, resume=resume, embedding=embedding)
    try:
        return _complete(file, opener, workers or default_workers(), threads, batch_size)
    finally:
        file.close()


def _complete(
    file: AnswerFile, opener: Opener, workers: int, threads: int, batch_size: int
) -> JobSummary:
    """Predict for the clips that are left, and finish the file."""
    todo = file.todo
    if file.complete:
        return JobSummary(len(file.clips), file.failed, 0)
    if not todo:
        file.begin()
        file.finish()
        return JobSummary(len(file.clips), file.failed, 0)
    started, media_seconds = time.monotonic(), 0.0
    with WorkerTeam(opener, min(workers, len(todo)), threads) as team:
        ready = team.ready()
        loaded = time.monotonic()
        file.begin(ready.model)
        size = 1 if ready.on_cpu else batch_size
        with Progress("predicting", "clips", len(todo)) as progress:
            for done in team.predict(_groups(file.clips, todo, size), size):
                if file.add(done.number, done.files, done.row):
                    media_seconds += done.row.get("seconds", 0.0)
                    progress.update()
    file.finish()
    ended = time.monotonic()
    return JobSummary(
        clips=len(file.clips),
        failed=file.failed,
        predicted=len(todo),
        media_seconds=media_seconds,
        loading=loaded - started,
        seconds=ended - loaded,
    )


def _groups(clips: Sequence[ListedClip], todo: Sequence[int], size: int) -> Iterator[Group]:
    """Divide the clips into groups of a size, by their numbers; give those with something to do.

    A group is given whole, so that its clips are computed with the same others after an
    interruption as without.
    """
    for group, _ in groupby(todo, lambda number: number // size):
        whole = range(group * size, min((group + 1) * size, len(clips)))
        yield [NumberedClip(number, replace(clips[number], columns={})) for number in whole]
