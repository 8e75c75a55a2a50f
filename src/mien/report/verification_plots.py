"""Plots of verification: DET and CMC curves, as a PNG file."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import norm

from mien.report.plots import BLUE, INK, ORANGE, PALE, mark_synthetic, plain, save
from mien.report.verification_report import VerificationReport

COLOURS = {"clips": BLUE, "sentences": "#5b8c5a", "dialogues": ORANGE, "sessions": "#a24a5c"}
STYLES = {"silence alone": ":", "text alone": "--"}

RATES = (0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
LEAST = 0.0005
"""Lower rates, such as 0, are drawn here: the axes of a DET curve have no 0."""


def plot_verification(result: VerificationReport, out: Path) -> None:
    """Draw the DET curves, the CMC curves and the EER by number of enrolled clips.

    Parameters
    ----------
    result : VerificationReport
        What `mien.identity.verification.verify_run` returns.
    out : Path
        The PNG file to write.
    """
    figure = Figure(figsize=(16, 6.6), layout="constrained")
    heading = f"{result.source}, {result.speakers} speakers of {result.data}"
    figure.suptitle(plain(heading), fontsize=15, color=INK)
    if result.synthetic:
        mark_synthetic(figure)
    det, cmc, clips = figure.subplots(1, 3)
    for row in result.rows:
        style = {"color": COLOURS[row.pairing], "ls": STYLES.get(row.input, "-"), "lw": 2}
        found = row.metrics
        label = plain(f"{row.about}: {row.input}")
        fmr, fnmr = norm.ppf(np.clip(found.det, LEAST, 1 - LEAST)).T
        det.plot(fmr, fnmr, label=label, **style)
        cmc.plot(range(1, len(found.cmc) + 1), found.cmc, marker=".", **style)
        numbers = [int(number) for number in found.by_clips]
        clips.plot(numbers, [fewer.eer for fewer in found.by_clips.values()], marker="o", **style)
    _det(det)
    _cmc(cmc)
    _clips(clips)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=10)
    save(figure, out)


def _det(axes: Axes) -> None:
    places, names = norm.ppf(RATES), [f"{100 * rate:g} %" for rate in RATES]
    axes.set_xticks(places, names, rotation=45)
    axes.set_yticks(places, names)
    ends = norm.ppf([LEAST, RATES[-1]])
    axes.set_xlim(*ends)
    axes.set_ylim(*ends)
    axes.plot(ends, ends, color=PALE, lw=1, zorder=0)
    axes.set_aspect("equal")
    _finish(axes, "DET curve", "false match rate", "false non-match rate")


def _cmc(axes: Axes) -> None:
    axes.set_ylim(0, 1.03)
    _finish(axes, "CMC curve", "rank", "share of probes whose speaker is within the rank")


def _clips(axes: Axes) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks([1, 2, 4, 8], ["1", "2", "4", "8"])
    axes.set_ylim(bottom=0)
    _finish(axes, "by number of enrolled clips", "clips", "equal error rate")


def _finish(axes: Axes, title: str, across: str, up: str) -> None:
    axes.set_title(title, fontsize=12)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(color=PALE)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
