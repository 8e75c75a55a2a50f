"""What is written on a segment: its label, or in a word why it has none."""

from mien.inference.answered import answered, tasks_of, unanswered
from mien.inference.timeline import Timeline, TimelineSegment
from mien.task_prediction import TaskPrediction

CANNOT_TELL = "can't tell"
"""Stands for the label where a task is not answered."""

NO_LABEL = "no label"
"""Stands for the label where all are below their threshold."""


def caption(segment: TimelineSegment, task: str) -> str:
    """Give the predicted labels, or numbers; the mark or "can't tell"; "" without the task.

    Examples
    --------
    >>> answer = TaskPrediction(decision=["happy", "sad"], scores={"happy": 0.6, "sad": 0.5})
    >>> segment = TimelineSegment(
    ...     start=0, end=2, speaker=None, modalities=[], answers={"emotion": answer}
    ... )
    >>> caption(segment, "emotion")
    'happy + sad'
    """
    if segment.mark is not None:
        return segment.mark
    predicted = answered(segment, task)
    if predicted is not None:
        return _label(predicted)
    there = task in segment.answers or unanswered(segment, task) is not None
    return CANNOT_TELL if there else ""


def _label(predicted: TaskPrediction) -> str:
    if predicted.decision:
        return " + ".join(predicted.decision)
    if predicted.values:
        return "; ".join(f"{name} {value:.2f}" for name, value in predicted.values.items())
    return NO_LABEL


def captions(segment: TimelineSegment, tasks: list[str]) -> str:
    """Join the captions of tasks, each once."""
    found = [caption(segment, task) for task in tasks]
    return "; ".join(dict.fromkeys(filter(None, found)))


def subtitle_tasks(timeline: Timeline) -> list[str]:
    """List the tasks that predict labels; if there is none, those that predict numbers."""
    tasks = tasks_of(timeline.segments)
    labelled = [
        task
        for task in tasks
        if any(
            (p := one.answers.get(task)) and (p.scores or p.decision) for one in timeline.segments
        )
    ]
    return labelled or tasks
