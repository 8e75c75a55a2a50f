"""Metrics as a plot in a PNG file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from mien.files import atomic_write
from mien.tasks import TaskMetrics
from mien.tasks.display import UNDEFINED, Bar, Bars, HeatMap

BLUE, ORANGE, PALE, INK = "#3b6ea5", "#d98c3f", "#e4e7eb", "#1f2933"
FAINT = "#9aa5b1"
DPI = 110

WIDTH = 15.0
TALLEST = 60.0
"""Inches; a task's height follows from how many labels it has, within what a PNG can hold."""

BAR_ASPECT = 0.12
"""Height of an overall bar's place to its panel's width, however tall the panels beside it."""

NUMBERED = 12
"""Up to this many columns the cells of a heat map carry numbers."""

LONGEST_NAME = 16
"""Characters of a label's name that a plot shows."""


def plot_metrics(
    metrics: Mapping[str, TaskMetrics], out: Path, title: str, synthetic: bool
) -> None:
    """Plot the metrics of one or more tasks, a row each.

    Each row shows what `mien.tasks.TaskMetrics.charts` gives: overall metrics with their 95 %
    interval, metrics of each label, and a heat map. Black ticks mark what a constant baseline
    reaches.

    Parameters
    ----------
    metrics : mapping of str to TaskMetrics
        For each task, by name, what `mien.tasks.Task.evaluate` returns.
    out : Path
        The PNG file to write.
    title : str
        Heading of the plot.
    synthetic : bool
        Mark the plot "synthetic data".
    """
    heights = [_height(len(block.labels)) for block in metrics.values()]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.6), layout="constrained")
    figure.suptitle(plain(title), fontsize=16, color=INK)
    if synthetic:
        mark_synthetic(figure)
    rows = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)
    for row, (task, block) in zip(rows[:, 0], metrics.items(), strict=True):
        _task(row, task, block)
    save(figure, out)


def _height(labels: int) -> float:
    return float(np.clip(1.8 + 0.3 * labels, 4.2, TALLEST))


def _task(row: SubFigure, task: str, block: TaskMetrics) -> None:
    row.suptitle(f"{task.capitalize()}: {block.n} utterances", fontsize=13, color=INK)
    charts = block.charts()
    left, middle, right = row.subplots(1, 3, width_ratios=[1.0, 1.0, 1.25])
    _overall(left, charts.overall)
    _by_label(middle, charts.by_label)
    if charts.matrix is None:
        right.set_axis_off()
    else:
        _heat_map(right, charts.matrix)


def _overall(axes: Axes, chart: Bars) -> None:
    """Draw bars with their numbers and intervals."""
    ((name, bars),) = chart.series.items()
    for place, bar in enumerate(bars):
        axes.barh(place, bar.value or 0, height=0.55, color=BLUE)
        ends = [bar.value or 0, bar.baseline or 0]
        if bar.interval:
            axes.plot([bar.interval.low, bar.interval.high], [place] * 2, color=ORANGE, lw=3)
            ends.append(bar.interval.high)
        _tick(axes, bar.baseline, place, 0.55)
        text = "not defined" if bar.value is None else f"{bar.value:.2f}"
        axes.text(max(ends) + 0.02, place, text, va="center", fontsize=10, color=INK)
    axes.set_title(chart.title, fontsize=11)
    _rows(axes, [bar.name for bar in bars])
    _scale(axes, bars, chart.highest, room=0.14)
    axes.set_box_aspect(BAR_ASPECT * len(bars))
    axes.set_anchor("N")
    keys = [_key(name, color=BLUE, lw=7)]
    if any(bar.interval for bar in bars):
        keys.append(_key("95 % interval", color=ORANGE, lw=3))
    _legend(axes, [*keys, _tick_key(chart.baseline)])


