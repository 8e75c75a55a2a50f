"""A comparison as a plot: each system's metric with its interval."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mien.report.comparison_report import Comparison
from mien.report.plots import BLUE, FAINT, INK, mark_synthetic, plain, save

WIDTH = 8.0
ROW = 0.45
"""Inches for a system."""


def plot_comparison(found: Comparison, out: Path) -> None:
    """Draw the systems below each other, with a constant prediction and chance as lines.

    Parameters
    ----------
    found : Comparison
        What `mien.report.comparison_report.compare` gives.
    out : Path
        The SVG or PNG file to write.
    """
    figure = Figure(figsize=(WIDTH, 1.5 + ROW * len(found.systems)), layout="constrained")
    axes = figure.subplots()
    for place, system in enumerate(found.systems):
        if system.value is None:
            continue
        if (spread := system.interval) is not None:
            axes.plot([spread.low, spread.high], [place] * 2, color=BLUE, lw=2.5, alpha=0.6)
        axes.plot(system.value, place, "o", color=BLUE, ms=8)
        axes.annotate(
            f"{system.value:.3f}",
            (system.value, place),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=9,
            color=INK,
        )
    for name, value, style in (
        ("constant prediction", found.constant, "-"),
        ("chance", found.chance, ":"),
    ):
        if value is not None:
            axes.axvline(value, color=FAINT, ls=style, label=f"{name} {value:.3f}")
    _finish(axes, found)
    if found.synthetic:
        mark_synthetic(figure)
    save(figure, out)


def _finish(axes: Axes, found: Comparison) -> None:
    axes.set_yticks(range(len(found.systems)), [plain(system.name) for system in found.systems])
    axes.set_ylim(len(found.systems) - 0.5, -0.7)
    axes.set_xlabel(plain(f"{found.title}, with its 95 % interval; {found.n} utterances"))
    axes.set_title(plain(found.task), loc="left", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color=FAINT, alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.3), ncols=2, frameon=False)
