"""Which label a segment shows for a task, and how each label looks."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from mien.inference.answered import answered, numbers
from mien.inference.timeline import Timeline
from mien.report.timeline.label_style import (
    SENTIMENT_FILLS,
    STEP_FILLS,
    LabelStyle,
    label_styles,
    step_styles,
)
from mien.task_prediction import TaskPrediction

UNDECIDED = ""
"""Key of an answer without a label, since all are below their threshold."""


@dataclass(frozen=True)
class Legend:
    """The labels of a task.

    Parameters
    ----------
    task : str
        The task.
    bars : dict of str to LabelStyle
        How segments look, by their key: the label, or the step of the task's first number.
    lines : dict of str to LabelStyle
        How courses look, by label or by the name of a value.
    steps : tuple of float
        Upper limits of the steps; empty for labels.
    lowest, highest : float
        Range of the courses.
    """

    task: str
    bars: dict[str, LabelStyle]
    lines: dict[str, LabelStyle]
    steps: tuple[float, ...]
    lowest: float
    highest: float

    def key(self, predicted: TaskPrediction) -> str:
        """Give the key of a prediction: the best label of the decision, or a step."""
        if predicted.decision:
            return max(predicted.decision, key=lambda label: predicted.scores.get(label, 0.0))
        if not self.steps:
            return UNDECIDED
        value = next(iter(predicted.values.values()))
        return list(self.bars)[min(bisect_left(self.steps, value), len(self.steps) - 1)]


def legend(timeline: Timeline, task: str) -> Legend:
    """Collect the labels of a task, and choose how they look."""
    found = [one for segment in timeline.segments if (one := answered(segment, task))]
    lines = dict.fromkeys(name for one in found for name in numbers(one))
    labels = dict.fromkeys(name for one in found for name in (*one.scores, *one.decision))
    ordered = [name for name in SENTIMENT_FILLS if name in labels] or list(labels)
    low, high = (0.0, 1.0) if any(one.scores for one in found) else _range(found)
    if labels:
        bars = label_styles([*ordered, *(name for name in labels if name not in ordered)])
        return Legend(task, bars, label_styles(lines), (), low, high)
    firsts = [next(iter(one.values.values())) for one in found]
    steps = _steps(firsts)
    name = next(iter(lines), "")
    edges = [min(firsts, default=0.0), *steps]
    names = [f"{name} {a:.2f} to {b:.2f}" for a, b in zip(edges, steps, strict=False)]
    return Legend(task, step_styles(names), label_styles(lines), steps, low, high)


def _steps(values: list[float]) -> tuple[float, ...]:
    """Divide the range of values into equal steps; one step if they hardly differ."""
    if not values:
        return ()
    low, high = min(values), max(values)
    count = len(STEP_FILLS) if high - low >= 0.05 * len(STEP_FILLS) else 1
    return tuple(low + (high - low) * (i + 1) / count for i in range(count))


def _range(found: Iterable[TaskPrediction]) -> tuple[float, float]:
    every = [value for one in found for value in one.values.values()]
    low, high = min(every, default=0.0), max(every, default=1.0)
    return (low, high) if high - low > 1e-6 else (low - 0.5, high + 0.5)
