"""What goes into a stream, and what comes out of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mien.errors import MienError
from mien.inference.prediction import Readable
from mien.inference.reason import Reason
from mien.media.limits import MAX_PIXELS, SAMPLE_RATE_RANGE
from mien.modality import Modality
from mien.task_prediction import TaskPrediction
from mien.utterance import MAX_TIME


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """What comes in at once.

    Parameters
    ----------
    audio : array (S,) or (S, C), optional
        Floating point in [-1, 1], or signed integers; channels are averaged.
    rate : int, optional
        Sample rate of the audio, Hz.
    frame : array (H, W, 3) uint8, optional
        RGB, upright.
    text : str, optional
        What is said.
    time : float, optional
        Seconds from the beginning of the stream at which the audio begins, the frame was taken or
        the text said. Without it audio follows what came before, and the others belong to now.
    """

    audio: np.ndarray | None = None
    rate: int | None = None
    frame: np.ndarray | None = None
    text: str | None = None
    time: float | None = None


class Update(BaseModel):
    """What a model predicts for a window of a stream."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    time: float = Field(description="seconds of the stream that had come when it was made")
    start: float = Field(description="begin of the window, seconds from that of the stream")
    end: float = Field(description="end of the window, seconds from the beginning of the stream")
    speech: bool | None = Field(
        description="whether somebody speaks; null: no audio came, or the model uses none"
    )
    modalities: list[Modality] = Field(description="the modalities that the answers are based on")
    text: str | None = Field(None, description="what is said, as far as it was given and used")
    faces: int = Field(0, description="frames searched for a face")
    faces_found: int = Field(0, description="frames in which a face was found")
    answers: dict[str, TaskPrediction] = Field(description="the prediction for each task")
    abstained: list[Reason] | None = Field(
        None,
        description="why the answer of a task, or of all, is empty; without any reason: nothing"
        " came that the model uses; null: all are answered",
    )
    latency: float = Field(description="seconds that computing it took")
    skipped: int = Field(
        0, description="windows left out since the update before, as computing took too long"
    )
    late_frames: int = Field(
        0, description="frames that came too late for their window, since the update before"
    )
    synthetic_training: bool = Field(
        False, description="whether the model was trained on synthetic data"
    )
    warnings: list[Readable] = Field(
        default_factory=list, description="what could not be used, and why"
    )


def check(chunk: Chunk) -> None:
    """Raise `MienError` if a chunk has no proper audio, frame or time."""
    time, rate, frame = chunk.time, chunk.rate, chunk.frame
    if time is not None and not 0 <= time <= MAX_TIME:
        raise MienError(
            f"the time of a chunk is in seconds from the beginning of the stream, not {time:g}",
            parameter="time",
        )
    lowest, highest = SAMPLE_RATE_RANGE
    if chunk.audio is not None and not (rate and lowest <= rate <= highest):
        raise MienError(
            f"audio needs its sample rate, from {lowest} to {highest} Hz, not {rate}",
            parameter="rate",
        )
    if frame is not None and not (
        frame.dtype == np.uint8
        and frame.ndim == 3
        and frame.shape[2] == 3
        and 0 < frame.shape[0] * frame.shape[1] <= MAX_PIXELS
    ):
        raise MienError(
            f"a frame is an RGB image (height, width, 3) of uint8, not {frame.shape} of"
            f" {frame.dtype}",
            parameter="frame",
        )


def in_parts(chunk: Chunk, seconds: float) -> Iterator[Chunk]:
    """Cut the audio of a chunk into parts of so many seconds; all else is with the first."""
    most = max(int(seconds * (chunk.rate or 0)), 1)
    if chunk.audio is None or len(chunk.audio) <= most:
        yield chunk
        return
    yield replace(chunk, audio=chunk.audio[:most])
    for begin in range(most, len(chunk.audio), most):
        yield Chunk(audio=chunk.audio[begin : begin + most], rate=chunk.rate)
