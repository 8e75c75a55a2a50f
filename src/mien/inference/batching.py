"""Segments of many recordings in full batches, with a bounded number of recordings in memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from mien.inference.prediction import Failure
from mien.inference.segments import Recording
from mien.utterance import Sample


@dataclass(frozen=True)
class Row:
    """What a model computes for one segment.

    Parameters
    ----------
    scores : dict of str to Tensor (C,)
        Of each task.
    embedding : Tensor (E,)
        Of unit length.
    finite : bool
        Whether all the numbers behind them are finite.
    """

    scores: dict[str, Tensor]
    embedding: Tensor
    finite: bool


@dataclass
class Computed:
    """A recording, and what was computed for its segments so far."""

    recording: Recording
    rows: list[Row] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return len(self.rows) == len(self.recording.segments)


Forward = Callable[[Sequence[Sample]], list[Row]]


def in_batches(
    items: Iterable[Recording | Failure], forward: Forward, size: int
) -> Iterator[Computed | Failure]:
    """Compute the segments of recordings in batches of `size`, across recordings.

    At most `size` segments wait, so that of any number of recordings few are in memory.

    Parameters
    ----------
    items : iterable of Recording or Failure
        Taken one at a time.
    forward : callable
        From samples to a row each.
    size : int
        Segments in a batch; the last one may have fewer.

    Yields
    ------
    Computed or Failure
        In the order of the items; each as soon as all before it are done.
    """
    waiting: deque[Computed | Failure] = deque()
    queue: deque[tuple[Computed, Sample]] = deque()
    for item in items:
        if isinstance(item, Failure):
            waiting.append(item)
        else:
            computed = Computed(item)
            waiting.append(computed)
            queue.extend((computed, sample) for *_, sample in item.segments)
        while len(queue) >= size:
            _compute([queue.popleft() for _ in range(size)], forward)
        yield from _done(waiting)
    while queue:
        _compute([queue.popleft() for _ in range(min(size, len(queue)))], forward)
    yield from _done(waiting)


def _compute(batch: Sequence[tuple[Computed, Sample]], forward: Forward) -> None:
    rows = forward([sample for _, sample in batch])
    for (computed, _), row in zip(batch, rows, strict=True):
        computed.rows.append(row)


def _done(waiting: deque[Computed | Failure]) -> Iterator[Computed | Failure]:
    """Take from the left what is whole."""
    while waiting and (isinstance(waiting[0], Failure) or waiting[0].whole):
        yield waiting.popleft()
