"""Learning curves as a PNG file."""

import csv
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mien.errors import MienError
from mien.report.plots import BLUE, INK, ORANGE, PALE, save
from mien.tasks import TASKS

SPLIT_COLOURS = {"train": BLUE, "valid": ORANGE, "val": ORANGE, "test": "#5b8c5a", "": INK}

COLUMN = re.compile(r"^(?:(train|valid|val|test)[/_])?(.+?)(_step|_epoch)?$")
"""A column of the training log: the split, the quantity, and over what it was gathered."""

Curves = dict[str, dict[str, list[tuple[float, float]]]]
"""The points (step, value) by quantity and line."""


def plot_curves(log_csv: Path, out: Path) -> None:
    """Draw learning curves from a run's ``log/metrics.csv``, which has a row for each epoch.

    There is one panel a quantity: columns that differ in the split only (``train/loss``,
    ``valid/loss``) share it. Empty cells, NaN and infinity are not drawn.

    Parameters
    ----------
    log_csv : Path
        The log, with a ``step`` column.
    out : Path
        The PNG file to write.

    Raises
    ------
    MienError
        The log is missing, is not such a log, or holds no numbers yet.
    """
    panels = _read_log(log_csv)
    columns = min(3, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(5 * columns, 3.4 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (quantity, lines) in zip(grid, panels.items(), strict=False):
        _lines(axes, lines)
        axes.set_title(quantity, fontsize=11)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    save(figure, out)


def _lines(axes: Axes, lines: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    for name, points in lines.items():
        split, _, each_step = name.partition(", ")
        style: dict[str, Any] = {"lw": 1, "alpha": 0.45} if each_step else {"lw": 2}
        # a single point is no line and would not be seen
        marker = "o" if len(points) == 1 else None
        axes.plot(*zip(*points, strict=True), color=SPLIT_COLOURS[split], marker=marker, **style)
    if any(lines):
        axes.legend(list(lines), frameon=False, fontsize=9)
    axes.set_xlabel("training step")
    axes.grid(color=PALE)
    axes.spines[["top", "right"]].set_visible(False)


def _read_log(log_csv: Path) -> Curves:
    if not log_csv.is_file():
        raise MienError(f"There is no training log at {log_csv}: train first.")
    panels: Curves = defaultdict(dict)
    try:
        with log_csv.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                _add_row(panels, row)
    except (LookupError, TypeError, ValueError) as error:
        raise MienError(f"{log_csv} is not a training log that can be drawn: {error}") from error
    if not panels:
        raise MienError(f"The training log {log_csv} holds no values yet: train for longer.")
    return panels


def _add_row(panels: Curves, row: Mapping[str, str]) -> None:
    for column, cell in row.items():
        if column in ("epoch", "step") or not cell or not math.isfinite(float(cell)):
            continue
        split, quantity, gathered = COLUMN.findall(column)[0]
        name = split + (", each step" if gathered == "_step" else "")
        points = panels[_title(quantity)].setdefault(name, [])
        points.append((float(row["step"]), float(cell)))


def _title(quantity: str) -> str:
    """Write a quantity for reading: a monitored metric as its task does."""
    titles = {kind.monitor.name: kind.monitor.title for kind in TASKS.values()}
    return " ".join(titles.get(word, word) for word in quantity.split("_"))
