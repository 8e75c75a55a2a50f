"""The timeline of a recording: who says what, when, in which tone and with which face."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mien.inference.prediction import Readable
from mien.inference.reason import Reason
from mien.modality import Modality
from mien.progress import duration
from mien.task_prediction import TaskPrediction
from mien.turn import Mark

NameOrigin = Literal["transcript", "gallery"]
"""What gave the name of a speaker."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Word(_Part):
    """A word, and when it is spoken."""

    text: str = Field(description="the word, with its punctuation")
    start: float = Field(description="seconds from the beginning of the recording")
    end: float = Field(description="seconds from the beginning of the recording")
    probability: float | None = Field(
        None, description="that it was recognised rightly; null: the transcript gives the word"
    )


class TimelineSegment(_Part):
    """A stretch of speech of one speaker, and the prediction for it."""

    start: float = Field(description="seconds from the beginning of the recording")
    end: float = Field(description="seconds from the beginning of the recording")
    speaker: str | None = Field(description="who speaks; null: it was not told")
    mark: Mark | None = Field(
        None, description="why it is not answered by its form: overlap or short; null: it is usual"
    )
    text: str | None = Field(None, description="what is said")
    words: list[Word] = Field(default_factory=list, description="the words with their times")
    face: int | None = Field(None, description="the track of the face that speaks; null: not seen")
    modalities: list[Modality] = Field(description="the modalities that the prediction is based on")
    answers: dict[str, TaskPrediction] = Field(description="the prediction for each task")
    abstained: list[Reason] | None = Field(
        None, description="why the answer of a task, or of all, is empty; null: all are answered"
    )
    embedding: list[float] | None = Field(
        None, description="the embedding, of unit length; null: it was not asked for"
    )


class FaceSummary(_Part):
    """One face, followed from frame to frame until it leaves or the scene is cut."""

    id: int = Field(description="number of the track, from 1")
    start: float = Field(description="seconds from the beginning of the recording")
    end: float = Field(description="seconds from the beginning of the recording")
    frames: int = Field(description="frames in which the face was detected")
    speaker: str | None = Field(None, description="the speaker whose face it is; null: not told")


class Change(_Part):
    """A change of a speaker's predicted labels from one segment to the next."""

    time: float = Field(description="start of the later segment, seconds")
    before: list[str] = Field(description="labels of the segment before")
    after: list[str] = Field(description="labels from then on")


class SpeakerSummary(_Part):
    """What a recording holds of one speaker."""

    speaker: str = Field(description="their name, or Speaker and a number")
    named_by: NameOrigin | None = Field(
        None, description="what gave the name: transcript or gallery; null: it is a number"
    )
    seconds: float = Field(description="speech in seconds, overlapped and short speech included")
    share: float = Field(description="of all speech, from 0 to 1")
    segments: int = Field(description="number of segments")
    words: int = Field(0, description="number of words")
    faces: list[int] = Field(default_factory=list, description="the tracks of their face")
    scores: dict[str, dict[str, float]] = Field(
        description="by task the mean scores, or values, of their segments, weighted by length"
    )
    changes: dict[str, list[Change]] = Field(
        description="by task the changes of the predicted labels, in order of time"
    )

    def row(self) -> str:
        """Format the summary as a row: share, segments, changes, and the three highest scores."""
        changes = sum(map(len, self.changes.values()))
        means = [
            f"{label} {score:.2f}"
            for scores in self.scores.values()
            for label, score in sorted(scores.items(), key=lambda item: -item[1])[:3]
        ]
        return f"{self.share:5.0%}  {self.segments:8}  {changes:7}  {', '.join(means) or '-'}"


class Course(_Part):
    """How the scores of a speaker go over time, smoothed; null where they do not speak nearby."""

    speaker: str = Field(description="the speaker")
    task: str = Field(description="the task")
    times: list[float] = Field(description="seconds from the beginning of the recording")
    scores: dict[str, list[float | None]] = Field(
        description="by label, or by the name of a value, one number for each time"
    )


class Timeline(_Part):
    """Who says what in a recording, when, in which tone and with which face."""

    source: Readable = Field(description="the recording")
    run: Readable = Field(description="the run folder of the model")
    start: float = Field(0.0, description="where the timeline begins in the recording, seconds")
    seconds: float = Field(description="length of what was analysed, seconds")
    language: str | None = Field(None, description="code of the language that is spoken, if told")
    speakers: list[SpeakerSummary] = Field(description="the speakers, by when they first speak")
    segments: list[TimelineSegment] = Field(description="the segments, in order of time")
    faces: list[FaceSummary] = Field(
        default_factory=list, description="the faces that were followed, in order of time"
    )
    courses: list[Course] = Field(
        default_factory=list, description="smoothed scores by speaker and task"
    )
    synthetic_training: bool = Field(
        False, description="whether the model was trained on synthetic data"
    )
    warnings: list[Readable] = Field(
        default_factory=list, description="what could not be used, and why"
    )

    def table(self) -> str:
        """Sum the timeline up as a table for reading."""
        words = sum(one.words for one in self.speakers)
        told = f"; language {self.language}" if self.language else ""
        lines = [
            self.source,
            f"  {duration(self.seconds)}; {len(self.speakers)} speakers, {len(self.segments)}"
            f" segments, {words} words, {len(self.faces)} face tracks{told}",
        ]
        width = max([len("speaker"), *(len(one.speaker) for one in self.speakers)])
        lines.append(f"  {'speaker':<{width}}  share  segments  changes  mean scores")
        lines += [f"  {one.speaker:<{width}}  {one.row()}" for one in self.speakers]
        lines += [f"  note: {warning}" for warning in self.warnings]
        if self.synthetic_training:
            lines.append("  note: the model was trained on synthetic data")
        return "\n".join(lines)
