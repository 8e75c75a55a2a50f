"""Confidence intervals of metrics."""

from pydantic import BaseModel, ConfigDict, Field


class MetricsBlock(BaseModel):
    """An immutable block of metrics."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Interval(MetricsBlock):
    """The bootstrap interval of a metric."""

    low: float = Field(description="lower end")
    high: float = Field(description="upper end")
    level: float = Field(description="share of the resamples inside the interval")
    resamples: int = Field(description="number of resamples")
    by: str = Field(description="what was resampled: person, dialogue or utterance")
    units: int | None = Field(None, description="number of these, null if not known")
    covers: str | None = Field(None, description="the speakers it covers, if they are few")
