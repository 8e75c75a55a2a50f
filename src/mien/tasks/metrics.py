"""What every task's metrics have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from mien.tasks.display import Charts, Table


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


class TaskMetrics(Part, ABC):
    """How good a model's answers to one task are, beside constant answers.

    A metric that has no value is None, never NaN.
    """

    n: int = Field(description="utterances that were evaluated")
    labels: list[str] = Field(description="the labels, the steps or the dimensions")

    @abstractmethod
    def tables(self) -> list[Table]:
        """Lay the metrics out in tables."""

    @abstractmethod
    def charts(self) -> Charts:
        """Lay the metrics out in charts."""
