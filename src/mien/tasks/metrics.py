"""What every task's metrics have in common."""

from abc import ABC, abstractmethod

from pydantic import Field

from mien.tasks.display import Charts, Table
from mien.tasks.interval import Part


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
