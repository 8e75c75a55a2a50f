"""When a recognizer says "can't tell": the thresholds, as abstention.json of a run stores them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from torch import Tensor

from mien.errors import MienError, brief
from mien.inference.language import LANGUAGES
from mien.inference.reason import Reason
from mien.metrics.temperature import best_probabilities
from mien.runs.run import Run
from mien.task_prediction import TaskPrediction
from mien.tasks import LabelTask, Task

ABSTENTION = "abstention.json"
"""Name of the file in a run folder; without it the recognizer always answers."""


class Abstention(BaseModel):
    """What a clip must have to be answered, and how sure the model must be.

    A modality that does not meet this is left out. A task is not answered if no modality is left,
    or if the best label is less probable than `min_probability`.

    Examples
    --------
    >>> Abstention(min_probability={"emotion": 0.4}).min_snr
    5.0
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_speech: float = Field(
        0.5, ge=0, le=60, description="seconds of speech that audio must have"
    )
    min_snr: float = Field(5.0, ge=-60, le=60, description="signal-to-noise ratio of audio, dB")
    languages: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        max_length=len(LANGUAGES),
        description="codes of the languages that the model knows, such as en; null: any text is"
        " used",
    )
    min_probability: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        {},
        max_length=64,
        description="by task: the probability that the best label must have; a task that is not"
        " named is always answered",
    )
    temperature: dict[str, Annotated[float, Field(ge=0.01, le=100)]] = Field(
        {},
        max_length=64,
        description="by task: the temperature that makes probabilities of the scores; 1 if not"
        " named",
    )

    @field_validator("languages")
    @classmethod
    def _known(cls, codes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if unknown := [code for code in codes or () if code not in LANGUAGES]:
            raise ValueError(f"no language {unknown[0][:20]!r}: known are {', '.join(LANGUAGES)}")
        return codes

    def check_tasks(self, tasks: Sequence[Task], source: str | None = None) -> None:
        """Raise `MienError` if a task that is named has no labels, or the model lacks it."""
        labelled = [task.name for task in tasks if isinstance(task, LabelTask)]
        for name in (*self.min_probability, *self.temperature):
            if name not in labelled:
                raise MienError(
                    f"{source or 'the abstention'} names the task {name[:40]!r}, and the model's"
                    f" tasks with labels are {', '.join(labelled) or 'none'}: name one of these"
                )

    def unsure(self, tasks: Sequence[Task], scores: Mapping[str, Sequence[float]]) -> list[Reason]:
        """Say of which tasks the model is not sure enough.

        Parameters
        ----------
        tasks : sequence of Task
            Those of the model.
        scores : mapping of str to sequence of C numbers
            By task, as `Task.scores` gives them.
        """
        reasons = []
        for task in tasks:
            least = self.min_probability.get(task.name)
            if least is None or not isinstance(task, LabelTask):
                continue
            row = np.asarray(scores[task.name], float)[None]
            heat = self.temperature.get(task.name, 1.0)
            best = float(best_probabilities(row, heat, exclusive=task.loss == "ce")[0])
            if best < least:
                detail = (
                    f"{task.labels[int(row.argmax())]} is most likely, with a probability of"
                    f" {_down(best)}; at least {least:g} is needed"
                )
                reasons.append(Reason(kind="not sure", task=task.name, detail=detail))
        return reasons


Decide = Callable[[Mapping[str, Tensor]], dict[str, TaskPrediction]]
"""Makes the prediction for each task from its scores (C,)."""


def answer(
    tasks: Sequence[Task],
    decide: Decide,
    abstention: Abstention | None,
    scores: Mapping[str, Tensor] | None,
) -> tuple[dict[str, TaskPrediction], list[Reason]]:
    """Predict each task, but without a decision where the model is not sure enough.

    Parameters
    ----------
    tasks : sequence of Task
        Those of the model.
    decide : callable
        How the recognizer decides.
    abstention : Abstention or None
        How sure it must be.
    scores : mapping of str to Tensor (C,), or None
        By task; None where nothing could be used, so that every prediction is empty.

    Returns
    -------
    predictions : dict of str to TaskPrediction
        By task.
    reasons : list of Reason
        Of which tasks the model is not sure enough.
    """
    if scores is None:
        return {task.name: TaskPrediction(decision=[]) for task in tasks}, []
    predicted = decide(scores)
    if abstention is None:
        return predicted, []
    unsure = abstention.unsure(tasks, {name: row.tolist() for name, row in scores.items()})
    names = [reason.task for reason in unsure if reason.task is not None]
    empty = {name: predicted[name].model_copy(update={"decision": []}) for name in names}
    return predicted | empty, unsure


def abstention_for(run: Run, given: Abstention | bool = True) -> Abstention | None:
    """Decide by which abstention a run predicts.

    Parameters
    ----------
    run : Run
        The run.
    given : Abstention or bool
        What the caller asks for. True: the run's own, if it has one; False: none.

    Raises
    ------
    MienError
        The abstention.json of the run is damaged, or what is used does not fit its tasks.
    """
    found = _of_run(run) if given is True else given or None
    if found is not None:
        found.check_tasks(run.config.tasks, str(run.folder / ABSTENTION) if given is True else None)
    return found


def _of_run(run: Run) -> Abstention | None:
    if not run.file(ABSTENTION).is_file():
        return None
    try:
        return Abstention.model_validate(run.read(ABSTENTION))
    except ValidationError as error:
        path = run.folder / ABSTENTION
        raise MienError(f"{path} is damaged: {brief(error)}: copy it again") from error


def _down(probability: float) -> str:
    """Write a probability with two digits, never rounded up to the threshold it is below."""
    return f"{np.floor(100 * probability) / 100:.2f}"
