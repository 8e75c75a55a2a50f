"""Metrics of the affect task, and their tables and charts."""

from pydantic import Field

from mien.tasks.display import Bar, Bars, Charts, Row, Table, cells, interval_note, interval_row
from mien.tasks.interval import Interval, MetricsBlock
from mien.tasks.metrics import TaskMetrics

NAMES = {"CCC": "ccc", "Pearson's r": "pearson", "mean absolute error": "mae"}


class Agreement(MetricsBlock):
    """Agreement of predictions with ratings; see `mien.metrics.concordance`."""

    ccc: float | None = Field(description="concordance correlation coefficient (Lin 1989)")
    pearson: float | None
    mae: float | None = Field(description="mean absolute error, on the scale of the ratings")


class Dimension(Agreement):
    """Agreement in one dimension."""

    n: int = Field(description="utterances with a rating in this dimension")


class Agreements(MetricsBlock):
    """Agreement in each dimension, and the mean over the dimensions."""

    per_dimension: dict[str, Dimension]
    average: Agreement


class ConstantAgreements(Agreements):
    """Metrics of always predicting the training means."""

    answer: dict[str, float] = Field(description="these means")


class AffectBaselines(MetricsBlock):
    """Metrics of a constant prediction."""

    constant: ConstantAgreements


class AffectIntervals(MetricsBlock):
    """Confidence intervals of each metric, by dimension."""

    ccc: dict[str, Interval | None]
    pearson: dict[str, Interval | None]
    mae: dict[str, Interval | None]


class AffectMetrics(TaskMetrics, Agreements):
    """Metrics of the affect task; see `mien.metrics.concordance.evaluate_dimensions`."""

    baselines: AffectBaselines
    intervals: AffectIntervals

    def tables(self) -> list[Table]:
        """Return one table of all dimensions."""
        constant = self.baselines.constant
        answer = ", ".join(f"{name} {value:.2f}" for name, value in constant.answer.items())
        first = next(iter(self.intervals.ccc.values()))
        return [
            Table(
                "Agreement with the ratings, by dimension",
                ("dimension", "utterances", *NAMES),
                [row for name in self.labels for row in self._rows(name)],
                [
                    ("average", str(self.n), *cells(self.average, NAMES)),
                    ("always the mean", "", *cells(constant.average, NAMES)),
                ],
                [f"Means of the training split: {answer}.", *interval_note(first)],
            )
        ]

    def charts(self) -> Charts:
        """Return charts of the average, and of CCC and correlation by dimension; no heat map."""
        constant = self.baselines.constant
        average = [
            Bar("average CCC", self.average.ccc, constant.average.ccc),
            *(
                Bar(f"CCC of\n{name}", found.ccc, None, self.intervals.ccc[name])
                for name, found in self.per_dimension.items()
            ),
        ]
        series = {
            text: [
                Bar(name, getattr(found, metric), getattr(constant.per_dimension[name], metric))
                for name, found in self.per_dimension.items()
            ]
            for text, metric in (("CCC", "ccc"), ("Pearson's r", "pearson"))
        }
        return Charts(
            Bars("overall", {"this model": average}, "always the mean"),
            Bars("by dimension", series, "always the mean"),
        )

    def _rows(self, name: str) -> list[Row]:
        found = self.per_dimension[name]
        spread = {metric: getattr(self.intervals, metric)[name] for metric in NAMES.values()}
        return [
            (name, str(found.n), *cells(found, NAMES)),
            *interval_row(spread, NAMES, blank=1),
        ]
