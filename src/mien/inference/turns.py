"""Segmenters: where the turns of a recording are, by voice, by its transcript, or by the clock."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mien.errors import MienError
from mien.media.cues import Transcript
from mien.turn import SHORT, Mark, Turn
from mien.utterance import SAMPLE_RATE

if TYPE_CHECKING:
    from mien.models.pretrained.voice_activity import VoiceActivity

__all__ = ["CueSegmenter", "Segmenter", "Turn", "VoiceSegmenter", "WindowSegmenter"]

MIN_WINDOW = 0.1
"""Seconds: the least length and hop of windows, so that their number stays sensible."""


class Segmenter(Protocol):
    """Finds the turns of a recording."""

    def __call__(self, waveform: np.ndarray | None, seconds: float) -> list[Turn]:
        """Find the turns.

        Parameters
        ----------
        waveform : array (S,) int16, or None
            Mono at 16 kHz; it may lie in a file (`numpy.memmap`). None: there is no audio.
        seconds : float
            Length of the recording.

        Returns
        -------
        list of Turn
            In order of time, none beyond the end of the recording.
        """
        ...


@dataclass(frozen=True)
class VoiceSegmenter:
    """Each stretch of speech is a turn, by voice activity detection; who speaks stays open.

    Speech begins with a frame whose probability reaches `onset`, and ends before the first whose
    probability is below `offset`. Pauses that are too short are filled, then speech that is too
    short is left out, then the rest is padded.

    Parameters
    ----------
    onset, offset : float
        Probabilities of speech, 0 to 1.
    min_speech, min_pause : float
        Seconds.
    padding : float
        Seconds that are added at both ends, at most half of the pause.

    Raises
    ------
    MienError
        The offset is above the onset, or a number is out of its range.

    Examples
    --------
    >>> VoiceSegmenter()(np.zeros(16_000, np.int16), 1.0)
    []
    """

    onset: float = 0.4
    offset: float = 0.2
    min_speech: float = 0.1
    min_pause: float = 0.5
    padding: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.offset <= self.onset <= 1:
            raise MienError(
                f"speech begins at a probability of {self.onset:g} and ends at {self.offset:g}:"
                " give 0 ≤ offset ≤ onset ≤ 1",
                parameter="onset",
            )
        for name in ("min_speech", "min_pause", "padding"):
            if not 0 <= getattr(self, name) <= 60:
                raise MienError("takes 0 to 60 seconds", parameter=name)

    @cached_property
    def _activity(self) -> "VoiceActivity":
        from mien.models.pretrained.voice_activity import VoiceActivity

        return VoiceActivity()

    def __call__(self, waveform: np.ndarray | None, seconds: float) -> list[Turn]:
        """Find the turns as `Segmenter` says; those with little speech are marked as short.

        Raises
        ------
        MienError
            The detector's package is not installed.
        """
        if waveform is None:
            return []
        from mien.models.pretrained.voice_activity import FRAME_SAMPLES, SPEECH

        probabilities, frame = self._activity.probabilities(waveform), FRAME_SAMPLES / SAMPLE_RATE
        spans = self._spans(probabilities, frame)
        edges = (spans * frame).clip(max=min(seconds, len(waveform) / SAMPLE_RATE))
        speech = np.concatenate([[0], np.cumsum(probabilities >= SPEECH)]) * frame
        return [
            Turn(float(start), float(end), mark=_mark(speech[b] - speech[a]))
            for (a, b), (start, end) in zip(
                spans, _padded(edges, self.padding, seconds), strict=True
            )
            if end > start
        ]

    def _spans(self, probabilities: np.ndarray, frame: float) -> np.ndarray:
        """Find the stretches of speech, (N, 2): the first frame, and the first one behind."""
        spans = hysteresis(probabilities, self.onset, self.offset)
        if not len(spans):
            return spans
        real = (spans[1:, 0] - spans[:-1, 1]) * frame >= self.min_pause
        starts = spans[np.concatenate([[True], real]), 0]
        ends = spans[np.concatenate([real, [True]]), 1]
        return np.stack([starts, ends], axis=1)[(ends - starts) * frame >= self.min_speech]


def _mark(speech: float) -> Mark | None:
    """Mark a turn by its speech in seconds."""
    return "short" if speech < SHORT else None


def hysteresis(values: np.ndarray, onset: float, offset: float) -> np.ndarray:
    """Find the stretches that begin at `onset` and last while values are not below `offset`.

    Parameters
    ----------
    values : array (T,)
        One for each frame.
    onset, offset : float
        The thresholds.

    Returns
    -------
    array (N, 2) int
        The first frame of each stretch, and the first one behind it.

    Examples
    --------
    >>> hysteresis(np.array([0.4, 0.6, 0.4, 0.1, 0.4]), 0.5, 0.3).tolist()
    [[1, 3]]
    """
    kept = np.concatenate([[False], values >= offset, [False]])
    edges = np.flatnonzero(kept[1:] != kept[:-1]).reshape(-1, 2)
    found = [
        (start + int(np.argmax(begun)), end)
        for start, end in edges
        if (begun := values[start:end] >= onset).any()
    ]
    return np.array(found, int).reshape(-1, 2)


def _padded(spans: np.ndarray, padding: float, seconds: float) -> np.ndarray:
    """Lengthen spans (N, 2) at both ends, where they do not meet."""
    before = np.concatenate([[0.0], spans[:-1, 1]])
    after = np.concatenate([spans[1:, 0], [seconds]])
    room = np.stack([spans[:, 0] - before, after - spans[:, 1]], axis=1)
    room[1:, 0] /= 2
    room[:-1, 1] /= 2
    return spans + np.minimum(room, padding) * [-1, 1]


@dataclass(frozen=True)
class CueSegmenter:
    """Each cue of a transcript is a turn, with its text and its speaker.

    A cue without times is the whole recording. A cue beyond the end of the recording is left out:
    `mien.media.transcript.cut_to_length` notes these before.

    Parameters
    ----------
    transcript : Transcript
        Of the recording.
    """

    transcript: Transcript

    def __call__(self, waveform: np.ndarray | None, seconds: float) -> list[Turn]:
        """Make the turns as `Segmenter` says; what is shorter than `SHORT` is marked."""
        turns = []
        for cue in self.transcript.cues:
            start = 0.0 if cue.start is None else cue.start
            end = seconds if cue.end is None else min(cue.end, seconds)
            if start < end:
                turns.append(
                    Turn(start, end, cue.speaker, cue.text or None, mark=_mark(end - start))
                )
        return sorted(turns, key=lambda turn: turn.start)


@dataclass(frozen=True)
class WindowSegmenter:
    """Turns of equal length, whatever is said; the last ends with the recording.

    Parameters
    ----------
    length : float
        Seconds of a window.
    hop : float, optional
        Seconds from the start of one window to the next (default: `length`).

    Raises
    ------
    MienError
        A number is not positive.

    Examples
    --------
    >>> [(turn.start, turn.end) for turn in WindowSegmenter(4.0, 2.0)(None, 7.0)]
    [(0.0, 4.0), (2.0, 6.0), (4.0, 7.0)]
    """

    length: float
    hop: float | None = None

    def __post_init__(self) -> None:
        for name in ("length", "hop"):
            value = getattr(self, name)
            if value is not None and not MIN_WINDOW <= value < float("inf"):
                raise MienError(f"takes seconds, {MIN_WINDOW:g} or more", parameter=name)

    def __call__(self, waveform: np.ndarray | None, seconds: float) -> list[Turn]:
        """Make the turns as `Segmenter` says; a last one shorter than `SHORT` is marked."""
        hop = self.length if self.hop is None else self.hop
        count = 1 + max(0, int(np.ceil((seconds - self.length) / hop - 1e-9))) if seconds > 0 else 0
        edges = [(i * hop, min(i * hop + self.length, seconds)) for i in range(count)]
        return [Turn(a, b, mark=_mark(b - a)) for a, b in edges if a < b]
