"""A process that predicts for clips which it is sent, with a model of its own."""

import faulthandler
import logging
import os
import threading
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

from mien.errors import MienError, brief
from mien.inference.answer_columns import Row, answer_row
from mien.inference.answer_file import ModelIdentity, file_states
from mien.inference.clip_list import ListedClip
from mien.inference.listed_prediction import PredictEach, predict_listed
from mien.inference.prediction import Failure
from mien.threads import use_threads
from mien.utterance import Utterance


class Opened(NamedTuple):
    """A model that is loaded, how to predict with it, and the most seconds of a clip it uses."""

    predict_each: PredictEach
    model: ModelIdentity
    on_cpu: bool
    max_seconds: float


Opener = Callable[[], Opened]
"""Loads a model in a worker process, which it is sent to."""


class NumberedClip(NamedTuple):
    """A clip, and its place in the list."""

    number: int
    clip: ListedClip


class Order(NamedTuple):
    """Clips to predict for, whose segments are computed in batches."""

    clips: list[NumberedClip]
    batch_size: int


class Ready(NamedTuple):
    """The model is loaded."""

    model: ModelIdentity
    on_cpu: bool


class Refused(NamedTuple):
    """The model can't be loaded."""

    message: str
    parameter: str | None


class Begun(NamedTuple):
    """A clip is about to be read, which may take so many seconds."""

    number: int
    limit: float


class Done(NamedTuple):
    """A clip is done; `files` is the state of its files before it was read."""

    number: int
    files: list[list[int] | None]
    row: Row


class Said(NamedTuple):
    """A log message or a warning."""

    level: int
    text: str


Message = Ready | Refused | Begun | Done | Said


def failed(item: NumberedClip, reason: str) -> Done:
    """Say that a clip can't be predicted."""
    number, clip = item
    row = answer_row(Failure(source=clip.source, reason=f"{clip.source}: {reason}"))
    return Done(number, file_states(clip.files), row)


def run_worker(connection: Connection, opener: Opener, threads: int) -> None:
    """Load a model, and predict for all orders that come; ends when nobody is there to send any.

    Parameters
    ----------
    connection : Connection
        Brings an `Order` at a time, and takes every `Message`.
    opener : callable
        Loads the model.
    threads : int
        Compute threads.
    """
    orders: SimpleQueue[Order] = SimpleQueue()
    threading.Thread(target=_receive, args=(connection, orders), daemon=True).start()
    use_threads(threads)
    _forward_warnings(connection)
    try:
        opened = _open(opener, threads)
    except Exception as error:
        known = error if isinstance(error, MienError) else MienError(_unforeseen(error))
        connection.send(Refused(known.message, known.parameter))
        return
    connection.send(Ready(opened.model, opened.on_cpu))
    predict = _Predict(connection, opened.predict_each, opened.max_seconds)
    while True:
        predict(orders.get())


def _receive(connection: Connection, orders: SimpleQueue[Order]) -> None:
    """Take orders at once, so that whoever sends never waits; end with whoever sends."""
    while True:
        try:
            orders.put(connection.recv())
        except (EOFError, OSError):
            os._exit(1)


def _open(opener: Opener, threads: int) -> Opened:
    import cv2
    from tqdm import tqdm

    cv2.setNumThreads(threads)
    # its own lock is for several processes, and stays behind when this one is killed
    tqdm.set_lock(threading.RLock())
    return opener()


def _forward_warnings(connection: Connection) -> None:
    """Send warnings, and log messages of that level, instead of showing them."""

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if issubclass(category, UserWarning):
            connection.send(Said(logging.WARNING, " ".join(str(message).split())))

    class Sender(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            connection.send(Said(record.levelno, self.format(record)))

    warnings.showwarning = show
    logger = logging.getLogger("mien")
    logger.addHandler(Sender())
    logger.setLevel(logging.WARNING)


class _Predict:
    """Predicts for the clips of an order, and sends each result as soon as it is there."""

    def __init__(
        self, connection: Connection, predict_each: PredictEach, max_seconds: float
    ) -> None:
        self.connection, self.predict_each = connection, predict_each
        self.max_seconds = max_seconds
        self.nowhere = os.open(os.devnull, os.O_WRONLY)  # for as long as the process lives

    def __call__(self, order: Order) -> None:
        """Predict; a clip that raises an error costs no other."""
        clips = order.clips
        while clips:
            clips = self._all(clips, order.batch_size)

    def _all(self, clips: list[NumberedClip], batch_size: int) -> list[NumberedClip]:
        """Predict for clips; return those that are left after one that raised an error."""
        states: list[list[list[int] | None]] = []

        def begin(place: int) -> None:
            states.append(file_states(clips[place].clip.files))
            self._begin(clips[place])

        done = 0
        listed = [clip for _, clip in clips]
        try:
            for result in predict_listed(
                self.predict_each, listed, batch_size=batch_size, begin=begin
            ):
                number = clips[done].number
                self.connection.send(Done(number, states[done], answer_row(result)))
                done += 1
            return []
        except Exception as error:
            at = max(len(states) - 1, done)  # the last that was read
            self.connection.send(failed(clips[at], _unforeseen(error)))
            return [*clips[done:at], *clips[at + 1 :]]
        finally:
            faulthandler.cancel_dump_traceback_later()

    def _begin(self, item: NumberedClip) -> None:
        """Say which clip is read, and end the process if that takes too long, even in a decoder."""
        from mien.dataset.shard_jobs import time_limit

        path = item.clip.clip
        utterance = Utterance(id="clip", corpus="clip", audio=None if path is None else Path(path))
        limit = time_limit([utterance], self.max_seconds)
        self.connection.send(Begun(item.number, limit))
        faulthandler.dump_traceback_later(limit, exit=True, file=self.nowhere)


def _unforeseen(error: Exception) -> str:
    if isinstance(error, MienError):
        return str(error)
    return f"unexpected {type(error).__name__}: {brief(error)}"