def _by_label(axes: Axes, chart: Bars) -> None:
    """Draw one or two series of bars side by side."""
    every = [bar for bars in chart.series.values() for bar in bars]
    shifts, height = ((0.0,), 0.55) if len(chart.series) == 1 else ((-0.2, 0.2), 0.36)
    for shift, colour, bars in zip(shifts, (BLUE, ORANGE), chart.series.values(), strict=False):
        for place, bar in enumerate(bars):
            axes.barh(place + shift, bar.value or 0, height=height, color=colour)
            _tick(axes, bar.baseline, place + shift, height)
    axes.set_title(chart.title, fontsize=11)
    _rows(axes, _short([bar.name for bar in next(iter(chart.series.values()))]))
    _scale(axes, every, chart.highest)
    keys = [
        _key(text, color=c, lw=7) for text, c in zip(chart.series, (BLUE, ORANGE), strict=False)
    ]
    with_baseline = any(bar.baseline is not None for bar in every)
    _legend(axes, [*keys, _tick_key(chart.baseline)] if with_baseline else keys)


def _heat_map(axes: Axes, chart: HeatMap) -> None:
    """Draw values from 0 to 1; what is undefined stays white."""
    values = np.array(chart.values, float)  # as float, None becomes NaN
    rows, columns = _short(chart.rows), _short(chart.columns)
    axes.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=90 if len(columns) > 6 else 0)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_title(chart.title, fontsize=11)
    axes.set_xlabel(chart.column_axis)
    axes.set_ylabel(chart.row_axis)
    for (y, x), value in np.ndenumerate(values) if len(columns) <= NUMBERED else ():
        text = UNDEFINED if np.isnan(value) else f"{value:.2f}"
        colour = FAINT if value < 0.005 else "white" if value > 0.6 else INK
        axes.text(x, y, text, ha="center", va="center", fontsize=8, color=colour)


def _rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _scale(axes: Axes, bars: Sequence[Bar], highest: float | None, room: float = 0.02) -> None:
    lowest = min(0.0, *(value for bar in bars for value in (bar.value, bar.baseline) if value))
    axes.set_xlim(left=lowest)
    if highest is not None:
        axes.set_xlim(lowest, highest + room)
        axes.set_xticks(np.linspace(0, highest, 6))
    axes.grid(axis="x", color=PALE)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _tick(axes: Axes, value: float | None, place: float, height: float) -> None:
    if value is not None:
        half = height / 2 + 0.03
        axes.plot([value] * 2, [place - half, place + half], color=INK, lw=2.2, clip_on=False)


def _tick_key(text: str) -> Line2D:
    return _key(text, color=INK, marker="|", ms=12, mew=2.2, ls="")


def _key(text: str, **style: Any) -> Line2D:
    return Line2D([], [], label=text, **style)


def _legend(axes: Axes, keys: Sequence[Line2D]) -> None:
    # the pad is in units of the font, so the distance is the same below tall and short panels
    axes.legend(
        handles=keys,
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        borderaxespad=2.6,
        ncols=len(keys),
        frameon=False,
        fontsize=9,
        handlelength=1.2,
        columnspacing=1.2,
    )


def _short(labels: Sequence[str]) -> list[str]:
    return [
        plain(label if len(label) <= LONGEST_NAME else label[: LONGEST_NAME - 1] + "…")
        for label in labels
    ]


def plain(text: str) -> str:
    """Keep matplotlib from reading a formula between dollar signs, and refusing a wrong one."""
    return text.replace("$", r"\$")


def mark_synthetic(figure: Figure, text: str = "synthetic data") -> None:
    """Write a warning into the upper right corner of a figure."""
    mark = {"facecolor": "#fff3d6", "edgecolor": ORANGE, "boxstyle": "round,pad=0.4"}
    top = 1 - 0.12 / figure.get_figheight()
    figure.text(0.99, top, text, ha="right", va="top", fontsize=12, bbox=mark)


def save(figure: Figure, out: Path, *, dpi: int = DPI) -> None:
    """Write a figure as a PNG or SVG file, by its ending, that appears whole or not at all."""
    kind = "svg" if out.suffix == ".svg" else "png"
    about = {"Date": None} if kind == "svg" else {}  # so that equal figures are equal files
    with atomic_write(out) as part, rc_context({"svg.hashsalt": "mien"}):
        figure.savefig(part, dpi=dpi, format=kind, metadata=about)
