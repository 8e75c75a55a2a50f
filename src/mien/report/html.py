"""A run's metrics as an HTML page."""

import base64
from collections.abc import Mapping
from html import escape
from pathlib import Path

from mien.tasks import TaskMetrics
from mien.tasks.display import UNDEFINED, Row, Table

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2933; background: #fff;
       max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin-bottom: .2rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #d5dbe1; padding-bottom: .2rem; }
.synthetic { background: #fff3d6; border-left: 4px solid #d98c1f; padding: .5rem 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin-top: 1.2rem; }
caption { text-align: left; font-weight: 600; padding-bottom: .3rem; }
th, td { padding: .25rem .8rem; text-align: right; vertical-align: bottom; }
th { font-weight: 600; }
th:first-child { text-align: left; white-space: nowrap; }
td { white-space: nowrap; }
tbody th, tfoot th { font-weight: 400; }
thead { border-bottom: 1px solid #9aa5b1; }
tfoot { border-top: 1px solid #9aa5b1; background: #f4f6f8; }
tbody tr:hover { background: #eef4fa; }
p.notes { color: #52606d; font-size: .9rem; margin: .3rem 0; }
figure { margin: 2rem 0; }
img { max-width: 100%; height: auto; border: 1px solid #d5dbe1; }
figcaption { color: #52606d; font-size: .9rem; }
"""


def html(
    title: str,
    metrics: Mapping[str, TaskMetrics],
    plots: Mapping[str, Path],
    *,
    synthetic: bool = False,
) -> str:
    """Write a self-contained page: it loads nothing from elsewhere.

    Parameters
    ----------
    title : str
        Heading of the page.
    metrics : mapping of str to TaskMetrics
        For each task, by name, what `mien.tasks.Task.evaluate` returns.
    plots : mapping of str to Path
        PNG files by caption.
    synthetic : bool
        Say that the data are synthetic.

    Returns
    -------
    str
        An HTML document.
    """
    warning = '<p class="synthetic">These results come from synthetic data.</p>'
    blocks = [
        f"<h1>{escape(title)}</h1>",
        *([warning] if synthetic else []),
        *(_figure(caption, path) for caption, path in plots.items()),
        *(_section(task, block) for task, block in metrics.items()),
        f'<p class="notes">{UNDEFINED} stands where a metric is not defined, such as the '
        "recall of a label that does not occur.</p>",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(blocks)
        + "\n</body>\n</html>\n"
    )


def _figure(caption: str, path: Path) -> str:
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    caption = escape(caption)
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{caption}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _section(task: str, block: TaskMetrics) -> str:
    body = "\n".join(_html_table(table) for table in block.tables())
    heading = f"{escape(task.capitalize())}, {block.n} utterances"
    return f"<section>\n<h2>{heading}</h2>\n{body}\n</section>"


def _html_table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.header)
    body = f"<tbody>{_html_rows(table.labels)}</tbody>" if table.labels else ""
    notes = "".join(f'<p class="notes">{escape(note)}</p>' for note in table.notes)
    return (
        f'<div class="wide"><table><caption>{escape(table.title)}</caption>'
        f"<thead><tr>{head}</tr></thead>{body}<tfoot>{_html_rows(table.summary)}</tfoot>"
        f"</table></div>{notes}"
    )


def _html_rows(rows: list[Row]) -> str:
    return "\n".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in others)
        + "</tr>"
        for first, *others in rows
    )
