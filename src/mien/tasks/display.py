"""Tables and charts of metrics as plain data, which reports render."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from mien.tasks.interval import Interval

UNDEFINED = "–"
"""Shown for a metric that is undefined (`mien.metrics.classification` says when)."""

Row = tuple[str, ...]
Intervals = Mapping[str, Interval | None]


@dataclass(frozen=True)
class Table:
    """A table of text cells: a row for each label and, below a rule, averages and baselines."""

    title: str
    header: Row
    labels: list[Row]
    summary: list[Row]
    notes: list[str]


@dataclass(frozen=True)
class Bar:
    """A metric of the model, the metric of a baseline if there is one, and the interval."""

    name: str
    value: float | None
    baseline: float | None = None
    interval: Interval | None = None


@dataclass(frozen=True)
class Bars:
    """One or two series of bars over the same names.

    Parameters
    ----------
    title : str
        Heading.
    series : dict of str to list of Bar
        The bars by the name of their series.
    baseline : str
        Name of the baseline, which is marked on bars that have one.
    highest : float or None
        Upper limit of the axis; None: the highest bar.
    """

    title: str
    series: dict[str, list[Bar]]
    baseline: str
    highest: float | None = 1.0


@dataclass(frozen=True)
class HeatMap:
    """A matrix of values from 0 to 1 (None: undefined)."""

    title: str
    values: list[list[float | None]]
    rows: list[str]
    columns: list[str]
    row_axis: str = ""
    column_axis: str = ""


@dataclass(frozen=True)
class Charts:
    """The charts of a task in a figure of the results, from left to right."""

    overall: Bars
    by_label: Bars
    matrix: HeatMap | None = None


def confusion(counts: Sequence[Sequence[int]], labels: Sequence[str]) -> HeatMap:
    """Convert a confusion matrix of counts into a heat map of shares of each true label."""
    shares: list[list[float | None]] = [
        [count / total if (total := sum(row)) else None for count in row] for row in counts
    ]
    title = "confusion matrix (share of each true label)"
    return HeatMap(title, shares, list(labels), list(labels), "true", "predicted")


def number(value: float | None) -> str:
    """Format a metric."""
    return UNDEFINED if value is None else f"{value:.3f}"


def cells(metrics: BaseModel, names: Mapping[str, str]) -> Row:
    """Format metrics by the names of their fields, in the order of the headings in `names`."""
    return tuple(number(getattr(metrics, name)) for name in names.values())


def interval_row(found: Intervals, names: Mapping[str, str], blank: int = 0) -> list[Row]:
    """Return the row of intervals for these metrics, no row if there are no intervals."""
    if not any(found.values()):
        return []
    row = (
        f"{interval.low:.2f}–{interval.high:.2f}" if (interval := found.get(name)) else ""
        for name in names.values()
    )
    return [("95 % interval", *[""] * blank, *row)]


def interval_note(interval: Interval | None) -> list[str]:
    """Describe how an interval was computed and which speakers it covers."""
    if interval is None:
        return []
    drawn = interval.by if interval.by == "utterance" else f"{interval.by} and then by utterance"
    notes = [f"Interval: {interval.resamples} resamples, each drawn by {drawn}."]
    if interval.covers:
        notes.append(f"It covers {interval.covers}: others may do better or worse.")
    return notes
