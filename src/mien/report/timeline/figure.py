"""A timeline as a figure for a paper: lanes of the speakers, and their smoothed scores below."""

import logging
import math
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, MultipleLocator

from mien.inference.answered import answered, tasks_of
from mien.inference.timeline import Timeline, TimelineSegment
from mien.report.plots import FAINT, INK, plain, save
from mien.report.timeline.clock import clock
from mien.report.timeline.course_plot import draw_course
from mien.report.timeline.label_style import LabelStyle
from mien.report.timeline.lanes import lanes
from mien.report.timeline.legend import Legend, legend

logger = logging.getLogger(__name__)

CENTIMETRE = 1 / 2.54
WIDTH = 17 * CENTIMETRE
"""Inches: the text width of most journals' pages."""

DPI = 300
FONT_SIZE = 8.0
"""Points, of all text in the figure."""

ROW_SECONDS = 300.0
TALLEST = 24 * CENTIMETRE
"""A recording takes a row for each five minutes, or fewer rows where the page ends."""

NAME, LANE, COURSE, AXIS, LINE = 0.18, 0.17, 0.46, 0.42, 0.17
LEFT, RIGHT = 0.36, 0.22
"""Inches: heights of a name, a lane, a course, the axis of a row and a line of text; margins."""

LETTER = FONT_SIZE / 72 / COURSE
MOST_SPEAKERS = 8
PATTERNS = ("", "---", "...", "+++")
UNANSWERED, NOT_ANSWERED = "//////", "not answered"

FONTS = ("DejaVu Sans", "Noto Sans CJK JP", "Noto Sans", "Noto Sans Arabic", "Noto Sans Devanagari")
"""Families that are searched for a sign, in this order, as far as they are installed."""

Names = dict[str, list[TimelineSegment]]


def write_figure(timeline: Timeline, path: Path) -> None:
    """Draw the first task of a timeline, 17 cm wide, as a PNG or SVG file by the path's ending.

    Each speaker has a lane of segments, coloured by label and, where there is room, with its
    letter, and below it the courses that are highest on average. A long recording is wrapped into
    rows that fit on a page.

    Raises
    ------
    MienError
        The file can't be written.
    """
    installed = {font.name for font in fontManager.ttflist}
    settings = rc_context(
        {
            "font.size": FONT_SIZE,
            "font.family": [name for name in FONTS if name in installed],
            "hatch.linewidth": 0.6,
            "axes.linewidth": 0.6,
            "xtick.major.width": 0.6,
        }
    )
    with settings, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        save(_figure(timeline), path, dpi=DPI)
    if any("Glyph" in str(one.message) for one in caught):
        logger.warning("%s: letters that no installed font has are drawn as boxes", path)


def _figure(timeline: Timeline) -> Figure:
    by_name = lanes(timeline)
    shown = _most_speech(by_name)
    tasks = tasks_of(timeline.segments)
    task = legend(timeline, tasks[0]) if tasks else None
    drawn = {one.speaker: one for one in timeline.courses if task and one.task == task.task}
    height = sum(NAME + LANE + COURSE * (name in drawn) for name in shown) or LANE
    lines = math.ceil((len(task.bars) + 1) / _columns(task)) if task else 0
    head = LINE * (lines + 1.5)
    edges = _rows(timeline, height + AXIS, head)
    figure = Figure(figsize=(WIDTH, head + (height + AXIS) * (len(edges) - 1)))
    _head(figure, timeline, task, len(by_name) - len(shown))
    for row, span in enumerate(pairwise(edges)):
        top = head + row * (height + AXIS)
        for name in shown:
            top += NAME
            _lane(_axes(figure, top, LANE, span), name, by_name[name], task)
            top += LANE
            if task is not None and name in drawn:
                draw_course(_axes(figure, top, COURSE, span), drawn[name], task, letter=LETTER)
                top += COURSE
        _time_axis(figure.axes[-1] if shown else _axes(figure, top, LANE, span), span)
    return figure


def _most_speech(by_name: Names) -> list[str]:
    """Name the speakers who speak most, in the order of the lanes."""
    seconds = {name: sum(s.end - s.start for s in own) for name, own in by_name.items()}
    most = sorted(seconds, key=lambda name: -seconds[name])[:MOST_SPEAKERS]
    return [name for name in by_name if name in most]


def _rows(timeline: Timeline, height: float, head: float) -> list[float]:
    """Divide the recording into rows of equal length, as many as fit on a page."""
    seconds = max(timeline.seconds, 0.001)
    fit = max(int((TALLEST - head) / height), 1)
    count = min(max(math.ceil(seconds / ROW_SECONDS), 1), fit)
    return [timeline.start + seconds * row / count for row in range(count + 1)]


