"""The prediction for a clip, as a whole and by segments of time."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from mien.encoding import readable
from mien.inference.reason import Reason
from mien.modality import Modality
from mien.task_prediction import TaskPrediction


def _readable(value: Any) -> Any:
    return readable(value) if isinstance(value, str) else value


Readable = Annotated[str, BeforeValidator(_readable)]
"""Text that may hold the name of a file, which need not be UTF-8."""


class Segment(BaseModel):
    """A segment of a clip, and the prediction for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: float = Field(description="seconds from the beginning of the clip")
    end: float = Field(description="seconds from the beginning of the clip")
    text: str | None = Field(None, description="what is said, if it was given and could be used")
    speaker: str | None = Field(None, description="who speaks, if the transcript names them")
    modalities: list[Modality] = Field(description="the modalities that the prediction is based on")
    faces: int = Field(0, description="frames searched for a face")
    faces_found: int = Field(0, description="frames in which a face was found")
    answers: dict[str, TaskPrediction] = Field(description="the prediction for each task")
    abstained: list[Reason] | None = Field(
        None, description="why the answer of a task, or of all, is empty; null: all are answered"
    )


class Prediction(BaseModel):
    """What a model predicts for a clip, as a whole and by segments of time.

    Examples
    --------
    >>> emotion = TaskPrediction(decision=["sad"], scores={"happy": 0.1, "sad": 0.9})
    >>> segment = Segment(start=0, end=2, modalities=["audio"], answers={"emotion": emotion})
    >>> prediction = Prediction(
    ...     source="a.wav", run="runs/1", modalities=["audio"], seconds=2,
    ...     answers={"emotion": emotion}, segments=[segment], embedding=[1.0],
    ... )
    >>> prediction.answers["emotion"].decision
    ['sad']
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Readable = Field(description="the clip")
    run: Readable = Field(description="the run folder of the model")
    modalities: list[Modality] = Field(description="the modalities that the prediction is based on")
    seconds: float = Field(description="length of the clip; 0 for text alone")
    answers: dict[str, TaskPrediction] = Field(
        description="the prediction for each task, by the segments' mean scores, weighted by length"
    )
    abstained: list[Reason] | None = Field(
        None, description="why the answer of a task, or of all, is empty; null: all are answered"
    )
    segments: list[Segment] = Field(description="the segments, in order of time")
    embedding: list[float] = Field(
        description="the embedding of the clip, of unit length; empty if nothing of it can be used"
    )
    faces: int = Field(0, description="frames searched for a face")
    faces_found: int = Field(0, description="frames in which a face was found")
    references: int = Field(
        0, description="other clips of the same speaker that the prediction is relative to"
    )
    person: str | None = Field(
        None, description="the enrolled person who was identified in the clip; null: nobody was"
    )
    synthetic_training: bool = Field(
        False, description="whether the model was trained on synthetic data"
    )
    warnings: list[Readable] = Field(
        default_factory=list, description="what could not be used, and why"
    )

    def table(self) -> str:
        """Format the prediction as a table for reading."""
        lines = [self.source, f"  {self.seconds:.1f} s; {self._inputs()}"]
        lines += [f"  {one}" for one in _nothing(self.abstained)]
        for task, predicted in self.answers.items():
            if _nothing(self.abstained):
                break
            why = _unsure(self.abstained, task)
            lines.append(f"  {task}: {why or predicted}")
            note = None if why else predicted.threshold_note()
            lines += [f"    {note}"] if note else []
            ranked = sorted(predicted.scores.items(), key=lambda item: -item[1])
            width = max(map(len, predicted.scores), default=0)
            for label, score in ranked[:10]:
                bar = "█" * round(20 * score)
                lines.append(f"    {label:<{width}} {score:5.2f} {bar}".rstrip())
        if len(self.segments) > 1:
            lines += ["  by time:"] + [f"    {_line(segment)}" for segment in self.segments]
        if self.references:
            whose = "other clips of the same speaker"
            if self.person is not None:
                whose = f"enrolled clips of {self.person}"
            lines.append(f"  relative to {self.references} {whose}")
        lines += [f"  note: {warning}" for warning in self.warnings]
        if self.synthetic_training:
            lines.append("  note: the model was trained on synthetic data")
        return "\n".join(lines)

    def _inputs(self) -> str:
        found = f"; {self.faces_found}/{self.faces} faces found" if self.faces else ""
        used = f"from {', '.join(self.modalities)}" if self.modalities else "nothing could be used"
        return f"{used}{found}"


class Failure(BaseModel):
    """A clip that could not be used, in place of its prediction.

    Examples
    --------
    >>> print(Failure(source="a.wav", reason="a.wav does not exist"))
    a.wav does not exist
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(description="the clip")
    reason: str = Field(description="what is wrong, and what to do")

    def __str__(self) -> str:
        """Return the reason, which names the clip."""
        return self.reason


def _line(segment: Segment) -> str:
    best = _nothing(segment.abstained) or [
        _unsure(segment.abstained, task)
        or (str(predicted) if predicted.decision or predicted.values else "-")
        for task, predicted in segment.answers.items()
    ]
    speaker = f"{segment.speaker}: " if segment.speaker else ""
    return f"{segment.start:7.1f} – {segment.end:7.1f} s  {speaker}{'; '.join(best)}"


def _nothing(reasons: list[Reason] | None) -> list[str]:
    """Say why nothing is answered; empty if anything is."""
    return [f"can't tell: {reason}" for reason in reasons or () if reason.task is None]


def _unsure(reasons: list[Reason] | None, task: str) -> str | None:
    """Say why one task is not answered; None if it is."""
    found = (f"can't tell: {reason}" for reason in reasons or () if reason.task == task)
    return next(found, None)
