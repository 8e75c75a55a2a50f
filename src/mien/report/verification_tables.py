"""Results of verification as Markdown tables, which also read well on a terminal."""

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
        What was evaluated; metrics of each kind of trials; metrics that were fitted on other
        speakers; enrolment by fewer clips; and what is left out, with the reason.
    """
    blocks = [
        _about(result),
        _table(*_overall(result.rows)),
        _note(result.rows),
        "Metrics that need fitting, fitted on the other half of the speakers:",
        _table(*_normalised(result.rows)),
        "Calibration and threshold, fitted on the other half too:",
        _table(*_calibrated(result.rows)),
        "Enrolled by fewer clips, EER / rank 1:",
        _table(*_by_clips(result.rows)),
        "\n".join(f"* Left out: {reason}." for reason in result.left_out),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _about(result: VerificationReport) -> str:
    lines = [
        f"{result.source} on {result.data} ({result.split}):"
        f" {result.clips} clips of {result.speakers} speakers"
    ]
    if result.trained:
        lines.append(f"{result.trained} of these speakers were in training: they are not unseen.")
    elif result.trained == 0:
        lines.append("None of these speakers was in training: all are unseen.")
    if result.synthetic:
        lines.append("Synthetic data: these metrics say nothing of real people.")
    return "\n".join(lines)


def _overall(rows: Sequence[VerificationRow]) -> tuple[list[str], list[list[str]]]:
    head = ["enrolled clips against", "input", "speakers", "mated", "non-mated", "EER (95 %)"]
    head += ["minDCF .01", "minDCF .05", "rank 1 (95 %)", "chance", "rank 5"]
    return head, [
        [
            row.about,
            row.input,
            str(found.speakers),
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
        for found in [row.metrics]
    ]


NORMALISED = {"": "", "_norm": "AS-norm", "_wccn": "WCCN", "_wccn_norm": "both"}
"""What the scores were normalised with, by the ending of a metric's name."""


def _normalised(rows: Sequence[VerificationRow]) -> tuple[list[str], list[list[str]]]:
    names = {
        f"{metric}{kind}": f"with {name}" if name else f"{title} (95 %)"
        for metric, title in (("eer", "EER"), ("rank1", "rank 1"))
        for kind, name in NORMALISED.items()
    }
    return ["enrolled clips against", "input", *names.values()], [
        [row.about, row.input, *(_spread(found, name) for name in names)]
        for row in rows
        if (found := row.metrics.cross_fitted)
    ]


def _calibrated(rows: Sequence[VerificationRow]) -> tuple[list[str], list[list[str]]]:
    head = ["enrolled clips against", "input", "mated", "non-mated", "Cllr (95 %)", "min Cllr"]
    head += ["FNIR (95 %)", "at FPIR (aim: 1 %)"]
    return head, [
        [
            row.about,
            row.input,
            str(found.targets),
            str(found.nontargets),
            _spread(found, "cllr", _number),
            _number(found.min_cllr),
            _spread(found, "fnir"),
            _percent(found.fpir),
        ]
        for row in rows
        if (found := row.metrics.cross_fitted)
    ]


def _by_clips(rows: Sequence[VerificationRow]) -> tuple[list[str], list[list[str]]]:
    numbers = sorted({int(n) for row in rows for n in row.metrics.by_clips})
    head = ["enrolled clips against", "input"]
    head += [f"{n} clip{'s' if n > 1 else ''}" for n in numbers]
    table = []
    for row in rows:
        found = row.metrics.by_clips
        cells = [
            f"{_percent(at.eer)} / {_percent(at.rank1)}" if at else UNDEFINED
            for at in (found.get(str(number)) for number in numbers)
        ]
        table.append([row.about, row.input, *cells])
    return head, table


def _note(rows: Sequence[VerificationRow]) -> str:
    most = max(row.metrics.clips[1] for row in rows)
    drawn = [spread for row in rows for _, spread in row.metrics.intervals if spread]
    note = f"Each speaker is enrolled by {most} clips or fewer."
    if drawn:
        note += f" Intervals: {drawn[0].resamples} resamples or fewer, drawn by speaker."
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
    """Write a Markdown table whose columns are as wide as their cells; the numbers on the right."""
    if not rows:
        return "(nothing: at least four speakers are needed)"
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
