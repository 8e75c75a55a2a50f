"""The interval of a metric."""

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """A part of metrics that is settled once made."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Interval(Part):
    """The interval in which a metric lies for most resamples."""

    low: float = Field(description="lower end")
    high: float = Field(description="upper end")
    level: float = Field(description="share of the resamples inside")
    resamples: int = Field(description="how often was drawn")
    by: str = Field(description="what was drawn: person, dialogue or utterance")
    units: int | None = Field(None, description="how many of these there are, null: not known")
    covers: str | None = Field(None, description="whom it covers, where these are few")
