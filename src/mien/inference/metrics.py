"""The metrics of a run, as `mien evaluate` writes them."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny

from mien.errors import MienError
from mien.tasks import TASKS, TaskMetrics


def _of_their_tasks(value: Any) -> Any:
    """Read each task's metrics as the task with that name gives them."""
    if not isinstance(value, dict):
        return value
    try:
        kinds = {name: TASKS[str(name)].metrics_type for name in value}
    except MienError as error:
        raise ValueError(error.message) from error
    return {name: kinds[name].model_validate(block) for name, block in value.items()}


class Metrics(BaseModel):
    """How good a run is on one split; the content of ``metrics.json``.

    Examples
    --------
    >>> metrics = Metrics.model_validate(Run("runs/emotion").read("metrics.json"))  # doctest: +SKIP
    >>> metrics.tasks["emotion"].singlelabel.ua  # doctest: +SKIP
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    part: str = Field(description="the split: train, valid, test or all")
    protocol: str = Field(description="how the data were divided")
    data: str = Field(description="the prepared data")
    synthetic: bool = Field(description="the data are synthetic")
    modalities: str = Field(description="what the model was shown: t text, a audio, v video")
    left_out: int = Field(description="utterances without a known label, or without a modality")
    unlabelled: list[str] = Field(description="tasks for which no utterance has a known label")
    tasks: Annotated[dict[str, SerializeAsAny[TaskMetrics]], BeforeValidator(_of_their_tasks)] = (
        Field(description="for each other task, what its `Task.evaluate` gives")
    )
