"""Results as a PNG picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from mien.files import whole
from mien.report.tables import UNDEFINED, one_label_each

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
"""Characters of a label's name that a picture shows."""


def picture(
    metrics: Mapping[str, Mapping[str, Any]], out: Path, title: str, synthetic: bool
) -> None:
    """Draw the results of one or more tasks, a row each.

    Each row shows the overall figures with their 95 % interval, two figures for each label, and
    what was taken for what (where utterances have one label) or else all figures by label; of
    sentiment the error at each step. Black ticks mark what a constant answer reaches: the most
    frequent label, always "no", or the median sentiment.

    Parameters
    ----------
    metrics : mapping of str to mapping
        For each task, by name, what `mien.metrics.evaluate` returns.
    out : Path
        The PNG file to write.
    title : str
        Heading of the picture.
    synthetic : bool
        Mark the picture "synthetic data".
    """
    heights = [_height(len(block["labels"])) for block in metrics.values()]
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


def _task(row: SubFigure, task: str, block: Mapping[str, Any]) -> None:
    row.suptitle(f"{task.capitalize()}: {block['n']} utterances", fontsize=13, color=INK)
    left, middle, right = row.subplots(1, 3, width_ratios=[1.0, 1.0, 1.25])
    _overall(left, block)
    if block.get("sentiment"):
        _errors(middle, block)
        _confusion(right, block["sentiment"]["confusion"], block["labels"])
        return
    _by_label(middle, block)
    if one_label_each(block) or not block["multilabel"]:
        _confusion(right, block["singlelabel"]["confusion"], block["labels"])
    else:
        _all_figures(right, block)


Bar = tuple[str, float | None, float | None, Mapping[str, Any] | None]
"""Its name, the model's figure, the constant answer's, and the interval."""


def _overall_bars(block: Mapping[str, Any]) -> list[Bar]:
    if block.get("sentiment"):
        return _sentiment_bars(block)
    single, several = block["singlelabel"], block["multilabel"]
    frequent, no = block["baselines"]["most_frequent"], block["baselines"]["always_no"]
    bars: list[Bar] = []
    if single:
        names = {
            "average recall\n(UA)": "ua",
            "accuracy\n(WA)": "wa",
            "average F1\n(macro)": "macro_f1",
        }
        if single["top5"] is not None:
            names["among first\nfive (top-5)"] = "top5"
        bars += [
            (text, single[name], frequent and frequent[name], block["intervals"].get(name))
            for text, name in names.items()
        ]
    if several:
        mean, mean_no, spread = several["average"], no["average"], block["intervals"]["average_f1"]
        bars.append(("average F1\n(yes or no)", mean["f1"], mean_no["f1"], spread))
        bars.append(("accuracy\n(yes or no)", mean["accuracy"], mean_no["accuracy"], None))
        if not one_label_each(block):
            name = "weighted_accuracy"
            bars.append(("weighted acc.\n(yes or no)", mean[name], mean_no[name], None))
    return bars


def _sentiment_bars(block: Mapping[str, Any]) -> list[Bar]:
    names = {
        "negative or\npositive (Acc2)": "acc2",
        "negative or\nnot (Acc2)": "acc2_non_negative",
        "five steps\n(Acc5)": "acc5",
        "seven steps\n(Acc7)": "acc7",
        "correlation": "correlation",
    }
    figures, constant = block["sentiment"], block["baselines"]["constant"]
    return [
        (text, figures[name], constant[name], block["intervals"].get(name))
        for text, name in names.items()
    ]


def _overall(axes: Axes, block: Mapping[str, Any]) -> None:
    bars = _overall_bars(block)
    for place, (_, value, baseline, interval) in enumerate(bars):
        axes.barh(place, value or 0, height=0.55, color=BLUE)
        ends = [value or 0, baseline or 0]
        if interval:
            axes.plot([interval["low"], interval["high"]], [place] * 2, color=ORANGE, lw=3)
            ends.append(interval["high"])
        _tick(axes, baseline, place, 0.55)
        text = "not defined" if value is None else f"{value:.2f}"
        axes.text(max(ends) + 0.02, place, text, va="center", fontsize=10, color=INK)
    axes.set_title("overall", fontsize=11)
    _rows(axes, [bar[0] for bar in bars])
    _scale(axes, room=0.14)
    axes.set_box_aspect(BAR_ASPECT * len(bars))
    axes.set_anchor("N")
    keys = [_key("this model", color=BLUE, lw=7)]
    if any(interval for *_, interval in bars):
        keys.append(_key("95 % interval", color=ORANGE, lw=3))
    # both kinds of figures, or sentiment, which has neither
    both = bool(block["singlelabel"]) == bool(block["multilabel"])
    one = "most frequent label" if block["singlelabel"] else "always no"
    _legend(axes, [*keys, _tick_key("constant answer" if both else one)])


