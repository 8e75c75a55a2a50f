"""What mien says of a clip."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from mien.answer import Answer
from mien.encoding import readable


def _readable(value: Any) -> Any:
    return readable(value) if isinstance(value, str) else value


Readable = Annotated[str, BeforeValidator(_readable)]
"""Text that may hold the name of a file, which need not be UTF-8."""


class Segment(BaseModel):
    """A stretch of the clip and the answers for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: float = Field(description="seconds from the beginning of the clip")
    end: float = Field(description="seconds from the beginning of the clip")
    text: str | None = Field(None, description="the words given for it")
    speaker: str | None = Field(None, description="who says them, where the transcript names them")
    modalities: str = Field(description="what the answer goes by: t words, v faces, a sound")
    faces: int = Field(0, description="pictures looked at")
    faces_found: int = Field(0, description="pictures in which a face was found")
    answers: dict[str, Answer] = Field(description="by task")


class Prediction(BaseModel):
    """What a model says of a clip, as a whole and by segments of time.

    Examples
    --------
    >>> answer = Answer(decision=["sad"], scores={"happy": 0.1, "sad": 0.9})
    >>> segment = Segment(start=0, end=2, modalities="a", answers={"emotion": answer})
    >>> prediction = Prediction(
    ...     source="a.wav", run="runs/1", modalities="a", seconds=2, answers={"emotion": answer},
    ...     segments=[segment], embedding=[1.0],
    ... )
    >>> prediction.answers["emotion"].decision
    ['sad']
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Readable = Field(description="the clip")
    run: Readable = Field(description="the run folder whose model answers")
    modalities: str = Field(description="what the answer goes by: t words, v faces, a sound")
    seconds: float = Field(description="length of the clip; 0 for words alone")
    answers: dict[str, Answer] = Field(description="by task, the segments' mean by length")
    segments: list[Segment] = Field(description="in order of time")
    embedding: list[float] = Field(description="unit-length vector of the person and their state")
    faces: int = Field(0, description="pictures looked at")
    faces_found: int = Field(0, description="pictures in which a face was found")
    synthetic_training: bool = Field(
        False, description="true where the model was trained on synthetic data"
    )
    warnings: list[Readable] = Field(
        default_factory=list, description="what could not be used, and why"
    )

    def table(self) -> str:
        """Lay the prediction out for reading."""
        lines = [self.source, f"  {self.seconds:.1f} s; {self._grounds()}"]
        for task, answer in self.answers.items():
            lines.append(f"  {task}: {answer}")
            lines += [f"    {beside}"] if (beside := answer.beside()) else []
            ranked = sorted(answer.scores.items(), key=lambda item: -item[1])
            width = max(map(len, answer.scores), default=0)
            for label, score in ranked[:10]:
                bar = "█" * round(20 * score)
                lines.append(f"    {label:<{width}} {score:5.2f} {bar}".rstrip())
        if len(self.segments) > 1:
            lines += ["  by time:"] + [f"    {_line(segment)}" for segment in self.segments]
        lines += [f"  note: {warning}" for warning in self.warnings]
        if self.synthetic_training:
            lines.append("  note: the model was trained on synthetic data")
        return "\n".join(lines)

    def _grounds(self) -> str:
        names = {"t": "words", "a": "sound", "v": "face"}
        grounds = "from " + ", ".join(names[letter] for letter in self.modalities)
        found = f"; {self.faces_found}/{self.faces} faces found" if self.faces else ""
        return grounds + found


def _line(segment: Segment) -> str:
    best = (
        str(answer) if answer.decision or answer.values else "-"
        for answer in segment.answers.values()
    )
    speaker = f"{segment.speaker}: " if segment.speaker else ""
    return f"{segment.start:7.1f} – {segment.end:7.1f} s  {speaker}{'; '.join(best)}"
