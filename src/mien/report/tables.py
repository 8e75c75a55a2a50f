"""What was measured, laid out in tables, and these as text for a terminal."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNDEFINED = "–"
"""Stands where a figure has no value (see `mien.metrics.classification` for when that is)."""

HEADING_WIDTH = 10
"""Characters in a line of a column's heading, so that nine columns fit a terminal."""

OVERALL = {
    "accuracy (WA)": "wa",
    "average recall (UA)": "ua",
    "average F1 (macro)": "macro_f1",
    "weighted F1": "weighted_f1",
    "among first five (top-5)": "top5",
}
ONE_OF_MANY = {"recall": "recall", "precision": "precision", "F1": "f1"}
YES_OR_NO = {
    "accuracy": "accuracy",
    "weighted accuracy": "weighted_accuracy",
    "recall": "recall",
    "precision": "precision",
    "F1": "f1",
    "AUROC": "auroc",
}

SENTIMENT = {
    "mean absolute error": "mae",
    "Pearson's r": "correlation",
    "negative, positive (Acc2)": "acc2",
    "negative, positive (F1)": "f1",
    "negative, not (Acc2)": "acc2_non_negative",
    "negative, not (F1)": "f1_non_negative",
    "five steps (Acc5)": "acc5",
    "seven steps (Acc7)": "acc7",
}

Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Text cells: a heading, one row a label, and below a rule the averages and baselines."""

    title: str
    header: Row
    labels: list[Row]
    summary: list[Row]
    notes: list[str]


def tables(block: Mapping[str, Any]) -> list[Table]:
    """Lay out what `mien.metrics.evaluate` found.

    Parameters
    ----------
    block : mapping
        One task's figures.

    Returns
    -------
    list of Table
        For one label an utterance: overall, and by label. For yes or no to each label: one table,
        which comes first where some utterances have several labels or none. For sentiment:
        overall, and by step.
    """
    if block.get("sentiment"):
        return [_sentiment(block), _by_step(block)]
    single = [_overall(block), _one_of_many(block)] if block["singlelabel"] else []
    several = [_yes_or_no(block)] if block["multilabel"] else []
    return single + several if one_label_each(block) else several + single


def one_label_each(block: Mapping[str, Any]) -> bool:
    """Tell whether every utterance judged has exactly one label."""
    return bool(block["singlelabel"]) and block["singlelabel"]["n"] == block["n"]


def _sentiment(block: Mapping[str, Any]) -> Table:
    constant = block["baselines"]["constant"]
    return Table(
        "Sentiment from -3 (negative) to 3 (positive). Overall",
        ("", *SENTIMENT),
        [],
        [
            ("this model", *_cells(block["sentiment"], SENTIMENT)),
            *_interval_row(block, {"mae": "mae", "acc2": "acc2"}, SENTIMENT),
            (f"always {constant['answer']:g}", *_cells(constant, SENTIMENT)),
        ],
        [
            f"Median of the training part, in whole steps: {constant['answer']:g}.",
            *_interval_note(block["intervals"]["mae"]),
        ],
    )


def _by_step(block: Mapping[str, Any]) -> Table:
    figures = block["sentiment"]
    return Table(
        "By true sentiment, in whole steps",
        ("sentiment", "utterances", "mean absolute error"),
        [
            (step, str(row["support"]), _number(row["mae"]))
            for step, row in figures["per_step"].items()
        ],
        [("all", str(block["n"]), _number(figures["mae"]))],
        [],
    )


def _overall(block: Mapping[str, Any]) -> Table:
    figures, frequent = block["singlelabel"], block["baselines"]["most_frequent"]
    names = {
        heading: name
        for heading, name in OVERALL.items()
        if name != "top5" or figures["top5"] is not None
    }
    notes = [f"{figures['n']} of {block['n']} utterances have exactly one label."]
    if frequent:
        notes.append(f"Most frequent label in the training part: {frequent['label']}.")
    return Table(
        "Which label? Overall",
        ("", *names),
        [],
        [
            ("this model", *_cells(figures, names)),
            *_interval_row(block, {"ua": "ua", "macro_f1": "macro_f1"}, names),
            *([("most frequent label", *_cells(frequent, names))] if frequent else []),
        ],
        notes + _interval_note(block["intervals"]["ua"]),
    )


def _one_of_many(block: Mapping[str, Any]) -> Table:
    figures, frequent = block["singlelabel"], block["baselines"]["most_frequent"]
    return Table(
        "Which label? By label",
        ("label", "utterances", *ONE_OF_MANY),
        _label_rows(figures, ONE_OF_MANY),
        [
            ("average", str(figures["n"]), *_macro(figures)),
            *([("most frequent label", "", *_macro(frequent))] if frequent else []),
        ],
        [],
    )


def _yes_or_no(block: Mapping[str, Any]) -> Table:
    figures, no = block["multilabel"], block["baselines"]["always_no"]
    return Table(
        "Has this label, yes or no? By label",
        ("label", "utterances", "threshold", *YES_OR_NO),
        _label_rows(figures, {"threshold": "threshold"} | YES_OR_NO),
        [
            ("average", str(block["n"]), "", *_cells(figures["average"], YES_OR_NO)),
            *_interval_row(block, {"f1": "average_f1"}, YES_OR_NO, blank=2),
            ("always no", "", "", *_cells(no["average"], YES_OR_NO)),
        ],
        _interval_note(block["intervals"]["average_f1"]),
    )


def _label_rows(figures: Mapping[str, Any], names: Mapping[str, str]) -> list[Row]:
    return [
        (label, str(row["support"]), *_cells(row, names))
        for label, row in figures["per_label"].items()
    ]


def _macro(figures: Mapping[str, Any]) -> Row:
    return tuple(_number(figures[name]) for name in ("ua", "macro_precision", "macro_f1"))


def _cells(figures: Mapping[str, Any], names: Mapping[str, str]) -> Row:
    return tuple(_number(figures[name]) for name in names.values())


def _number(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.3f}"


def _interval_row(
    block: Mapping[str, Any], sources: Mapping[str, str], names: Mapping[str, str], blank: int = 0
) -> list[Row]:
    found = {name: block["intervals"][source] for name, source in sources.items()}
    if not any(found.values()):
        return []
    cells = (
        f"{interval['low']:.2f}–{interval['high']:.2f}" if (interval := found.get(name)) else ""
        for name in names.values()
    )
    return [("95 % interval", *[""] * blank, *cells)]


def _interval_note(interval: Mapping[str, Any] | None) -> list[str]:
    if interval is None:
        return []
    by = interval["by"]
    drawn = by if by == "utterance" else f"{by} and then by utterance"
    notes = [f"Interval: {interval['resamples']} resamples, each drawn by {drawn}."]
    # figures of earlier versions do not say what they cover
    if covers := interval.get("covers"):
        notes.append(f"It covers {covers}: others may do better or worse.")
    return notes


def table(block: Mapping[str, Any]) -> str:
    """Write one task's figures for a terminal.

    Parameters
    ----------
    block : mapping
        What `mien.metrics.evaluate` returns.

    Returns
    -------
    str
        Fixed-width tables: a row for each label, averages with their interval, and the baselines.
    """
    return "\n\n".join(_fixed_width(part) for part in tables(block))


def _fixed_width(part: Table) -> str:
    headings = [textwrap.wrap(cell, HEADING_WIDTH) or [""] for cell in part.header]
    height = max(map(len, headings))
    head = list(zip(*([""] * (height - len(lines)) + lines for lines in headings), strict=True))
    rows = [*head, *part.labels, *part.summary]
    widths = [max(len(row[column]) for row in rows) for column in range(len(part.header))]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    lines = [part.title, *(_line(row, widths) for row in head), rule]
    if part.labels:
        lines += [*(_line(row, widths) for row in part.labels), rule]
    return "\n".join([*lines, *(_line(row, widths) for row in part.summary), *part.notes])


def _line(row: Row, widths: list[int]) -> str:
    first, *others = (
        cell.rjust(width) if column else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([first, *others]).rstrip()
