"""Results of verification as tables in Markdown, which a terminal shows as well."""

from collections.abc import Sequence
from typing import Any

from mien.report.verification_report import (
    FittedMetrics,
    TrialMetrics,
    VerificationReport,
    VerificationRow,
)
from mien.tasks.display import UNDEFINED


def markdown(result: VerificationReport) -> str:
    """Write the tables of a result.

    Parameters
    ----------
    result : VerificationReport
        What `mien.identity.verification.verify_run` returns.

    Returns
    -------
    str
        What was judged; a row for each kind of trials; what was fitted on other persons; fewer
        clips to enrol; and what is left out, with the reason.
    """
    parts = [
        _about(result),
        _table(*_overall(result.rows)),
        _note(result.rows),
        "What needs fitting, fitted on the other half of the persons:",
        _table(*_fitted(result.rows)),
        "Enrolled by fewer clips, EER / rank 1:",
        _table(*_by_clips(result.rows)),
        "\n".join(f"* Left out: {reason}." for reason in result.left_out),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _about(result: VerificationReport) -> str:
    lines = [
        f"{result.source} on {result.data} ({result.part}):"
        f" {result.clips} clips of {result.persons} persons"
    ]
    if result.trained:
        lines.append(f"{result.trained} of these persons were in training: not unseen persons.")
    elif result.trained == 0:
        lines.append("None of these persons was in training.")
    if result.synthetic:
        lines.append("Synthetic data: these figures say nothing of real people.")
    return "\n".join(lines)


def _overall(rows: Sequence[VerificationRow]) -> tuple[list[str], list[list[str]]]:
    head = ["enrolled clips against", "shown", "persons", "same person", "others", "EER (95 %)"]
    head += ["minDCF .01", "minDCF .05", "rank 1 (95 %)", "chance", "rank 5"]
    return head, [
        [
            row.about,
            row.shown,
            str(found.persons),
            str(found.targets),
            str(found.nontargets),
            _spread(found, "eer"),
            _number(found.min_dcf_01),
            _number(found.min_dcf_05),
            _spread(found, "rank1"),
            _percent(found.chance),
            _percent(found.rank5),
        ]
        for row in rows
        for found in [row.figures]
    ]


def _fitted(rows: Sequence[VerificationRow]) -> tuple[list[str], list[list[str]]]:
    head = ["enrolled clips against", "shown", "same person", "others", "EER (95 %)"]
    head += ["with AS-norm (95 %)", "Cllr (95 %)", "min Cllr", "FNIR (95 %)", "at FPIR (aim: 1 %)"]
    return head, [
        [
            row.about,
            row.shown,
            str(found.targets),
            str(found.nontargets),
            _spread(found, "eer"),
            _spread(found, "eer_norm"),
            _spread(found, "cllr", _number),
            _number(found.min_cllr),
            _spread(found, "fnir"),
            _percent(found.fpir),
        ]
        for row in rows
        if (found := row.figures.cross_fitted)
    ]


def _by_clips(rows: Sequence[VerificationRow]) -> tuple[list[str], list[list[str]]]:
    numbers = sorted({int(n) for row in rows for n in row.figures.by_clips})
    head = ["enrolled clips against", "shown"]
    head += [f"{n} clip{'s' if n > 1 else ''}" for n in numbers]
    table = []
    for row in rows:
        found = row.figures.by_clips
        cells = [
            f"{_percent(at.eer)} / {_percent(at.rank1)}" if at else UNDEFINED
            for at in (found.get(str(number)) for number in numbers)
        ]
        table.append([row.about, row.shown, *cells])
    return head, table


def _note(rows: Sequence[VerificationRow]) -> str:
    most = max(row.figures.clips[1] for row in rows)
    drawn = [spread for row in rows for _, spread in row.figures.intervals if spread]
    note = f"Each person is enrolled by {most} clips or fewer."
    if drawn:
        note += f" Intervals: {drawn[0].resamples} resamples or fewer, each drawn by person."
    if any(spread.high == 0 for spread in drawn):
        note += "\nAn interval 0.0–0.0 means that no error was made, not that none can be."
    return note


def _percent(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.1%}".replace("%", " %")


def _number(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.3f}"


def _spread(found: TrialMetrics | FittedMetrics, name: str, write: Any = _percent) -> str:
    interval, value = getattr(found.intervals, name), write(getattr(found, name))
    if interval is None:
        return str(value)
    low, high = (write(end).removesuffix(" %") for end in (interval.low, interval.high))
    return f"{value} ({low}–{high})"


def _table(head: list[str], rows: list[list[str]]) -> str:
    """Write a Markdown table whose columns are as wide as their cells; numbers to the right."""
    if not rows:
        return "(nothing: four persons at least are needed)"
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = ["-" * w if i < 2 else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    lines = [
        [
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in (head, *rows)
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in (lines[0], rule, *lines[1:]))
