"""What many cases came to, as a table and as a list of the kinds of failure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from fuzz.cases import Result

BEGIN, END = "<!-- fuzz -->\n", "\n<!-- end -->"
COLUMNS = (
    *("family", "cases", "refused", "read as whole", "read, with a note", "read as another"),
    *("other exceptions", "silent or unsafe", "hangs", "memory", "died", "slowest (s)", "MB"),
)
_COUNTED = ("refused", "same", "noted", "changed", "exception", "wrong", "hang", "memory", "died")


def rows(results: Iterable[Result]) -> list[tuple[str | int | float, ...]]:
    """Count the outcomes of each family, and of all."""
    families: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        families[result.family].append(result)
        families["all"].append(result)
    last = families.pop("all", [])
    return [_row(name, found) for name, found in (*families.items(), ("all", last))]


def _row(name: str, results: Sequence[Result]) -> tuple[str | int | float, ...]:
    outcomes = [result.outcome for result in results]
    slowest = max((result.seconds for result in results), default=0.0)
    peak = max((result.megabytes for result in results), default=0.0)
    counts = (outcomes.count(outcome) for outcome in _COUNTED)
    return name, len(results), *counts, round(slowest, 1), round(peak)


def markdown(results: Iterable[Result]) -> str:
    """Write the table."""
    lines = [COLUMNS, ["---", *["---:"] * (len(COLUMNS) - 1)], *rows(results)]
    cells = ([f"{c:,}" if isinstance(c, int) else str(c) for c in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def write(results: Iterable[Result], page: Path) -> None:
    """Put the table in its place in a page."""
    before, begin, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(before + begin + markdown(results) + END + after)


def faults(results: Iterable[Result]) -> str:
    """List the kinds of failure: how many, what, and a case to look at."""
    kinds: dict[tuple[str, ...], list[Result]] = defaultdict(list)
    for result in results:
        if result.fault:
            kinds[result.kind].append(result)
    lines = []
    for (family, target, outcome, where), found in sorted(kinds.items()):
        first = found[0]
        lines.append(
            f"{family}/{target}: {len(found)} x {outcome}, {where}\n"
            f"    {first.detail}\n"
            f"    PYTHONPATH=tests python -m fuzz --family {family} --case {first.case}"
            + (f"    files: {first.saved}" if first.saved else "")
        )
    return "\n".join(lines)
