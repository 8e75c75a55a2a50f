"""Metrics of a task of labels, and how they are shown."""

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
from mien.tasks.interval import Interval, Part
from mien.tasks.metrics import TaskMetrics

OVERALL = {
    "accuracy (WA)": "wa",
    "average recall (UA)": "ua",
    "average F1 (macro)": "macro_f1",
    "weighted F1": "weighted_f1",
    "among first five (top-5)": "top5",
}
SINGLE = {"recall": "recall", "precision": "precision", "F1": "f1"}
SEVERAL = {
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


class OneLabel(Part):
    """A label among those of which exactly one is right."""

    support: int = Field(description="utterances that have the label")
    recall: float | None
    precision: float | None
    f1: float | None


class SingleLabel(Part):
    """Metrics where exactly one label is right; see `mien.metrics.classification.singlelabel`."""

    n: int = Field(description="utterances with exactly one label")
    wa: float = Field(description="accuracy")
    ua: float | None = Field(description="mean recall over the labels that occur")
    macro_precision: float | None
    macro_f1: float | None
    weighted_f1: float
    top1: float
    top5: float | None = Field(description="share with the right label among the five highest")
    per_label: dict[str, OneLabel]
    confusion: list[list[int]] = Field(description="a row a true label, a column a predicted one")


class MostFrequent(SingleLabel):
    """The same of always answering with training's most frequent label."""

    label: str = Field(description="that label")


class Averages(Part):
    """Means over the labels that have a value."""

    accuracy: float | None
    weighted_accuracy: float | None
    recall: float | None
    precision: float | None
    f1: float | None
    weighted_f1: float | None
    auroc: float | None


class OneOfSeveral(Averages):
    """A label that is right or not whatever the others are."""

    threshold: float | None = Field(description="null where pooled folds have different ones")
    support: int = Field(description="utterances that have the label")


class MultiLabel(Part):
    """Metrics where each label is right or not; see `mien.metrics.classification.multilabel`."""

    per_label: dict[str, OneOfSeveral]
    average: Averages
    exact_match: float = Field(description="share whose set of labels is predicted")
    subset: float
    intersect: float


class LabelBaselines(Part):
    """What constant answers reach."""

    always_no: MultiLabel | None
    most_frequent: MostFrequent | None


class LabelIntervals(Part):
    """Intervals of three metrics."""

    average_f1: Interval | None = Field(description="of the mean F1, each label right or not")
    ua: Interval | None
    macro_f1: Interval | None


class LabelMetrics(TaskMetrics):
    """Metrics of a task of labels; see `mien.metrics.evaluate_labels`."""

    multilabel: MultiLabel | None = Field(description="null where the task has no thresholds")
    singlelabel: SingleLabel | None = Field(description="null where no utterance has one label")
    baselines: LabelBaselines
    intervals: LabelIntervals

    @property
    def one_label_each(self) -> bool:
        """Whether every utterance evaluated has exactly one label."""
        return self.singlelabel is not None and self.singlelabel.n == self.n

    def tables(self) -> list[Table]:
        """Lay out both kinds, multi-label first where some utterances have several labels."""
        single = (
            [self._overall(self.singlelabel), self._single(self.singlelabel)]
            if (self.singlelabel)
            else []
        )
        several = [self._several(self.multilabel)] if self.multilabel else []
        return single + several if self.one_label_each else several + single

    def charts(self) -> Charts:
        """Show overall metrics, two metrics by label, and the confusion or all metrics by label."""
        single, several = self.singlelabel, self.multilabel
        matrix = None
        if single and (self.one_label_each or not several):
            matrix = confusion(single.confusion, self.labels)
        elif several:
            matrix = _by_metric(several, self.labels)
        return Charts(self._overall_bars(), self._label_bars(), matrix)

    def _overall(self, found: SingleLabel) -> Table:
        frequent = self.baselines.most_frequent
        names = {h: n for h, n in OVERALL.items() if n != "top5" or found.top5 is not None}
        notes = [f"{found.n} of {self.n} utterances have exactly one label."]
        if frequent:
            notes.append(f"Most frequent label in the training part: {frequent.label}.")
        spread = {"ua": self.intervals.ua, "macro_f1": self.intervals.macro_f1}
        return Table(
            "Which label? Overall",
            ("", *names),
            [],
            [
                ("this model", *cells(found, names)),
                *interval_row(spread, names),
                *([("most frequent label", *cells(frequent, names))] if frequent else []),
            ],
            notes + interval_note(self.intervals.ua),
        )

    def _single(self, found: SingleLabel) -> Table:
        frequent = self.baselines.most_frequent
        return Table(
            "Which label? By label",
            ("label", "utterances", *SINGLE),
            _label_rows(found.per_label, SINGLE),
            [
                ("average", str(found.n), *_macro(found)),
                *([("most frequent label", "", *_macro(frequent))] if frequent else []),
            ],
            [],
        )

    def _several(self, found: MultiLabel) -> Table:
        spread, no = self.intervals.average_f1, self.baselines.always_no
        return Table(
            "Has this label, yes or no? By label",
            ("label", "utterances", "threshold", *SEVERAL),
            _label_rows(found.per_label, {"threshold": "threshold"} | SEVERAL),
            [
                ("average", str(self.n), "", *cells(found.average, SEVERAL)),
                *interval_row({"f1": spread}, SEVERAL, blank=2),
                *([("always no", "", "", *cells(no.average, SEVERAL))] if no else []),
            ],
            interval_note(spread),
        )

    def _overall_bars(self) -> Bars:
        bars = [*self._single_bars(), *self._several_bars()]
        both = bool(self.singlelabel) == bool(self.multilabel)
        one = "most frequent label" if self.singlelabel else "always no"
        return Bars("overall", {"this model": bars}, "constant answer" if both else one)

    def _single_bars(self) -> list[Bar]:
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

    def _several_bars(self) -> list[Bar]:
        found, no = self.multilabel, self.baselines.always_no
        if found is None:
            return []
        names = {"average F1\n(yes or no)": "f1", "accuracy\n(yes or no)": "accuracy"}
        if not self.one_label_each:
            names["weighted acc.\n(yes or no)"] = "weighted_accuracy"
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
            names = {"F1 (yes or no)": "f1", "accuracy (yes or no)": "accuracy"}
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
