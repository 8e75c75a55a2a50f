"""Metrics of valence, arousal and dominance, and how they are shown."""

from pydantic import Field

from mien.tasks.display import Bar, Bars, Charts, Row, Table, cells, interval_note, interval_row
from mien.tasks.interval import Interval, Part
from mien.tasks.metrics import TaskMetrics

NAMES = {"CCC": "ccc", "Pearson's r": "pearson", "mean absolute error": "mae"}


class Agreement(Part):
    """How well predictions agree with ratings; see `mien.metrics.concordance`."""

    ccc: float | None = Field(description="concordance correlation coefficient (Lin 1989)")
    pearson: float | None
    mae: float | None = Field(description="mean absolute error, on the scale of the ratings")


class Dimension(Agreement):
    """The same in one dimension."""

    n: int = Field(description="utterances rated in it")


class Agreements(Part):
    """Agreement in each dimension, and its mean over them."""

    per_dimension: dict[str, Dimension]
    average: Agreement


class ConstantAgreements(Agreements):
    """What always answering the means of training reaches."""

    answer: dict[str, float] = Field(description="these means")


class AffectBaselines(Part):
    """What a constant answer reaches."""

    constant: ConstantAgreements


class AffectIntervals(Part):
    """Intervals of each metric, by dimension."""

    ccc: dict[str, Interval | None]
    pearson: dict[str, Interval | None]
    mae: dict[str, Interval | None]


class AffectMetrics(TaskMetrics, Agreements):
    """Metrics of the affect task; see `mien.metrics.concordance.evaluate_dimensions`."""

    baselines: AffectBaselines
    intervals: AffectIntervals

    def tables(self) -> list[Table]:
        """Lay out all dimensions in one table."""
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
                [f"Means of the training part: {answer}.", *interval_note(first)],
            )
        ]

    def charts(self) -> Charts:
        """Show the average, CCC and correlation of each dimension, and no heat map."""
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
