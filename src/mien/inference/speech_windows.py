"""Windows of speech: what a recogniser of words reads at a time, and where that is in a recording.

Whisper reads 30 s, and takes as long for one second. So stretches of speech are put together, with
short pauses between them, until a window is full. What is no speech is never read: Whisper writes
words for music and for silence, too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mien.audio_effects import from_int16
from mien.utterance import SAMPLE_RATE

WINDOW_SECONDS = 30.0
"""Length of a window, at most."""

CONTEXT_SECONDS = 0.2
"""What is heard before and after each stretch of speech: its edges are told to some 0.1 s."""

PAUSE_SECONDS = 1.0
"""The pause between two stretches in a window, at most.

Of 60 sentences of RAVDESS, two at a time with 2 s between them, 4.7 % of the words are wrong or in
the other turn with 0.5 s, 3.6 % with 1 s, and 6.1 % where each is read alone."""

_SEARCHED = 10 * SAMPLE_RATE
"""Samples at the end of a window in which longer speech is cut, where it is quietest."""
_FRAME = SAMPLE_RATE // 10
_WINDOW = round(WINDOW_SECONDS * SAMPLE_RATE)


@dataclass(frozen=True)
class Piece:
    """A stretch of a recording in a window, in samples: `offset` is where it is in the window."""

    start: int
    end: int
    offset: int

    def distance(self, sample: float) -> float:
        """Return how far a sample of the window is from the piece; 0: it is in it."""
        return max(self.offset - sample, sample - self.offset - (self.end - self.start), 0.0)

    def locate(self, sample: float) -> float:
        """Return the time in the recording, in seconds, of a sample of the window."""
        return min(max(self.start + sample - self.offset, self.start), self.end) / SAMPLE_RATE


@dataclass(frozen=True)
class SpeechWindow:
    """Pieces of a recording that are read together, in order of time."""

    pieces: tuple[Piece, ...]

    @property
    def seconds(self) -> float:
        """Speech in it, without the pauses."""
        return sum(piece.end - piece.start for piece in self.pieces) / SAMPLE_RATE

    @property
    def start(self) -> float:
        """Where it begins in the recording, seconds."""
        return self.pieces[0].start / SAMPLE_RATE

    @property
    def alone(self) -> list["SpeechWindow"]:
        """A window for each piece."""
        return [SpeechWindow((Piece(p.start, p.end, 0),)) for p in self.pieces]

    def waveform(self, recording: np.ndarray) -> np.ndarray:
        """Read the window (S,) float32 in [-1, 1] from a recording int16; pauses are silent."""
        last = self.pieces[-1]
        heard = np.zeros(last.offset + last.end - last.start, np.float32)
        for piece in self.pieces:
            end = piece.offset + piece.end - piece.start
            heard[piece.offset : end] = from_int16(np.asarray(recording[piece.start : piece.end]))
        return heard

    def locate(
        self, start: float, end: float, *, ends_sentence: bool = False
    ) -> tuple[float, float] | None:
        """Convert the times of a word from seconds of the window to seconds of the recording.

        It is clipped to the piece in which its middle is. If that is in a pause, it is clipped to
        the nearest piece; a word that ends a sentence to the piece before the pause, since Whisper
        draws it into the pause that follows. None: it is nowhere near.
        """
        middle = (start + end) / 2 * SAMPLE_RATE
        before = [p for p in self.pieces if p.offset <= middle] if ends_sentence else []
        piece = before[-1] if before else min(self.pieces, key=lambda p: p.distance(middle))
        if piece.distance(middle) > PAUSE_SECONDS * SAMPLE_RATE:
            return None
        return piece.locate(start * SAMPLE_RATE), piece.locate(end * SAMPLE_RATE)


def speech_windows(
    recording: np.ndarray, regions: Iterable[tuple[float, float]]
) -> list[SpeechWindow]:
    """Put the speech of a recording into windows.

    Parameters
    ----------
    recording : array (S,) int16
        Mono at 16 kHz; it may lie in a file (`numpy.memmap`), and is read only where long speech
        must be cut.
    regions : iterable of (start, end)
        Where somebody speaks, in seconds and in any order. What overlaps is read once.
    """
    windows: list[list[Piece]] = []
    for start, end in _cut(recording, _joined(regions, len(recording))):
        last = windows[-1][-1] if windows else None
        offset = 0
        if last is not None:
            pause = min(start - last.end, round(PAUSE_SECONDS * SAMPLE_RATE))
            offset = last.offset + last.end - last.start + pause
        if last is None or offset + end - start > _WINDOW:
            windows.append([Piece(start, end, 0)])
        else:
            windows[-1].append(Piece(start, end, offset))
    return [SpeechWindow(tuple(pieces)) for pieces in windows]


def _joined(regions: Iterable[tuple[float, float]], length: int) -> list[tuple[int, int]]:
    """Widen regions by their context and join those that touch, in samples."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(regions):
        first = max(0, round((start - CONTEXT_SECONDS) * SAMPLE_RATE))
        last = min(length, round((end + CONTEXT_SECONDS) * SAMPLE_RATE))
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        elif first < last:
            joined.append((first, last))
    return joined


def _cut(recording: np.ndarray, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Cut what is longer than a window where it is quietest."""
    for start, end in spans:
        while end - start > _WINDOW:
            searched = np.asarray(recording[start + _WINDOW - _SEARCHED : start + _WINDOW], float)
            frames = (searched[: len(searched) // _FRAME * _FRAME] ** 2).reshape(-1, _FRAME)
            quietest = int(frames.mean(axis=1).argmin())
            edge = start + _WINDOW - _SEARCHED + quietest * _FRAME + _FRAME // 2
            yield start, edge
            start = edge
        yield start, end
