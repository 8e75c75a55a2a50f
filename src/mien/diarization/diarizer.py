"""Speaker diarization with the packaged speaker encoder: on a CPU, offline."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from mien.diarization.clustering import cluster
from mien.diarization.resegmentation import viterbi
from mien.diarization.result import Diarization
from mien.diarization.windows import Cells, Encoder, cut_cells, embed_windows, speech_regions, unit
from mien.errors import MienError
from mien.turn import SHORT, Turn
from mien.utterance import SAMPLE_RATE

MOST_SPEAKERS = 50
"""The largest number of speakers that can be asked for."""

JOINED = 0.5
"""Seconds: turns of one speaker with a shorter pause between them are one."""

ROUNDS = 2
"""Times that the courses and the means of the voices are found from each other."""


class Diarizer:
    """Finds who speaks when, by the voice.

    Windows of 1.6 s within the speech are embedded, grouped by voice, and then the most probable
    course of speakers is found cell by cell, so that a change within a stretch of speech is found.

    Parameters
    ----------
    speakers : int, optional
        How many persons speak (default: it is estimated).
    max_speakers : int
        The most that are estimated.
    encoder : callable, optional
        Embeds windows of waveforms (N, 25600) float32 in [-1, 1] as vectors (N, D) (default: the
        packaged speaker encoder).

    Raises
    ------
    MienError
        A number is out of its range; or the packaged encoder is not installed.

    Examples
    --------
    >>> Diarizer()(np.zeros(16_000, np.int16), []).turns
    []
    """

    def __init__(
        self,
        *,
        speakers: int | None = None,
        max_speakers: int = 10,
        encoder: Encoder | None = None,
    ) -> None:
        for name, value in (("speakers", speakers), ("max_speakers", max_speakers)):
            if value is not None and not 1 <= value <= MOST_SPEAKERS:
                raise MienError(f"takes 1 to {MOST_SPEAKERS}, not {value}", parameter=name)
        self.speakers = speakers
        self.max_speakers = max_speakers
        if encoder is None:
            from mien.diarization.packaged_encoder import PackagedEncoder

            encoder = PackagedEncoder()
        self.encoder = encoder

    def __call__(self, waveform: np.ndarray, turns: Sequence[Turn]) -> Diarization:
        """Find the speakers as `mien.diarization.result.DiarizationEngine` says."""
        cells = cut_cells(speech_regions(turns, len(waveform)))
        if not len(cells.edges):
            return Diarization([], {})
        vectors = embed_windows(self.encoder, waveform, cells.windows)
        voices = cluster(vectors, self.speakers, self.max_speakers)
        for _ in range(ROUNDS):
            course = viterbi((vectors @ voices.T)[cells.window], cells.regions)
            voices = mean_voices(vectors, cells, course, voices)
        order = list(dict.fromkeys(course.tolist()))
        names = {voice: f"Speaker {i}" for i, voice in enumerate(order, 1)}
        embeddings = {name: voices[voice].astype(np.float32) for voice, name in names.items()}
        return Diarization(_turns(cells, [names[voice] for voice in course.tolist()]), embeddings)


def mean_voices(
    vectors: np.ndarray, cells: Cells, course: np.ndarray, voices: np.ndarray
) -> np.ndarray:
    """Compute the mean embedding of each speaker over the windows in which nobody else speaks."""
    lowest = np.full(len(vectors), len(voices))
    highest = np.full(len(vectors), -1)
    np.minimum.at(lowest, cells.window, course)
    np.maximum.at(highest, cells.window, course)
    means = voices.copy()
    for voice in range(len(voices)):
        clean = (lowest == voice) & (highest == voice)
        if clean.any():
            means[voice] = vectors[clean].mean(axis=0)
    return unit(means)


def _turns(cells: Cells, speakers: Sequence[str]) -> list[Turn]:
    """Unite the cells of one speaker that follow each other with little or no pause."""
    edges = cells.edges / SAMPLE_RATE
    first = [0] + [
        i + 1
        for i, (a, b) in enumerate(pairwise(speakers))
        if a != b or edges[i + 1, 0] - edges[i, 1] >= JOINED
    ]
    turns = [
        Turn(float(edges[a, 0]), float(edges[b - 1, 1]), speakers[a])
        for a, b in pairwise([*first, len(speakers)])
    ]
    return [replace(t, mark="short") if t.end - t.start < SHORT else t for t in turns]
