"""Full batches across recordings, with a bounded number of recordings in memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from mien.inference.prediction import Failure
from mien.inference.segments import Recording
from mien.utterance import Sample


@dataclass(frozen=True)
class SegmentOutput:
    """What a model computes for one segment.

    Parameters
    ----------
    scores : dict of str to Tensor (C,)
        The scores of each task.
    embedding : Tensor (E,)
        The embedding, of unit length.
    finite : bool
        Whether all logits are finite numbers.
    """

    scores: dict[str, Tensor]
    embedding: Tensor
    finite: bool


@dataclass
class RecordingOutput:
    """A recording, and the outputs for its first segments: as many as are computed yet."""

    recording: Recording
    outputs: list[SegmentOutput] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether all segments are computed."""
        return len(self.outputs) == len(self.recording.segments)


Forward = Callable[[Sequence[Sample]], list[SegmentOutput]]


def in_batches(
    items: Iterable[Recording | Failure], forward: Forward, size: int
) -> Iterator[RecordingOutput | Failure]:
    """Compute the segments of recordings in batches of `size`, across recordings.

    At most `size` segments are waiting, so few recordings are in memory, however many there are.

    Parameters
    ----------
    items : iterable of Recording or Failure
        Read one at a time.
    forward : callable
        Computes an output for each sample.
    size : int
        Segments in a batch; the last batch may have fewer.

    Yields
    ------
    RecordingOutput or Failure
        In the order of the items; each as soon as all before it are complete.
    """
    waiting: deque[RecordingOutput | Failure] = deque()
    queue: deque[tuple[RecordingOutput, Sample]] = deque()
    for item in items:
        if isinstance(item, Failure):
            waiting.append(item)
        else:
            output = RecordingOutput(item)
            waiting.append(output)
            queue.extend((output, sample) for *_, sample in item.segments)
        while len(queue) >= size:
            _compute([queue.popleft() for _ in range(size)], forward)
        yield from _completed(waiting)
    while queue:
        _compute([queue.popleft() for _ in range(min(size, len(queue)))], forward)
    yield from _completed(waiting)


def _compute(batch: Sequence[tuple[RecordingOutput, Sample]], forward: Forward) -> None:
    outputs = forward([sample for _, sample in batch])
    for (recording, _), output in zip(batch, outputs, strict=True):
        recording.outputs.append(output)


def _completed(waiting: deque[RecordingOutput | Failure]) -> Iterator[RecordingOutput | Failure]:
    """Take complete recordings and failures from the left, up to the first incomplete one."""
    while waiting and (isinstance(waiting[0], Failure) or waiting[0].complete):
        yield waiting.popleft()