def _axes(figure: Figure, top: float, height: float, span: tuple[float, float]) -> Axes:
    """Make axes at a distance from the top, in inches."""
    tall = figure.get_figheight()
    width = 1 - (LEFT + RIGHT) / WIDTH
    box = (LEFT / WIDTH, 1 - (top + height) / tall, width, height / tall)
    axes = figure.add_axes(box)
    axes.set_xlim(*span)
    axes.tick_params(length=0, labelbottom=False, pad=2, labelcolor=INK)
    axes.spines[:].set_visible(False)
    return axes


def _lane(axes: Axes, name: str, segments: Sequence[TimelineSegment], task: Legend | None) -> None:
    axes.set_facecolor("#f2f5f8")
    axes.set(ylim=(0, 1), yticks=[])
    low, high = axes.get_xlim()
    looks = dict[str | None, list[TimelineSegment]]()
    for segment in segments:
        if segment.end > low and segment.start < high:
            predicted = answered(segment, task.task) if task else None
            key = task.key(predicted) if task and predicted else None
            looks.setdefault(key, []).append(segment)
    for key, alike in looks.items():
        style = task.bars.get(key) if task and key is not None else None
        _segments(axes, alike, style, hatch=UNANSWERED if key is None else "")
    width = int((WIDTH - LEFT - RIGHT) * 72 / (0.65 * FONT_SIZE))
    label = name if len(name) <= width else f"{name[: width - 1]}…"
    axes.annotate(
        *(plain(label), (0, 1)),
        xycoords="axes fraction",
        xytext=(0, 2.5),
        textcoords="offset points",
        weight="bold",
        color=INK,
    )


def _segments(
    axes: Axes, alike: Sequence[TimelineSegment], style: LabelStyle | None, hatch: str
) -> None:
    """Draw the segments of one look, with the letter where there is room."""
    low, high = axes.get_xlim()
    seen = [(max(one.start, low), min(one.end, high)) for one in alike]
    narrowest = (high - low) / 2000
    spans = [(start, max(end - start, narrowest)) for start, end in seen]
    axes.broken_barh(spans, (0.04, 0.92), **_look(style, hatch))
    if style is not None:
        _letters(axes, seen, style)


def _letters(axes: Axes, seen: Sequence[tuple[float, float]], style: LabelStyle) -> None:
    low, high = axes.get_xlim()
    for start, end in seen:
        if (end - start) / (high - low) * WIDTH > 0.1 * len(style.letter) + 0.04:
            axes.text(
                *((start + end) / 2, 0.47, plain(style.letter)),
                color=style.ink,
                ha="center",
                va="center_baseline",
                path_effects=[withStroke(linewidth=2, foreground=style.fill)],
            )


def _time_axis(axes: Axes, span: tuple[float, float]) -> None:
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
    least = (span[1] - span[0]) / 9
    step = next((one for one in steps if one >= least), steps[-1] * math.ceil(least / steps[-1]))
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: clock(seconds + 1e-6)))
    axes.tick_params(axis="x", length=2.5, labelbottom=True, colors=INK)
    axes.spines["bottom"].set(visible=True, color=FAINT)


def _head(figure: Figure, timeline: Timeline, task: Legend | None, left_out: int) -> None:
    """Write what is shown, and the legend."""
    tall = figure.get_figheight()
    left, top = LEFT / WIDTH, 1 - 0.06 / tall
    title = f"Predicted {task.task}" if task else "Nothing is predicted"
    notes = [
        *(["model trained on synthetic data"] if timeline.synthetic_training else []),
        *([f"{left_out} more speaker{'s' * (left_out > 1)} not shown"] if left_out else []),
    ]
    text = "; ".join([title, *notes])
    figure.text(left, top, plain(text), va="top", weight="bold", color=INK)
    if task is None:
        return
    unanswered = Patch(**_look(None, UNANSWERED), label=NOT_ANSWERED)
    figure.legend(
        handles=[*map(_key, task.bars.values()), unanswered],
        loc="upper left",
        bbox_to_anchor=(left, top - LINE / tall),
        ncols=_columns(task),
        frameon=False,
        borderaxespad=0,
        borderpad=0,
        handlelength=1.4,
        handletextpad=0.4,
        columnspacing=1.0,
        labelspacing=0.35,
    )


def _columns(task: Legend) -> int:
    """Say how many labels go side by side."""
    texts = [NOT_ANSWERED, *(f"{style.letter}  {style.name}" for style in task.bars.values())]
    width = 0.35 + max(map(len, texts)) * 0.55 * FONT_SIZE / 72
    return min(max(int((WIDTH - LEFT) / width), 1), len(task.bars) + 1)


def _key(style: LabelStyle) -> Patch:
    return Patch(**_look(style), label=plain(f"{style.letter}  {style.name}"))


def _look(style: LabelStyle | None, hatch: str = "") -> dict[str, Any]:
    """Give the colours and the pattern of segments."""
    if style is None:
        return {"fc": "white", "ec": FAINT, "lw": 0.4, "hatch": hatch or None}
    pattern = PATTERNS[style.pattern] or None
    return {
        **{"fc": style.fill, "ec": style.ink if pattern else style.line},
        **{"lw": 0.4, "hatch": pattern},
    }
