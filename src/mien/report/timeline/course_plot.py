"""The smoothed scores of a speaker as lines in a figure."""

import math

import numpy as np
from matplotlib.axes import Axes

from mien.inference.timeline import Course
from mien.report.plots import INK, PALE, plain
from mien.report.timeline.label_style import LabelStyle
from mien.report.timeline.legend import Legend

MOST_LINES = 4
POINTS = 150
"""Points of a course in a row: one for each millimetre."""


def draw_course(axes: Axes, course: Course, task: Legend, *, letter: float) -> None:
    """Draw the courses that are highest on average in a row, each with its letter behind it.

    Parameters
    ----------
    axes : Axes
        Whose limits are the times of the row.
    course : Course
        Of one speaker.
    task : Legend
        How lines look.
    letter : float
        Height of a letter, as a share of the height of the axes.
    """
    margin = 0.06 * (task.highest - task.lowest)
    axes.set_ylim(task.lowest - margin, task.highest + margin)
    axes.set_yticks([task.lowest, task.highest], [f"{task.lowest:.3g}", f"{task.highest:.3g}"])
    axes.grid(axis="y", color=PALE, lw=0.6)
    times, rows = _averaged(course, axes.get_xlim())
    means = {name: row[~np.isnan(row)].mean() for name, row in rows.items() if (row == row).any()}
    ends = []
    for name in sorted(means, key=lambda name: -means[name])[:MOST_LINES]:
        style, row = task.lines[name], rows[name]
        dashes = tuple(float(part) / 1.5 for part in style.dash.split())
        axes.plot(times, row, color=style.line, lw=1.1, ls=(0, dashes) if dashes else "-")
        last = np.flatnonzero(~np.isnan(row))[-1]
        ends.append((float(row[last]), float(times[last]), style))
    _end_letters(axes, ends, letter)


def _averaged(
    course: Course, span: tuple[float, float]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Give the times and scores in a span, averaged where a line could not show them all."""
    times = np.array(course.times)
    places = np.flatnonzero((times >= span[0]) & (times <= span[1]))
    groups = np.array_split(places, min(len(places), POINTS)) if len(places) else []
    every = {name: np.array(scores, float) for name, scores in course.scores.items()}
    rows = {
        name: np.array([_mean(scores[group]) for group in groups]) for name, scores in every.items()
    }
    return np.array([times[group].mean() for group in groups]), rows


def _mean(scores: np.ndarray) -> float:
    known = scores[~np.isnan(scores)]
    return float(known.mean()) if len(known) else math.nan


def _end_letters(axes: Axes, ends: list[tuple[float, float, LabelStyle]], letter: float) -> None:
    """Write the letters of lines where they end, none over another."""
    low, high = axes.get_ylim()
    least = (high - low) * letter
    heights: list[float] = []
    ends.sort(key=lambda end: end[0])
    for score, *_ in ends:
        heights.append(max([score, *(below + least for below in heights[-1:])]))
    beyond = max([0.0, *(top - high for top in heights[-1:])])
    for height, (_, time, style) in zip(heights, ends, strict=True):
        axes.annotate(
            *(plain(style.letter), (time, height - beyond)),
            xytext=(2, 0),
            textcoords="offset points",
            va="center",
            color=INK,
            annotation_clip=False,
        )
