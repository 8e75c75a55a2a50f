"""Metrics of the sentiment task, and their tables and charts."""

from pydantic import Field

from mien.tasks.display import (
    Bar,
    Bars,
    Charts,
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
    "mean absolute error": "mae",
    "Pearson's r": "correlation",
    "negative, positive (Acc2)": "acc2",
    "negative, positive (F1)": "f1",
    "negative, not (Acc2)": "acc2_non_negative",
    "negative, not (F1)": "f1_non_negative",
    "five steps (Acc5)": "acc5",
    "seven steps (Acc7)": "acc7",
}
CHART = {
    "negative or\npositive (Acc2)": "acc2",
    "negative or\nnot (Acc2)": "acc2_non_negative",
    "five steps\n(Acc5)": "acc5",
    "seven steps\n(Acc7)": "acc7",
    "correlation": "correlation",
}


class Step(MetricsBlock):
    """Metrics of the utterances of one whole step of true sentiment."""

    support: int
    mae: float | None = Field(description="mean absolute error, null if there are no utterances")


class Sentiment(MetricsBlock):
    """Metrics of the predicted numbers; see `mien.metrics.regression.sentiment`."""

    mae: float
    correlation: float | None = Field(description="Pearson's r")
    acc2: float | None
    f1: float | None
    acc2_non_negative: float | None
    f1_non_negative: float | None
    acc2_positive: float | None
    f1_positive: float | None
    acc5: float
    acc7: float
    per_step: dict[str, Step]
    confusion: list[list[int]] = Field(description="rows are true steps, columns predicted steps")


class ConstantSentiment(Sentiment):
    """Metrics of always predicting the median step of the training split."""

    answer: float


class SentimentBaselines(MetricsBlock):
    """Metrics of a constant prediction."""

    constant: ConstantSentiment


class SentimentIntervals(MetricsBlock):
    """Confidence intervals of two metrics."""

    mae: Interval | None
    acc2: Interval | None


class SentimentMetrics(TaskMetrics):
    """Metrics of sentiment; see `mien.metrics.regression.evaluate_sentiment`."""

    multilabel: None = None
    singlelabel: None = None
    sentiment: Sentiment
    baselines: SentimentBaselines
    intervals: SentimentIntervals

    def tables(self) -> list[Table]:
        """Return tables of the overall metrics and of the error by step."""
        return [self._overall(), self._by_step()]

    def charts(self) -> Charts:
        """Return charts of the overall metrics, the error by step and the confusion of steps."""
        found, constant = self.sentiment, self.baselines.constant
        overall = [
            Bar(
                text,
                getattr(found, name),
                getattr(constant, name),
                getattr(self.intervals, name, None),
            )
            for text, name in CHART.items()
        ]
        errors = [
            Bar(step, row.mae, constant.per_step[step].mae) for step, row in found.per_step.items()
        ]
        title = f"mean absolute error {found.mae:.2f}, by true sentiment"
        return Charts(
            Bars("overall", {"this model": overall}, "constant baseline"),
            Bars(title, {"this model": errors}, "constant baseline", highest=None),
            confusion(found.confusion, self.labels),
        )

    def _overall(self) -> Table:
        constant = self.baselines.constant
        spread = {"mae": self.intervals.mae, "acc2": self.intervals.acc2}
        return Table(
            "Sentiment from -3 (negative) to 3 (positive). Overall",
            ("", *OVERALL),
            [],
            [
                ("this model", *cells(self.sentiment, OVERALL)),
                *interval_row(spread, OVERALL),
                (f"always {constant.answer:g}", *cells(constant, OVERALL)),
            ],
            [
                f"Median of the training split, in whole steps: {constant.answer:g}.",
                *interval_note(self.intervals.mae),
            ],
        )

    def _by_step(self) -> Table:
        rows = self.sentiment.per_step.items()
        return Table(
            "By true sentiment, in whole steps",
            ("sentiment", "utterances", "mean absolute error"),
            [(step, str(row.support), number(row.mae)) for step, row in rows],
            [("all", str(self.n), number(self.sentiment.mae))],
            [],
        )
