"""A clip, cut into segments."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from mien.dataset.cut import cut
from mien.media.decode import FRAME_INTERVAL
from mien.media.transcript import Cue
from mien.utterance import SAMPLE_RATE, Sample

LONGEST = 15.0
"""Seconds up to which a clip is one segment; a longer one is cut into equal ones."""


@dataclass(frozen=True)
class Recording:
    """A clip cut into the segments that are answered one by one.

    Parameters
    ----------
    source : str
        The clip, for messages.
    sample : Sample
        The whole of it.
    segments : list of (start, end, Sample)
        Seconds from the beginning of the clip, and what lies between them.
    warnings : list of str
        What could not be used, and why.
    """

    source: str
    sample: Sample
    segments: list[tuple[float, float, Sample]]
    warnings: list[str]


def seconds_of(sample: Sample) -> float:
    """Give the length of a sample's media, or what its sound and faces tell of it."""
    if sample.seconds is not None:
        return sample.seconds
    sound = 0.0 if sample.waveform is None else len(sample.waveform) / SAMPLE_RATE
    picture = 0.0
    if sample.face_times is not None:
        began = sample.utterance.start or 0.0
        picture = float(sample.face_times[-1]) - began + FRAME_INTERVAL
    return max(sound, picture)


def segments_of(sample: Sample, cues: Sequence[Cue]) -> list[tuple[float, float, Sample]]:
    """Cut a clip at the cues' times, or into equal parts where it is long."""
    seconds = seconds_of(sample)
    if cues and cues[0].start is not None:
        spans = [(float(c.start or 0), float(c.end or 0), c) for c in cues]
    else:
        parts = max(1, -int(-seconds // LONGEST))
        cue = cues[0] if cues else Cue(sample.text or "", speaker=sample.utterance.person)
        edges = [seconds * i / parts for i in range(parts + 1)]
        spans = [(a, b, cue) for a, b in pairwise(edges)]
    one = len(spans) == 1 and spans[0][:2] == (0, seconds)
    return [
        (
            start,
            end,
            replace(
                sample if one else cut(sample, start, end),
                utterance=replace(sample.utterance, text=cue.text or None, person=cue.speaker),
            ),
        )
        for start, end, cue in spans
    ]
