"""The nouns every room shares: an utterance, what was skipped, and what decoding makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np

EMOTIONS = (
    "neutral",
    "calm",
    "happy",
    "excited",
    "sad",
    "angry",
    "frustrated",
    "fearful",
    "disgusted",
    "surprised",
)
"""The words mien uses for emotions, whatever a corpus calls them, in the order they are listed."""

MAX_SENTIMENT = 3.0
"""Sentiment goes from minus this, highly negative, to this (CMU-MOSEI, Zadeh et al. 2018)."""

SAMPLE_RATE = 16_000
"""Samples a second of every waveform inside mien."""

MIN_SAMPLES = 400
"""Samples of sound below which there is nothing to analyse: one window of 25 ms."""

Side = Literal["left", "right"]

SplitName = Literal["train", "valid", "test"]

SPLITS: tuple[SplitName, ...] = ("train", "valid", "test")

NoFace = Literal["leave-out", "centre"]
"""What stands for a frame in which no face is found: nothing, or its centre as published."""


@dataclass(frozen=True, eq=False)
class MediaBytes:
    """A media file that is in memory, encoded as it would be on a disk.

    Parameters
    ----------
    data : bytes
        The whole of it.
    name : str
        What messages call it; nothing is opened by it.

    Examples
    --------
    >>> str(MediaBytes(b"RIFF", "upload.wav"))
    'upload.wav'
    """

    data: bytes = field(repr=False)
    name: str = "clip"

    def __str__(self) -> str:
        """Give the name, as the path of a file is given."""
        return self.name

    def open(self) -> BytesIO:
        """Open it for reading."""
        return BytesIO(self.data)


Media = Path | MediaBytes
"""Where media come from: a file, or one that is in memory."""


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """One turn of one person in one recording. It says where the media lie and holds none.

    Parameters
    ----------
    id : str
        Unique within the corpus.
    corpus : str
        Name of the corpus the utterance comes from.
    person, session, dialogue : str or None
        Who speaks, and the recording units that a split may hold out. None: not known.
    start, end : float or None
        Seconds in the media files. None: from the beginning, to the end.
    text : str or None
        The words. None: not transcribed.
    emotions : tuple of str or None
        Words from `EMOTIONS`. An empty tuple means "labelled, none of them"; None "not labelled".
    sentiment : float or None
        From -3, highly negative, over 0, neutral, to 3, highly positive. None: not judged.
    labels : mapping of str to float or str
        Labels of other tasks, by name: finite numbers or words. ``valence``, ``arousal`` and
        ``dominance`` are numbers on the scale of the corpus.
    video, audio : Path or None
        Media files; they may be the same file. None: that modality does not exist. A video may
        also be a pattern of numbered pictures such as ``talk/image_%d.jpg``.
    video_rate : float or None
        Pictures a second of such a pattern, from its first picture on. None: `video` is a file.
    video_side : {"left", "right"} or None
        Which half of a split-screen picture shows the person. None: the whole picture.
    audio_channel : int or None
        Which channel holds the person's voice, from 0. None: all channels averaged.
    synthetic : bool
        True for what a generator made.
    split : {"train", "valid", "test"} or None
        The part the corpus itself assigns, where it does.
    attributes : mapping
        Further facts of this corpus (intensity, take, ...); plain JSON values.
    """

    id: str
    corpus: str
    person: str | None = None
    session: str | None = None
    dialogue: str | None = None
    start: float | None = None
    end: float | None = None
    text: str | None = None
    emotions: tuple[str, ...] | None = None
    sentiment: float | None = None
    labels: Mapping[str, float | str] = field(default_factory=dict)
    video: Path | None = None
    video_rate: float | None = None
    video_side: Side | None = None
    audio: Path | None = None
    audio_channel: int | None = None
    synthetic: bool = False
    split: SplitName | None = None
    attributes: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Skipped:
    """What could not be used, and why; every importer and `prepare` report these.

    Parameters
    ----------
    id : str
        The utterance, or the row of a list.
    reason : str
        In full, for whoever looks at this one.
    source : str
        The file at fault.
    kind : str
        A short phrase that is the same for all reasons of one kind, such as "no consensus on the
        emotion": summaries count by it. Empty: the reason itself.
    """

    id: str
    reason: str
    source: str = ""
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """An utterance decoded. A part that does not exist is None, never an empty array.

    Parameters
    ----------
    frames : array (T, H, W, 3) uint8 or None
        RGB pictures.
    times : array (T,) float32 or None
        Seconds from the beginning of the media file, one for each frame.
    waveform : array (S,) float32 or None
        Mono, in [-1, 1].
    rate : int or None
        Samples a second of `waveform`.
    text : str or None
        The words.
    """

    frames: np.ndarray | None = None
    times: np.ndarray | None = None
    waveform: np.ndarray | None = None
    rate: int | None = None
    text: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a model sees of one utterance. A modality that does not exist is None.

    Parameters
    ----------
    utterance : Utterance
        Labels, words and origin.
    seconds : float or None
        How long its media last, as far as they were decoded. None: not known.
    frame_times : array (F,) float32 or None
        When a frame was searched for a face, in seconds from the beginning of the media file.
    faces : array (T, S, S, 3) uint8 or None
        RGB face crops of the size that the data were prepared with, 1 <= T <= F.
    face_times : array (T,) float32 or None
        Seconds from the beginning of the media file.
    face_found : array (T,) bool or None
        False where no face was detected and the centre of the frame stands in, as published; by
        default such frames are left out.
    waveform : array (S,) int16 or None
        Mono at 16 kHz, S >= `MIN_SAMPLES`, never silence.
    features : mapping of str to array (L, D) float32
        For models of hand-crafted features: those of "t", "a" and "v", L >= 1, as far as it has
        them.
    """

    utterance: Utterance
    seconds: float | None = None
    frame_times: np.ndarray | None = None
    faces: np.ndarray | None = None
    face_times: np.ndarray | None = None
    face_found: np.ndarray | None = None
    waveform: np.ndarray | None = None
    features: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def text(self) -> str | None:
        """The words, or None where there are none or only white space."""
        text = self.utterance.text
        return text if text and text.strip() else None

    @property
    def modalities(self) -> str:
        """The letters of the modalities present, out of "tav" (text, audio, video)."""
        present = {"t": self.text, "a": self.waveform, "v": self.faces}
        return "".join(letter for letter, part in present.items() if part is not None)
