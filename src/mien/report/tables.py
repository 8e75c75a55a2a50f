"""Metrics as fixed-width tables for a terminal."""

import textwrap

from mien.tasks import TaskMetrics
from mien.tasks.display import Row, Table

HEADING_WIDTH = 10
"""Characters in a line of a column's heading, so that nine columns fit a terminal."""


def table(metrics: TaskMetrics) -> str:
    """Write one task's metrics for a terminal.

    Parameters
    ----------
    metrics : TaskMetrics
        What `mien.tasks.Task.evaluate` returns.

    Returns
    -------
    str
        Fixed-width tables: a row for each label, averages with their interval, and the baselines.
    """
    return "\n\n".join(fixed_width(each) for each in metrics.tables())


def fixed_width(table: Table) -> str:
    """Write a table in columns of fixed width: heading, rows, summary, notes."""
    headings = [textwrap.wrap(cell, HEADING_WIDTH) or [""] for cell in table.header]
    height = max(map(len, headings))
    head = list(zip(*([""] * (height - len(lines)) + lines for lines in headings), strict=True))
    rows = [*head, *table.labels, *table.summary]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.header))]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    lines = [table.title, *(_line(row, widths) for row in head), rule]
    if table.labels:
        lines += [_line(row, widths) for row in table.labels]
    if table.labels and table.summary:
        lines.append(rule)
    return "\n".join([*lines, *(_line(row, widths) for row in table.summary), *table.notes])


def _line(row: Row, widths: list[int]) -> str:
    first, *others = (
        cell.rjust(width) if column else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([first, *others]).rstrip()
