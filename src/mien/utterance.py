"""The data types that all packages share: an utterance, its decoded clip, its stored sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
"""Names of emotions in mien, whatever a corpus calls them, in the order of listings."""

MAX_SENTIMENT = 3.0
"""Sentiment ranges from minus this, highly negative, to this (CMU-MOSEI, Zadeh et al. 2018)."""

SAMPLE_RATE = 16_000
"""Sample rate of every stored waveform, Hz."""

MIN_SAMPLES = 400
"""Shortest waveform that can be analysed: one window of 25 ms."""

MAX_TIME = 1e7
"""Seconds, some 115 days: no recording is as long, and a later time is a fault of its file."""

Side = Literal["left", "right"]

SplitName = Literal["train", "valid", "test"]

SPLITS: tuple[SplitName, ...] = ("train", "valid", "test")

NoFace = Literal["leave-out", "centre"]
"""What replaces a frame without a detected face: nothing, or its centre, as published."""


@dataclass(frozen=True, eq=False)
class MediaBytes:
    """A media file in memory, encoded as it would be on a disk.

    Parameters
    ----------
    data : bytes
        Its content.
    name : str
        Its name in messages; it is no path.

    Examples
    --------
    >>> str(MediaBytes(b"RIFF", "upload.wav"))
    'upload.wav'
    """

    data: bytes = field(repr=False)
    name: str = "clip"

    def __str__(self) -> str:
        """Return the name, as for the path of a file."""
        return self.name

    def open(self) -> BytesIO:
        """Open the content for reading."""
        return BytesIO(self.data)


Media = Path | MediaBytes
"""A media file: on the disk or in memory."""


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """One turn of one speaker in one recording. It names the media files and holds no media data.

    Parameters
    ----------
    id : str
        Unique within the corpus.
    corpus : str
        Name of the corpus the utterance comes from.
    person, session, dialogue : str or None
        The speaker, and the recording units that a protocol may hold out. None: not known.
    start, end : float or None
        Seconds in the media files. None: the beginning, the end.
    text : str or None
        The transcript. None: not transcribed.
    emotions : tuple of str or None
        Names from `EMOTIONS`. An empty tuple means "labelled, none of them"; None "not labelled".
    sentiment : float or None
        From -3, highly negative, to 3, highly positive; 0 is neutral. None: not rated.
    labels : mapping of str to float or str
        Labels of other tasks, by name: finite numbers or words. ``valence``, ``arousal`` and
        ``dominance`` are numbers on the scale of the corpus.
    video, audio : Path or None
        Media files; they may be the same file. None: the modality is missing. A video may also be
        a pattern of numbered images such as ``talk/image_%d.jpg``.
    video_rate : float or None
        Images per second of such a pattern, from its first image on. None: `video` is a file.
    video_side : {"left", "right"} or None
        The half of a split-screen video that shows the speaker. None: the whole frame.
    audio_channel : int or None
        The channel of the speaker, from 0. None: the mean of all channels.
    synthetic : bool
        True where the utterance was generated.
    split : {"train", "valid", "test"} or None
        The split that the corpus itself assigns, if it does.
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
    """What could not be used, and why, as the corpora and `prepare` record it.

    Parameters
    ----------
    id : str
        The utterance, or the row of a list.
    reason : str
        The full reason.
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
    """A decoded utterance. A missing modality is None, never an empty array.

    Parameters
    ----------
    frames : array (T, H, W, 3) uint8 or None
        RGB.
    times : array (T,) float32 or None
        Seconds from the beginning of the media file, one for each frame.
    waveform : array (S,) float32 or None
        Mono, in [-1, 1].
    rate : int or None
        Sample rate of `waveform`, Hz.
    text : str or None
        The transcript.
    """

    frames: np.ndarray | None = None
    times: np.ndarray | None = None
    waveform: np.ndarray | None = None
    rate: int | None = None
    text: str | None = None


@dataclass(frozen=True)
class SpeakerReference:
    """The mean state of other clips of a speaker, which shows how they speak in general.

    Parameters
    ----------
    count : int
        Number of the clips.
    counts : mapping of str to int
        How many of them have each modality, by its letter.
    states : mapping of str to sequence of array (K,) float32
        By the letter of the modality the mean of their pooled states, of each pretrained network.
    """

    count: int
    counts: Mapping[str, int]
    states: Mapping[str, Sequence[np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The stored data of one utterance, of which encoders take their input.

    A missing modality is None.

    Parameters
    ----------
    utterance : Utterance
        Labels, transcript and origin.
    seconds : float or None
        Duration of its media, as far as they were decoded. None: not known.
    frame_times : array (F,) float32 or None
        Times of the frames in which a face was searched for, in seconds from the beginning of the
        media file.
    faces : array (T, S, S, 3) uint8 or None
        RGB face crops of the size that the data were prepared with, 1 <= T <= F.
    face_times : array (T,) float32 or None
        Seconds from the beginning of the media file.
    face_found : array (T,) bool or None
        False where no face was detected and the crop is the centre of the frame, as published; by
        default such frames are left out.
    waveform : array (S,) int16 or None
        Mono at 16 kHz, S >= `MIN_SAMPLES`, never silence.
    features : mapping of str to array (L, D) float32
        Hand-crafted features by the letter of the modality, L >= 1, where a model uses them.
    states : mapping of str to sequence of sequence of array (T, K) float32
        States of frozen pretrained networks by the letter of the modality, where they are stored:
        for each augmented copy those of each network. T is 0 without the modality.
    copies : mapping of str to int
        Number of the augmented copy that the media are, by the letter of the modality; 0: as
        recorded.
    reference : SpeakerReference or None
        Other clips of the same speaker, where they are known.
    """

    utterance: Utterance
    seconds: float | None = None
    frame_times: np.ndarray | None = None
    faces: np.ndarray | None = None
    face_times: np.ndarray | None = None
    face_found: np.ndarray | None = None
    waveform: np.ndarray | None = None
    features: Mapping[str, np.ndarray] = field(default_factory=dict)
    states: Mapping[str, Sequence[Sequence[np.ndarray]]] = field(default_factory=dict)
    copies: Mapping[str, int] = field(default_factory=dict)
    reference: SpeakerReference | None = None

    def with_states(self, letter: str, copies: "Sequence[Sequence[np.ndarray]]") -> "Sample":
        """Return a sample whose states in a modality are stored, for each of its copies."""
        return replace(self, states={**self.states, letter: copies})

    @property
    def text(self) -> str | None:
        """The transcript, or None where there is none or only white space."""
        text = self.utterance.text
        return text if text and text.strip() else None

    @property
    def modalities(self) -> str:
        """The letters of the modalities present, out of "tav" (text, audio, video)."""
        present = {"t": self.text, "a": self.waveform, "v": self.faces}
        return "".join(letter for letter, content in present.items() if content is not None)
