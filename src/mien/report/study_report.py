"""What a study finds: metrics over all folds together, and their spread, as typed results."""

from pydantic import Field

from mien.inference.metrics import Metrics
from mien.tasks.interval import Interval, MetricsBlock


class Spread(MetricsBlock):
    """A metric of several trainings."""

    mean: float | None
    deviation: float | None = Field(description="standard deviation, null for fewer than two")
    values: dict[str, float | None] = Field(description="by seed or by fold")


class MetricSummary(MetricsBlock):
    """One metric of a study."""

    title: str
    sign: int = Field(description="1: higher is better; -1: lower is")
    over_seeds: Spread = Field(description="of all folds together, for each seed")
    over_folds: Spread = Field(description="of each fold, as the mean over the seeds")
    interval: Interval | None = Field(description="of the mean over the seeds, over speakers")
    constant: float | None = Field(description="of the best constant prediction")
    chance: float | None = Field(description="expected of random predictions")


class TaskSummary(MetricsBlock):
    """One task of a study."""

    n: int = Field(description="utterances that were evaluated")
    labels: list[str]
    metrics: dict[str, MetricSummary]


class FoldLeakage(MetricsBlock):
    """How many utterances a fold has, and what its test shares with its training."""

    fold: int | None
    train: int
    valid: int
    test: int
    person: float | None = Field(description="share of test utterances whose speaker trains too")
    dialogue: float | None
    sentence: float | None


class StudyMetrics(MetricsBlock):
    """The content of a study's ``metrics.json``."""

    protocol: str
    data: str
    synthetic: bool
    folds: list[int | None]
    seeds: list[int]
    leakage: list[FoldLeakage]
    left_out: int = Field(description="test utterances that were not evaluated, of one seed")
    tasks: dict[str, TaskSummary]
    by_seed: dict[str, Metrics] = Field(description="all metrics of all folds together, by seed")
