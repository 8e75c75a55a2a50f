"""A table in the formats that people paste: Markdown, CSV and LaTeX."""

import csv
import io
import re
from collections.abc import Callable

from mien.report.tables import fixed_width
from mien.tasks.display import UNDEFINED, Row, Table

_LATEX = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "−": "$-$",
    "±": r"$\pm$",
    **{sign: f"${sign}$" for sign in "<>|"},
}


def markdown(table: Table) -> str:
    """Write a table as GitHub's Markdown shows it, with its notes below."""
    rows = [table.header, *table.labels, *table.summary]
    lines = [f"**{table.title}**", "", _bar(rows[0])]
    lines.append(_bar(("---", *["---:"] * (len(rows[0]) - 1))))
    lines += [_bar(row) for row in rows[1:]]
    return "\n".join([*lines, "", *table.notes, ""])


def _bar(row: Row) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def comma_separated(table: Table) -> str:
    """Write header and rows of a table as CSV; title and notes are left out.

    Numbers are as programs read them: with a plain minus, and empty where they are not defined.
    """
    text = io.StringIO()
    rows = [tuple(map(_plain, row)) for row in (*table.labels, *table.summary)]
    csv.writer(text, lineterminator="\n").writerows([table.header, *rows])
    return text.getvalue()


def _plain(cell: str) -> str:
    return "" if cell == UNDEFINED else cell.replace("−", "-")


def latex(table: Table) -> str:
    """Write a table for LaTeX with the package booktabs; its notes are comments."""
    rows = [*map(_row, table.labels)]
    if table.labels and table.summary:
        rows.append(r"\midrule")
    rows += map(_row, table.summary)
    columns = "l" + "r" * (len(table.header) - 1)
    return "\n".join(
        [
            f"% {table.title}",
            *(f"% {note}" for note in table.notes),
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            _row(table.header),
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _row(row: Row) -> str:
    return " & ".join(map(escaped, row)) + r" \\"


def escaped(text: str) -> str:
    r"""Write text so that LaTeX sets it as it is.

    Examples
    --------
    >>> escaped("50 % of a_b")
    '50 \\% of a\\_b'
    >>> escaped("<0.001")
    '$<$0.001'
    """
    return re.sub("[" + re.escape("".join(_LATEX)) + "]", lambda sign: _LATEX[sign[0]], text)


FORMATS: dict[str, Callable[[Table], str]] = {
    ".txt": fixed_width,
    ".md": markdown,
    ".csv": comma_separated,
    ".tex": latex,
}
"""What writes a table, by the ending of the file."""
