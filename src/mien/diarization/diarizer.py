"""Speaker diarization with the packaged speaker encoder: on a CPU, offline."""

from collections.abc import Sequence

import numpy as np

from mien.diarization.clustering import groupings, least_cells
from mien.diarization.course import State, clean_windows, find_turns
from mien.diarization.overlap import Mixer, pairs_of, pure_groups
from mien.diarization.resegmentation import discriminant, scaled, viterbi
from mien.diarization.result import Diarization
from mien.diarization.segments import Segments, cut_segments
from mien.diarization.windows import (
    Encoder,
    cut_cells,
    embed_windows,
    short_regions,
    speech_regions,
    unit,
)
from mien.errors import MienError
from mien.turn import Turn

MOST_SPEAKERS = 50
"""The largest number of speakers that can be asked for."""

MIXED_GROUPS = 4
"""Groups beyond the number that is asked for, of which some may be two voices at once."""

ROUNDS = 2
"""Times that voices are learnt from the course, and the course is found again by them."""


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
        regions = speech_regions(turns, len(waveform))
        cells = cut_cells(regions)
        if not len(cells.edges):
            return Diarization([], {})
        vectors = embed_windows(self.encoder, waveform, cells.windows)
        mixer = Mixer(self.encoder, waveform, cells)
        voices = self._voices(cut_segments(vectors[cells.window], cells.regions), mixer)
        count = len(voices)
        states: list[State] = [(voice,) for voice in range(count)]
        scores = vectors @ voices.T
        course = viterbi(scaled(scores, count)[cells.window], cells.regions)
        for _ in range(ROUNDS if count > 1 else 0):
            windows = clean_windows(cells, course, scores[:, :count])
            pairs = pairs_of(windows)
            mixtures = [mixer(windows[a], windows[b]) for a, b in pairs]
            scores = discriminant(vectors, [vectors[own] for own in windows] + mixtures)
            course = viterbi(scaled(scores, count)[cells.window], cells.regions)
            states = [*states[:count], *pairs]
        short = short_regions(turns, regions)
        found, names = find_turns(cells, [states[one] for one in course.tolist()], short)
        windows = clean_windows(cells, course, scores[:, :count])
        means = {name: unit(vectors[windows[voice]].mean(axis=0)) for voice, name in names.items()}
        return Diarization(found, means)

    def _voices(self, segments: Segments, mixer: Mixer) -> np.ndarray:
        """Find the mean embedding of each voice, (K, D), of unit length."""
        levels = list(groupings(segments, least_cells(segments)))
        if self.speakers is None:
            chosen, voices = levels[0], levels[0].large.tolist()
            for level in levels:
                if len(level.large) > self.max_speakers + MIXED_GROUPS:
                    break
                found = level.voices()
                if found is not None and len(voices) < len(found) <= self.max_speakers:
                    chosen, voices = level, found
            return np.stack([unit(chosen.mean(one)) for one in pure_groups(chosen, voices, mixer)])
        for level in levels:
            if self.speakers <= len(level.large) <= self.speakers + MIXED_GROUPS:
                pure = pure_groups(level, level.large.tolist(), mixer)[: self.speakers]
                if len(pure) == self.speakers:
                    return np.stack([unit(level.mean(one)) for one in pure])
        # there is too little speech of some: any group will do
        for level in groupings(segments, 0.0):
            if len(level.large) >= self.speakers:
                break
        return np.stack([unit(level.mean(one)) for one in level.large[: self.speakers].tolist()])
