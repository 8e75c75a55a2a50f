"""Metrics of a task of labels, and their tables and charts."""

from collections.abc import Mapping

from pydantic import Field

from mien.tasks.display import (
    Bar,
    Bars,
    Charts,
    HeatMap,
    Row,
    Table,
    cells,
    confusion,
    interval_note,
    interval_row,
    number,
)
from mien.tasks.interval import Interval, MetricsBlock
from mien.tasks.metrics import TaskMetrics

OVERALL = {
    "accuracy (WA)": "wa",
    "average recall (UA)": "ua",
    "average F1 (macro)": "macro_f1",
    "weighted F1": "weighted_f1",
    "among first five (top-5)": "top5",
}
SINGLE_LABEL = {"recall": "recall", "precision": "precision", "F1": "f1"}
MULTI_LABEL = {
    "accuracy": "accuracy",
    "weighted accuracy": "weighted_accuracy",
    "recall": "recall",
    "precision": "precision",
    "F1": "f1",
    "AUROC": "auroc",
}
HEAT_MAP = {
    "recall": "recall",
    "precision": "precision",
    "F1": "f1",
    "weighted acc.": "weighted_accuracy",
    "AUROC": "auroc",
}


class OneLabel(MetricsBlock):
    """Single-label metrics of one label."""

    support: int = Field(description="utterances that have the label")
    recall: float | None
    precision: float | None
    f1: float | None


class SingleLabel(MetricsBlock):
    """Single-label metrics; see `mien.metrics.classification.singlelabel`."""

    n: int = Field(description="utterances with exactly one label")
    wa: float = Field(description="accuracy")
    ua: float | None = Field(description="mean recall over the labels that occur")
    macro_precision: float | None
    macro_f1: float | None
    weighted_f1: float
    top1: float
    top5: float | None = Field(description="share with the true label among the five highest")
    per_label: dict[str, OneLabel]
    confusion: list[list[int]] = Field(description="rows are true labels, columns predicted labels")


class MostFrequent(SingleLabel):
    """Metrics of always predicting the most frequent label of the training split."""

    label: str = Field(description="that label")


class Averages(MetricsBlock):
    """Multi-label metrics, as means over the labels for which they are defined."""

    accuracy: float | None
    weighted_accuracy: float | None
    recall: float | None
    precision: float | None
    f1: float | None
    weighted_f1: float | None
    auroc: float | None


class OneOfSeveral(Averages):
    """Multi-label metrics of one label."""

    threshold: float | None = Field(description="null where pooled folds have different ones")
    support: int = Field(description="utterances that have the label")


class MultiLabel(MetricsBlock):
    """Multi-label metrics; see `mien.metrics.classification.multilabel`."""

    per_label: dict[str, OneOfSeveral]
    average: Averages
    exact_match: float = Field(description="share whose set of labels is predicted exactly")
    subset: float
    intersect: float


class LabelBaselines(MetricsBlock):
    """Metrics of constant predictions."""

    always_no: MultiLabel | None
    most_frequent: MostFrequent | None


class LabelIntervals(MetricsBlock):
    """Confidence intervals of three metrics."""

    average_f1: Interval | None = Field(description="of the average multi-label F1")
    ua: Interval | None
    macro_f1: Interval | None


