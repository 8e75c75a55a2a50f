"""Which segments of a timeline are answered, and why the others are not."""

from collections.abc import Iterable

from mien.inference.timeline import TimelineSegment
from mien.task_prediction import TaskPrediction

SHORTEST = 1e-3
"""Seconds that a segment counts at least, so that a mean over segments of no length exists."""


def answered(segment: TimelineSegment, task: str) -> TaskPrediction | None:
    """Give the prediction for a task; None if the segment is marked or the task not answered.

    Examples
    --------
    >>> happy = TaskPrediction(decision=["happy"], scores={"happy": 0.9})
    >>> segment = TimelineSegment(
    ...     start=0, end=2, speaker="Anna", modalities=[], answers={"emotion": happy}
    ... )
    >>> answered(segment, "emotion").decision
    ['happy']
    >>> answered(segment.model_copy(update={"mark": "overlap"}), "emotion") is None
    True
    """
    predicted = segment.answers.get(task)
    if predicted is None or unanswered(segment, task) is not None:
        return None
    return predicted if numbers(predicted) else None


def unanswered(segment: TimelineSegment, task: str) -> str | None:
    """Say why a task is not answered, by the segment's mark or the reasons; None if none says."""
    if segment.mark is not None:
        return segment.mark
    reasons = [one for one in segment.abstained or () if one.task in (None, task)]
    return "; ".join(map(str, reasons)) or None


def numbers(predicted: TaskPrediction) -> dict[str, float]:
    """Give what a prediction holds as numbers: the scores of labels, and values, by name."""
    return {**predicted.scores, **predicted.values}


def length(segment: TimelineSegment) -> float:
    """Return the length of a segment in seconds."""
    return max(segment.end - segment.start, SHORTEST)


def speakers_of(segments: Iterable[TimelineSegment]) -> dict[str, list[TimelineSegment]]:
    """Group segments by speaker, by when they first speak; leave out those of nobody known."""
    found: dict[str, list[TimelineSegment]] = {}
    for segment in sorted(segments, key=lambda segment: (segment.start, segment.end)):
        if segment.speaker is not None:
            found.setdefault(segment.speaker, []).append(segment)
    return found


def tasks_of(segments: Iterable[TimelineSegment]) -> list[str]:
    """List the tasks of segments, in the order in which they occur."""
    return list(dict.fromkeys(task for segment in segments for task in segment.answers))
