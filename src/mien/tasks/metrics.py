"""The interface of a task's metrics."""

from abc import ABC, abstractmethod

from pydantic import Field

from mien.tasks.display import Charts, Table
from mien.tasks.interval import MetricsBlock


class TaskMetrics(MetricsBlock, ABC):
    """Metrics of a model in one task, and of constant baselines.

    An undefined metric is None, never NaN.
    """

    n: int = Field(description="number of utterances that were evaluated")
    labels: list[str] = Field(description="the labels, the steps or the dimensions")

    @abstractmethod
    def tables(self) -> list[Table]:
        """Return the metrics as tables."""

    @abstractmethod
    def charts(self) -> Charts:
        """Return the metrics as charts."""
