"""The timeline of a recording, put together from what its analysis found."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mien.inference.analysis.predicting import SegmentPrediction
from mien.inference.analysis.spoken import Speech, SpokenTurn
from mien.inference.course import courses
from mien.inference.speaker_summary import summaries
from mien.inference.timeline import FaceSummary, NameOrigin, Timeline, TimelineSegment, Word
from mien.media.face_track import FaceTrack

DIGITS = 3
"""Digits of times: milliseconds."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the analysis of a recording found; times are from where the analysis begins.

    Parameters
    ----------
    start, seconds : float
        Where the analysis begins in the recording, and its length.
    speech : Speech
        The turns, with the final names of speakers.
    pieces : sequence of SpokenTurn
        The segments.
    faces : sequence of int or None
        The track of the face that speaks in each segment.
    predictions : sequence of SegmentPrediction
        For each segment.
    tracks : sequence of FaceTrack
        All faces; their times are from the beginning of the file.
    speaker_of : mapping of int to str
        By track the speaker whose face it is.
    origins : mapping of str to {"transcript", "gallery"}
        What gave the name of a speaker.
    notes : sequence of str
        What could not be used, and why.
    """

    start: float
    seconds: float
    speech: Speech
    pieces: Sequence[SpokenTurn]
    faces: Sequence[int | None]
    predictions: Sequence[SegmentPrediction]
    tracks: Sequence[FaceTrack]
    speaker_of: Mapping[int, str]
    origins: Mapping[str, NameOrigin]
    notes: Sequence[str]


def compose_timeline(found: Found, *, source: str, run: str, synthetic: bool) -> Timeline:
    """Put the timeline together; its times are from the beginning of the recording.

    Parameters
    ----------
    found : Found
        What the analysis found.
    source, run : str
        The recording, and the run folder of the model.
    synthetic : bool
        Whether the model was trained on synthetic data.
    """
    rows = zip(found.pieces, found.faces, found.predictions, strict=True)
    segments = [_segment(*row, found.start) for row in rows]
    faces = [
        FaceSummary(
            id=track.id,
            start=round(track.start, DIGITS),
            end=round(track.end, DIGITS),
            frames=len(track.times),
            speaker=found.speaker_of.get(track.id),
        )
        for track in found.tracks
    ]
    return Timeline(
        source=source,
        run=run,
        start=found.start,
        seconds=round(found.seconds, DIGITS),
        language=found.speech.language,
        speakers=summaries(segments, found.origins, faces),
        segments=segments,
        faces=faces,
        courses=courses(segments),
        synthetic_training=synthetic,
        warnings=[*found.notes, *left_out(found.predictions)],
    )


def _segment(
    piece: SpokenTurn, face: int | None, predicted: SegmentPrediction, offset: float
) -> TimelineSegment:
    return TimelineSegment(
        start=round(piece.start + offset, DIGITS),
        end=round(piece.end + offset, DIGITS),
        speaker=piece.speaker,
        mark=piece.mark,
        text=piece.text,
        words=[_word(word, offset) for word in piece.words],
        face=face,
        modalities=predicted.modalities,
        answers=predicted.answers,
        abstained=predicted.abstained,
        embedding=predicted.embedding,
    )


def _word(word: Word, offset: float) -> Word:
    times = {
        "start": round(word.start + offset, DIGITS),
        "end": round(word.end + offset, DIGITS),
    }
    return word.model_copy(update=times)


def left_out(predictions: Sequence[SegmentPrediction]) -> list[str]:
    """Say how often a modality was left out of a segment that was answered all the same."""
    counts = Counter(
        (reason.modality, reason.kind)
        for one in predictions
        for reason in one.left_out
        if reason.modality is not None
    )
    return [
        f"{modality} left out of {count} of {len(predictions)} segments: {kind}"
        for (modality, kind), count in sorted(counts.items())
    ]
