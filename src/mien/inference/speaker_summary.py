"""What a recording holds of each speaker."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from mien.inference.answered import answered, length, numbers, speakers_of, tasks_of
from mien.inference.language import words_of
from mien.inference.timeline import (
    Change,
    FaceSummary,
    NameOrigin,
    SpeakerSummary,
    TimelineSegment,
)
from mien.task_prediction import TaskPrediction

_Answer = tuple[TimelineSegment, TaskPrediction]


def summaries(
    segments: Sequence[TimelineSegment],
    origins: Mapping[str, NameOrigin],
    faces: Sequence[FaceSummary],
) -> list[SpeakerSummary]:
    """Sum up the segments of each speaker.

    Parameters
    ----------
    segments : sequence of TimelineSegment
        Of a whole recording.
    origins : mapping of str to {"transcript", "gallery"}
        What gave the name of a speaker; a speaker who is missing has a number for a name.
    faces : sequence of FaceSummary
        The faces, with the speaker whose each is.

    Returns
    -------
    list of SpeakerSummary
        In order of their first speech. The share is of the speech of all, that of unknown speakers
        included; scores and changes are over answered segments alone.

    Examples
    --------
    >>> def of(start, end, speaker, label):
    ...     emotion = TaskPrediction(decision=[label], scores={label: 1.0})
    ...     return TimelineSegment(
    ...         start=start, end=end, speaker=speaker, modalities=[], answers={"emotion": emotion}
    ...     )
    >>> said = [of(0, 3, "Anna", "sad"), of(3, 4, "Ben", "sad"), of(4, 8, "Anna", "happy")]
    >>> anna, ben = summaries(said, {"Anna": "transcript"}, [])
    >>> anna.share, anna.changes["emotion"][0].time, ben.named_by
    (0.875, 4.0, None)
    """
    total = sum(map(_seconds, segments))
    return [
        _summary(speaker, own, total, origins.get(speaker), faces)
        for speaker, own in speakers_of(segments).items()
    ]


def _summary(
    speaker: str,
    own: Sequence[TimelineSegment],
    total: float,
    origin: NameOrigin | None,
    faces: Sequence[FaceSummary],
) -> SpeakerSummary:
    seconds = sum(map(_seconds, own))
    kept = {
        task: [(one, predicted) for one in own if (predicted := answered(one, task))]
        for task in tasks_of(own)
    }
    kept = {task: answers for task, answers in kept.items() if answers}
    return SpeakerSummary(
        speaker=speaker,
        named_by=origin,
        seconds=round(seconds, 3),
        share=round(seconds / total, 6) if total > 0 else 0.0,
        segments=len(own),
        words=sum(map(_words, own)),
        faces=[face.id for face in faces if face.speaker == speaker],
        scores={task: _mean(answers) for task, answers in kept.items()},
        changes={task: _changes(answers) for task, answers in kept.items()},
    )


def _seconds(segment: TimelineSegment) -> float:
    return max(segment.end - segment.start, 0.0)


def _words(segment: TimelineSegment) -> int:
    return len(segment.words) or words_of(segment.text or "")


def _mean(answers: Sequence[_Answer]) -> dict[str, float]:
    total = sum(length(segment) for segment, _ in answers)
    sums: dict[str, float] = {}
    for segment, predicted in answers:
        for name, number in numbers(predicted).items():
            sums[name] = sums.get(name, 0.0) + number * length(segment)
    return {name: round(value / total, 6) for name, value in sums.items()}


def _changes(answers: Sequence[_Answer]) -> list[Change]:
    return [
        Change(time=later.start, before=before.decision, after=after.decision)
        for (_, before), (later, after) in pairwise(answers)
        if set(before.decision) != set(after.decision)
    ]