class LabelMetrics(TaskMetrics):
    """Metrics of a task of labels; see `mien.metrics.evaluate_labels`."""

    multilabel: MultiLabel | None = Field(description="null if the task has no thresholds")
    singlelabel: SingleLabel | None = Field(
        description="null if no utterance has exactly one label"
    )
    baselines: LabelBaselines
    intervals: LabelIntervals

    @property
    def one_label_each(self) -> bool:
        """Whether every evaluated utterance has exactly one label."""
        return self.singlelabel is not None and self.singlelabel.n == self.n

    def tables(self) -> list[Table]:
        """Return tables of both kinds, multi-label first if some utterances have several labels."""
        single = (
            [self._overall_table(self.singlelabel), self._single_label_table(self.singlelabel)]
            if (self.singlelabel)
            else []
        )
        several = [self._multi_label_table(self.multilabel)] if self.multilabel else []
        return single + several if self.one_label_each else several + single

    def charts(self) -> Charts:
        """Return charts: overall, by label, and the confusion matrix or all metrics by label."""
        single, several = self.singlelabel, self.multilabel
        matrix = None
        if single and (self.one_label_each or not several):
            matrix = confusion(single.confusion, self.labels)
        elif several:
            matrix = _by_metric(several, self.labels)
        return Charts(self._overall_bars(), self._label_bars(), matrix)

    def _overall_table(self, found: SingleLabel) -> Table:
        frequent = self.baselines.most_frequent
        names = {h: n for h, n in OVERALL.items() if n != "top5" or found.top5 is not None}
        notes = [f"{found.n} of {self.n} utterances have exactly one label."]
        if frequent:
            notes.append(f"Most frequent label in the training split: {frequent.label}.")
        spread = {"ua": self.intervals.ua, "macro_f1": self.intervals.macro_f1}
        return Table(
            "Single-label metrics, overall",
            ("", *names),
            [],
            [
                ("this model", *cells(found, names)),
                *interval_row(spread, names),
                *([("most frequent label", *cells(frequent, names))] if frequent else []),
            ],
            notes + interval_note(self.intervals.ua),
        )

    def _single_label_table(self, found: SingleLabel) -> Table:
        frequent = self.baselines.most_frequent
        return Table(
            "Single-label metrics, by label",
            ("label", "utterances", *SINGLE_LABEL),
            _label_rows(found.per_label, SINGLE_LABEL),
            [
                ("average", str(found.n), *_macro(found)),
                *([("most frequent label", "", *_macro(frequent))] if frequent else []),
            ],
            [],
        )

    def _multi_label_table(self, found: MultiLabel) -> Table:
        spread, no = self.intervals.average_f1, self.baselines.always_no
        return Table(
            "Multi-label metrics, by label",
            ("label", "utterances", "threshold", *MULTI_LABEL),
            _label_rows(found.per_label, {"threshold": "threshold"} | MULTI_LABEL),
            [
                ("average", str(self.n), "", *cells(found.average, MULTI_LABEL)),
                *interval_row({"f1": spread}, MULTI_LABEL, blank=2),
                *([("always no", "", "", *cells(no.average, MULTI_LABEL))] if no else []),
            ],
            interval_note(spread),
        )

    def _overall_bars(self) -> Bars:
        bars = [*self._single_label_bars(), *self._multi_label_bars()]
        both = bool(self.singlelabel) == bool(self.multilabel)
        one = "most frequent label" if self.singlelabel else "always no"
        return Bars("overall", {"this model": bars}, "constant baseline" if both else one)

    def _single_label_bars(self) -> list[Bar]:
        found, frequent = self.singlelabel, self.baselines.most_frequent
        if found is None:
            return []
        names = {"average recall\n(UA)": "ua", "accuracy\n(WA)": "wa"}
        names["average F1\n(macro)"] = "macro_f1"
        if found.top5 is not None:
            names["among first\nfive (top-5)"] = "top5"
        return [
            Bar(
                text,
                getattr(found, name),
                getattr(frequent, name) if frequent else None,
                getattr(self.intervals, name, None),
            )
            for text, name in names.items()
        ]

    def _multi_label_bars(self) -> list[Bar]:
        found, no = self.multilabel, self.baselines.always_no
        if found is None:
            return []
        names = {"average F1\n(multi-label)": "f1", "accuracy\n(multi-label)": "accuracy"}
        if not self.one_label_each:
            names["weighted acc.\n(multi-label)"] = "weighted_accuracy"
        return [
            Bar(
                text,
                getattr(found.average, name),
                getattr(no.average, name) if no else None,
                self.intervals.average_f1 if name == "f1" else None,
            )
            for text, name in names.items()
        ]

    def _label_bars(self) -> Bars:
        found: SingleLabel | MultiLabel | None = self.multilabel or self.singlelabel
        baseline: SingleLabel | MultiLabel | None
        if self.multilabel:
            baseline, called = self.baselines.always_no, "always no"
            names = {"F1 (multi-label)": "f1", "accuracy (multi-label)": "accuracy"}
        else:
            baseline, called = self.baselines.most_frequent, "most frequent label"
            names = {"F1": "f1", "recall": "recall"}
        assert found is not None
        series = {
            text: [
                Bar(
                    label,
                    getattr(found.per_label[label], name),
                    getattr(baseline.per_label[label], name) if baseline else None,
                )
                for label in self.labels
            ]
            for text, name in names.items()
        }
        return Bars("by label", series, called)


def _by_metric(found: MultiLabel, labels: list[str]) -> HeatMap:
    values = [[getattr(found.per_label[label], n) for n in HEAT_MAP.values()] for label in labels]
    return HeatMap("all metrics by label", values, labels, list(HEAT_MAP))


def _label_rows(
    found: Mapping[str, OneLabel] | Mapping[str, OneOfSeveral], names: Mapping[str, str]
) -> list[Row]:
    return [(label, str(row.support), *cells(row, names)) for label, row in found.items()]


def _macro(found: SingleLabel) -> Row:
    return tuple(number(value) for value in (found.ua, found.macro_precision, found.macro_f1))