def _by_label(axes: Axes, block: Mapping[str, Any]) -> None:
    if block["multilabel"]:
        figures, baseline = block["multilabel"], block["baselines"]["always_no"]
        pair, constant = {"F1 (yes or no)": "f1", "accuracy (yes or no)": "accuracy"}, "always no"
    else:
        figures, baseline = block["singlelabel"], block["baselines"]["most_frequent"]
        pair, constant = {"F1": "f1", "recall": "recall"}, "most frequent label"
    for shift, colour, name in zip((-0.2, 0.2), (BLUE, ORANGE), pair.values(), strict=True):
        for place, label in enumerate(block["labels"]):
            value = figures["per_label"][label][name] or 0
            axes.barh(place + shift, value, height=0.36, color=colour)
            if baseline:
                _tick(axes, baseline["per_label"][label][name], place + shift, 0.36)
    axes.set_title("by label", fontsize=11)
    _rows(axes, _short(block["labels"]))
    _scale(axes)
    keys = [_key(text, color=c, lw=7) for text, c in zip(pair, (BLUE, ORANGE), strict=True)]
    _legend(axes, [*keys, _tick_key(constant)] if baseline else keys)


def _errors(axes: Axes, block: Mapping[str, Any]) -> None:
    """Draw the mean absolute error of sentiment at each step, and that of the constant answer."""
    steps, constant = block["sentiment"]["per_step"], block["baselines"]["constant"]["per_step"]
    for place, (step, row) in enumerate(steps.items()):
        axes.barh(place, row["mae"] or 0, height=0.55, color=BLUE)
        _tick(axes, constant[step]["mae"], place, 0.55)
    overall = block["sentiment"]["mae"]
    axes.set_title(f"mean absolute error {overall:.2f}, by true sentiment", fontsize=11)
    _rows(axes, block["labels"])
    axes.set_xlim(left=0)
    axes.grid(axis="x", color=PALE)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    _legend(axes, [_key("this model", color=BLUE, lw=7), _tick_key("constant answer")])


def _confusion(axes: Axes, confusion: Sequence[Sequence[int]], labels: Sequence[str]) -> None:
    counts = np.asarray(confusion, float)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0)
    names = _short(labels)
    _heat_map(axes, shares, names, names, numbers=len(names) <= NUMBERED)
    axes.set_title("what was taken for what (share of each true label)", fontsize=11)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")


def _all_figures(axes: Axes, block: Mapping[str, Any]) -> None:
    headings = {
        "recall": "recall",
        "precision": "precision",
        "F1": "f1",
        "weighted acc.": "weighted_accuracy",
        "AUROC": "auroc",
    }
    figures = block["multilabel"]["per_label"].values()
    # As float, None becomes NaN.
    values = np.array([[row[name] for name in headings.values()] for row in figures], float)
    _heat_map(axes, values, _short(block["labels"]), list(headings), numbers=True)
    axes.set_title("all figures by label", fontsize=11)


def _heat_map(
    axes: Axes, values: np.ndarray, rows: Sequence[str], columns: Sequence[str], numbers: bool
) -> None:
    # NaN stays white.
    axes.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=90 if len(columns) > 6 else 0)
    axes.set_yticks(range(len(rows)), rows)
    if numbers:
        for (y, x), value in np.ndenumerate(values):
            text = UNDEFINED if np.isnan(value) else f"{value:.2f}"
            colour = FAINT if value < 0.005 else "white" if value > 0.6 else INK
            axes.text(x, y, text, ha="center", va="center", fontsize=8, color=colour)


def _rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _scale(axes: Axes, room: float = 0.02) -> None:
    axes.set_xlim(0, 1 + room)
    axes.set_xticks(np.linspace(0, 1, 6))
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
    # The pad is in units of the font, so the distance is the same below tall and short panels.
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


def save(figure: Figure, out: Path) -> None:
    """Write a figure as a PNG file that appears whole or not at all."""
    with whole(out) as part:
        figure.savefig(part, format="png", dpi=DPI)
