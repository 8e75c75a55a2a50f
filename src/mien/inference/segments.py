"""A clip, cut into segments."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from mien.dataset.cut import cut
from mien.inference.reason import Reason
from mien.media.decode import FRAME_INTERVAL
from mien.media.transcript import Cue
from mien.modality import Modality
from mien.utterance import SAMPLE_RATE, Sample

MAX_SEGMENT_SECONDS = 15.0
"""A longer clip is cut into equal segments of at most this length."""


@dataclass(frozen=True)
class Refused:
    """A segment of which nothing can be used, by the rules of an abstention.

    Parameters
    ----------
    start, end : float
        Seconds from the beginning of the clip.
    sample : Sample
        The segment as it was given.
    reasons : list of Reason
        Why, for each modality that it has.
    """

    start: float
    end: float
    sample: Sample
    reasons: list[Reason]


@dataclass(frozen=True)
class Recording:
    """A clip, cut into segments that are predicted one by one.

    Parameters
    ----------
    source : str
        Name of the clip, for messages.
    sample : Sample
        The whole clip.
    segments : list of (start, end, Sample)
        Start and end in seconds from the beginning of the clip, and the sample between them.
    warnings : list of str
        What could not be used, and why.
    refused : list of Refused
        Segments that are not predicted, since nothing of them can be used.
    """

    source: str
    sample: Sample
    segments: list[tuple[float, float, Sample]]
    warnings: list[str]
    refused: list[Refused] = field(default_factory=list)


def seconds_of(sample: Sample) -> float:
    """Return the length of a sample's media in seconds, estimated if it is not stored."""
    if sample.seconds is not None:
        return sample.seconds
    audio = 0.0 if sample.waveform is None else len(sample.waveform) / SAMPLE_RATE
    video = 0.0
    if sample.face_times is not None:
        start = sample.utterance.start or 0.0
        video = float(sample.face_times[-1]) - start + FRAME_INTERVAL
    return max(audio, video)


def face_counts(sample: Sample) -> tuple[int, int]:
    """Count the frames that were searched for a face, and those in which one was found."""
    found = sample.face_found
    searched = found if sample.frame_times is None else sample.frame_times
    return 0 if searched is None else len(searched), 0 if found is None else int(found.sum())


def segments_of(sample: Sample, cues: Sequence[Cue]) -> list[tuple[float, float, Sample]]:
    """Cut a clip at the times of its cues; without times, into equal segments if it is long."""
    seconds = seconds_of(sample)
    if cues and cues[0].start is not None:
        spans = [(float(c.start or 0), float(c.end or 0), c) for c in cues]
    else:
        count = max(1, -int(-seconds // MAX_SEGMENT_SECONDS))
        cue = cues[0] if cues else Cue(sample.text or "", speaker=sample.utterance.person)
        edges = [seconds * i / count for i in range(count + 1)]
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


def without(sample: Sample, modalities: Collection[Modality | None]) -> Sample:
    """Leave some modalities out of a sample."""
    if Modality.TEXT in modalities and sample.text is not None:
        sample = replace(sample, utterance=replace(sample.utterance, text=None))
    if Modality.AUDIO in modalities and sample.waveform is not None:
        sample = replace(sample, waveform=None)
    if Modality.VIDEO in modalities and sample.faces is not None:
        sample = replace(sample, faces=None, face_times=None, face_found=None)
    kept = {m: f for m, f in sample.features.items() if Modality.of(m) not in modalities}
    return sample if len(kept) == len(sample.features) else replace(sample, features=kept)
