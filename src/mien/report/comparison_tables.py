"""Tables of a comparison: the systems beside the baselines, and how each two of them differ."""

from mien.metrics.bootstrap import NOUNS
from mien.report.comparison_report import Comparison, PairResult, SystemResult
from mien.tasks.display import UNDEFINED, Row, Table, number


def system_table(found: Comparison) -> Table:
    """Show each system's metric with its interval, beside a constant prediction and chance."""
    rows = [_system(system) for system in found.systems]
    baselines = [("best constant prediction", found.constant), ("chance", found.chance)]
    better = "higher" if found.sign > 0 else "lower"
    return Table(
        f"{found.task}: {found.title} of {found.n} utterances{_units(found)}; {better} is better",
        ("system", found.title, "SD over seeds", "seeds", "95 % interval"),
        rows,
        [(name, number(value), "", "", "") for name, value in baselines if value is not None],
        [
            *(["Synthetic data: these metrics say nothing of real people."] * found.synthetic),
            f"Intervals: bootstrap of {_noun(found)}, then of their utterances."
            if (found.units or 0) > 1
            else "Intervals: bootstrap of utterances.",
            *found.notes,
        ],
    )


def _units(found: Comparison) -> str:
    if not found.units:
        return ""
    return f" of {found.units} {_noun(found)}" if found.units > 1 else " of one speaker"


def _noun(found: Comparison) -> str:
    """Name in the plural what intervals and tests are drawn over."""
    return NOUNS.get(found.by, f"{found.by}s")


def _system(system: SystemResult) -> Row:
    spread = system.interval
    return (
        system.name,
        number(system.value),
        number(system.deviation),
        str(system.seeds),
        UNDEFINED if spread is None else f"{spread.low:.3f}–{spread.high:.3f}",
    )


def pair_table(found: Comparison) -> Table:
    """Show for each two systems the difference, its interval and the tests."""
    smallest = max((pair.smallest_p or 0 for pair in found.pairs), default=0)
    notes = [
        f"p: two-sided permutation test that exchanges the systems for one {_noun(found)[:-1]} at a"
        " time; adjusted over all pairs (Holm).",
        "McNemar: exact; it treats the utterances of a speaker as independent, which they are not,"
        " so it finds differences too often.",
    ]
    if smallest > 0.05:
        notes.append(f"With so few {_noun(found)} no p can be below {smallest:.3f}.")
    return Table(
        f"{found.task}: differences of {found.title}",
        ("systems", "difference", "95 % interval", "p", "adjusted p", "McNemar p"),
        [_pair(pair) for pair in found.pairs],
        [],
        notes,
    )


def _pair(pair: PairResult) -> Row:
    interval = UNDEFINED
    if pair.low is not None and pair.high is not None:
        interval = f"{_signed(pair.low)} to {_signed(pair.high)}"
    return (
        f"{pair.first} – {pair.second}",
        UNDEFINED if pair.difference is None else _signed(pair.difference),
        interval,
        *(_probability(p) for p in (pair.p, pair.adjusted_p, pair.mcnemar_p)),
    )


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _probability(p: float | None) -> str:
    if p is None:
        return UNDEFINED
    return "<0.001" if p < 0.001 else f"{p:.3f}"
