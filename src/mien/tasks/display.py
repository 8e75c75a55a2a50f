"""How the metrics of a task are shown: tables and charts as plain data, which a report draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from mien.tasks.interval import Interval

UNDEFINED = "–"
"""Stands where a metric has no value (see `mien.metrics.classification` for when that is)."""

Row = tuple[str, ...]
Intervals = Mapping[str, Interval | None]


@dataclass(frozen=True)
class Table:
    """Text cells: a heading, one row a label, and below a rule the averages and baselines."""

    title: str
    header: Row
    labels: list[Row]
    summary: list[Row]
    notes: list[str]


@dataclass(frozen=True)
class Bar:
    """A metric of the model, that of a baseline (None: has none), and its interval."""

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
        By what each series is called.
    baseline : str
        What the baseline is called; it is marked where a bar has one.
    highest : float or None
        End of the scale; None: as far as the bars go.
    """

    title: str
    series: dict[str, list[Bar]]
    baseline: str
    highest: float | None = 1.0


@dataclass(frozen=True)
class HeatMap:
    """Values from 0 to 1 (None: undefined) in rows and columns."""

    title: str
    values: list[list[float | None]]
    rows: list[str]
    columns: list[str]
    row_axis: str = ""
    column_axis: str = ""


@dataclass(frozen=True)
class Charts:
    """What a task's row of the picture of results shows, from left to right."""

    overall: Bars
    by_label: Bars
    matrix: HeatMap | None = None


def confusion(counts: Sequence[Sequence[int]], labels: Sequence[str]) -> HeatMap:
    """Show a confusion matrix, as shares of each true label."""
    shares: list[list[float | None]] = [
        [count / total if (total := sum(row)) else None for count in row] for row in counts
    ]
    title = "what was taken for what (share of each true label)"
    return HeatMap(title, shares, list(labels), list(labels), "true", "predicted")


def number(value: float | None) -> str:
    """Write a metric."""
    return UNDEFINED if value is None else f"{value:.3f}"


def cells(metrics: BaseModel, names: Mapping[str, str]) -> Row:
    """Write the metrics that stand under these headings, each by the name of its field."""
    return tuple(number(getattr(metrics, name)) for name in names.values())


def interval_row(found: Intervals, names: Mapping[str, str], blank: int = 0) -> list[Row]:
    """Give the row of intervals below metrics of these names; nothing where there are none."""
    if not any(found.values()):
        return []
    row = (
        f"{interval.low:.2f}–{interval.high:.2f}" if (interval := found.get(name)) else ""
        for name in names.values()
    )
    return [("95 % interval", *[""] * blank, *row)]


def interval_note(interval: Interval | None) -> list[str]:
    """Say how an interval was made and whom it covers."""
    if interval is None:
        return []
    drawn = interval.by if interval.by == "utterance" else f"{interval.by} and then by utterance"
    notes = [f"Interval: {interval.resamples} resamples, each drawn by {drawn}."]
    if interval.covers:
        notes.append(f"It covers {interval.covers}: others may do better or worse.")
    return notes
