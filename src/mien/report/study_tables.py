"""Tables of a study: what its folds let through, and its metrics with their spread."""

from collections.abc import Iterable

from mien.report.study_report import FoldLeakage, MetricSummary, StudyMetrics
from mien.tasks.display import UNDEFINED, Row, Table, interval_note, number


def leakage_table(found: StudyMetrics) -> Table:
    """Show for each fold what its test shares with its training."""
    folds = "no folds" if found.folds == [None] else f"folds {_listed(found.folds)}"
    notes = [
        "Speaker, dialogue, sentence: share of test utterances with one that training has, too."
    ]
    if found.left_out:
        notes.append(
            "Not evaluated, for want of a known label or of a modality that the system uses:"
            f" {found.left_out} test utterances."
        )
    return Table(
        f"protocol {found.protocol}; {folds}; seeds {_listed(found.seeds)}",
        ("fold", "train", "valid", "test", "speaker", "dialogue", "sentence"),
        [_leakage(row) for row in found.leakage],
        [],
        notes,
    )


def _listed(numbers: Iterable[int | None]) -> str:
    return ", ".join(map(str, numbers))


def _leakage(row: FoldLeakage) -> Row:
    shares = (row.person, row.dialogue, row.sentence)
    return (
        "all" if row.fold is None else str(row.fold),
        *map(str, (row.train, row.valid, row.test)),
        *(UNDEFINED if share is None else f"{share:.0%}" for share in shares),
    )


def metric_tables(found: StudyMetrics) -> list[Table]:
    """Show for each task every metric, its spread over seeds and folds, and the baselines."""
    tables = []
    for name, task in found.tasks.items():
        intervals = [metric.interval for metric in task.metrics.values()]
        tables.append(
            Table(
                f"{name}: {task.n} utterances of all test folds together",
                (
                    *("metric", "mean over seeds", "SD over seeds", "95 % interval"),
                    *("SD over folds", "constant", "chance"),
                ),
                [_metric(metric) for metric in task.metrics.values()],
                [],
                interval_note(next(filter(None, intervals), None)),
            )
        )
    return tables


def _metric(metric: MetricSummary) -> Row:
    interval = metric.interval
    return (
        metric.title,
        number(metric.over_seeds.mean),
        number(metric.over_seeds.deviation),
        UNDEFINED if interval is None else f"{interval.low:.3f}–{interval.high:.3f}",
        number(metric.over_folds.deviation),
        number(metric.constant),
        number(metric.chance),
    )


def fold_table(found: StudyMetrics, task: str) -> Table:
    """Show the metrics of each fold, as means over the seeds."""
    metrics = found.tasks[task].metrics
    folds = next(iter(metrics.values())).over_folds.values if metrics else {}
    return Table(
        f"{task}, fold by fold",
        ("fold", *(metric.title for metric in metrics.values())),
        [
            (fold, *(number(metric.over_folds.values[fold]) for metric in metrics.values()))
            for fold in folds
        ],
        [("mean", *(number(metric.over_folds.mean) for metric in metrics.values()))],
        [],
    )
