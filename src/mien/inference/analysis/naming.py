"""The names of speakers, by what is heard and seen of each in the whole recording."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from mien.inference.analysis.spoken import SpokenTurn
from mien.utterance import MIN_SAMPLES, SAMPLE_RATE, Sample, Utterance

MOST_SECONDS = 60.0
"""Seconds of speech that a speaker is recognised by: more hardly change an embedding."""

LEAST_SECONDS = 0.5
"""Seconds of speech below which a speaker is not looked up: of two persons with so little, many
are taken for one (benchmarks/voice_threshold.md)."""

MOST_FACES = 20
"""Face crops that a speaker is recognised by, spread over the recording."""


class Naming(Protocol):
    """Who a speaker is, and what to know about the result."""

    @property
    def person(self) -> str | None:
        """The name; None: a stranger, or nobody could tell."""

    @property
    def notes(self) -> list[str]:
        """What to know about the result."""


class Names(Protocol):
    """Names the speaker of a sample, such as `mien.gallery.speaker_names.SpeakerNames`."""

    def __call__(self, sample: Sample) -> Naming:
        """Name the speaker of a sample without text."""
        ...


def speaker_sample(
    turns: Sequence[SpokenTurn],
    waveform: np.ndarray | None,
    faces: np.ndarray | None,
) -> Sample:
    """Collect what is known of a speaker: their longest turns in which nobody else speaks.

    Parameters
    ----------
    turns : sequence of SpokenTurn
        All turns of the speaker.
    waveform : array (S,) int16, or None
        Of the recording.
    faces : array (T, S, S, 3) uint8, or None
        Crops of their face.

    Returns
    -------
    Sample
        Without a waveform where they speak for less than `LEAST_SECONDS`.
    """
    voice = None if waveform is None else _speech(turns, waveform)
    seen = faces is not None and len(faces) > 0
    return Sample(
        utterance=Utterance(id="speaker", corpus="recording"),
        waveform=voice,
        faces=faces if seen else None,
        face_times=np.arange(len(faces), dtype=np.float32) if seen and faces is not None else None,
        face_found=np.ones(len(faces), bool) if seen and faces is not None else None,
    )


def _speech(turns: Sequence[SpokenTurn], waveform: np.ndarray) -> np.ndarray | None:
    """Join the longest clean turns, in order of time."""
    clean = sorted((t for t in turns if t.mark is None), key=lambda turn: -turn.seconds)
    chosen: list[SpokenTurn] = []
    for turn in clean:
        if sum(one.seconds for one in chosen) >= MOST_SECONDS:
            break
        chosen.append(turn)
    parts = [
        waveform[round(turn.start * SAMPLE_RATE) : round(turn.end * SAMPLE_RATE)]
        for turn in sorted(chosen, key=lambda turn: turn.start)
    ]
    joined = np.concatenate(parts) if parts else np.empty(0, np.int16)
    long = len(joined) >= max(LEAST_SECONDS * SAMPLE_RATE, MIN_SAMPLES)
    return joined[: round(MOST_SECONDS * SAMPLE_RATE)] if long else None


def renamed(turns: Sequence[SpokenTurn], names: Mapping[str, str]) -> list[SpokenTurn]:
    """Give turns the names that their speakers have; several speakers may turn out to be one."""
    return [
        turn.model_copy(update={"speaker": names.get(turn.speaker or "", turn.speaker)})
        for turn in turns
    ]
