"""What of a recording is analysed, and how."""

from dataclasses import dataclass
from typing import Literal

from mien.errors import MienError
from mien.inference.segments import MAX_SEGMENT_SECONDS
from mien.utterance import Side

MAX_SECONDS = 4 * 3600.0
"""Seconds that are analysed of a recording without an end."""

SegmentsBy = Literal["voice", "cues", "windows"]
"""What cuts a recording into turns: voice activity, the cues of a transcript, or fixed windows."""


@dataclass(frozen=True, kw_only=True)
class AnalysisOptions:
    """What of a recording is analysed, and how.

    Parameters
    ----------
    segments : {"voice", "cues", "windows"} or None
        What cuts the recording into turns. None: the cues of a transcript that has times, else
        voice activity.
    window, hop : float
        Length of fixed windows, and from one to the next, in seconds.
    speakers : int or None
        How many persons speak. None: estimated, 1 to `max_speakers`.
    max_speakers : int
        The most that are told apart where their number is estimated.
    faces : bool
        Follow the faces of a video.
    side : {"left", "right"} or None
        The half of the picture that is used.
    channel : int or None
        The audio channel that is used, from 0. None: the mean of all.
    start, end : float or None
        Seconds in the recording between which it is analysed.
    max_seconds : float
        The most that is analysed where there is no end.
    embeddings : bool
        Keep the embedding of each segment.

    Raises
    ------
    MienError
        A number is out of range.
    """

    segments: SegmentsBy | None = None
    window: float = 5.0
    hop: float = 5.0
    speakers: int | None = None
    max_speakers: int = 10
    faces: bool = True
    side: Side | None = None
    channel: int | None = None
    start: float | None = None
    end: float | None = None
    max_seconds: float = MAX_SECONDS
    embeddings: bool = False

    def __post_init__(self) -> None:
        checks = [
            ("window", 0.5 <= self.window <= MAX_SEGMENT_SECONDS, "0.5 to 15 seconds"),
            ("hop", 0.1 <= self.hop <= self.window, "0.1 seconds to the length of a window"),
            ("speakers", self.speakers is None or 1 <= self.speakers <= 50, "1 to 50"),
            ("max_speakers", 1 <= self.max_speakers <= 50, "1 to 50"),
            ("channel", self.channel is None or self.channel >= 0, "0 or more"),
            ("start", self.start is None or 0 <= self.start < 1e7, "0 seconds or more"),
            ("end", self.end is None or (self.start or 0) < self.end < 1e7, "after the start"),
            ("max_seconds", 0 < self.max_seconds <= 24 * 3600, "above 0 and at most 86,400"),
        ]
        for name, valid, needed in checks:
            if not valid:
                value = getattr(self, name)
                raise MienError(f"{value} is out of range: give {needed}", parameter=name)
