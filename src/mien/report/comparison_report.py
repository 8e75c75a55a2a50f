"""How systems differ, as typed results."""

from pydantic import Field

from mien.tasks.interval import Interval, MetricsBlock


class SystemResult(MetricsBlock):
    """The metric of one system."""

    name: str
    value: float | None = Field(description="mean over the seeds")
    deviation: float | None = Field(description="standard deviation over the seeds")
    seeds: int
    interval: Interval | None = Field(description="of the mean over the seeds, over speakers")


class PairResult(MetricsBlock):
    """How two systems differ."""

    first: str
    second: str
    difference: float | None = Field(description="the first's metric less the second's")
    low: float | None = Field(description="lower end of its 95 % interval, by paired bootstrap")
    high: float | None
    p: float | None = Field(description="two-sided permutation test, speaker by speaker")
    adjusted_p: float | None = Field(description="the same, adjusted over all pairs (Holm 1979)")
    smallest_p: float | None = Field(description="the least that so few speakers allow")
    mcnemar_p: float | None = Field(
        description="exact; utterances count as independent; null where a system has several seeds"
    )


class Comparison(MetricsBlock):
    """The content of what `mien compare` writes as JSON."""

    task: str
    metric: str
    title: str
    sign: int = Field(description="1: higher is better; -1: lower is")
    n: int = Field(description="utterances that all systems predicted")
    by: str = Field(description="what intervals and tests are drawn over")
    units: int | None = Field(description="how many speakers or dialogues; null: not known")
    synthetic: bool
    systems: list[SystemResult]
    constant: float | None = Field(description="of the best constant prediction")
    chance: float | None = Field(description="expected of random predictions")
    pairs: list[PairResult]
    notes: list[str]
