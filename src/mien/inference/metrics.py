"""The metrics of a run, as `mien evaluate` writes them."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny

from mien.errors import MienError
from mien.tasks import TASKS, TaskMetrics


def _of_their_tasks(value: Any) -> Any:
    """Validate the metrics of each task by the type that the task declares."""
    if not isinstance(value, dict):
        return value
    try:
        kinds = {name: TASKS[str(name)].metrics_type for name in value}
    except MienError as error:
        raise ValueError(error.message) from error
    return {name: kinds[name].model_validate(block) for name, block in value.items()}


class Metrics(BaseModel):
    """Metrics of a run on one split; the content of ``metrics.json``.

    Examples
    --------
    >>> metrics = Metrics.model_validate(Run("runs/emotion").read("metrics.json"))  # doctest: +SKIP
    >>> metrics.tasks["emotion"].singlelabel.ua  # doctest: +SKIP
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    split: str = Field(description="train, valid, test or all")
    protocol: str = Field(description="the protocol by which the data were split")
    data: str = Field(description="folder of the prepared data")
    synthetic: bool = Field(description="whether the data are synthetic")
    modalities: str = Field(description="modalities of the input: t text, a audio, v video")
    degraded: str | None = Field(None, description="what was done to the audio, as white:10")
    references: str | None = Field(
        None, description="other clips of the same speaker that the model was given, as 10"
    )
    left_out: int = Field(description="utterances without a known label or without a modality")
    unlabelled: list[str] = Field(description="tasks for which no utterance has a known label")
    tasks: Annotated[dict[str, SerializeAsAny[TaskMetrics]], BeforeValidator(_of_their_tasks)] = (
        Field(description="metrics of each other task, from its `Task.evaluate`")
    )
    with_references: Annotated[
        dict[str, SerializeAsAny[TaskMetrics]], BeforeValidator(_of_their_tasks)
    ] = Field({}, description="the same with 10 references, for a model that takes any")
