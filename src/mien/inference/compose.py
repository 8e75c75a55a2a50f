"""A prediction out of what a model computed for the segments of a recording."""

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F

from mien.inference.batching import Computed
from mien.inference.prediction import Answer, Prediction, Segment
from mien.inference.segments import seconds_of
from mien.modality import Modality
from mien.utterance import Sample

Answers = Callable[[Mapping[str, torch.Tensor]], dict[str, Answer]]
"""Decides by the scores (C,) of each task."""

Used = Callable[[Sequence[Sample]], list[Modality]]
"""Gives the modalities that samples have and the model takes as input."""


def compose(
    computed: Computed, *, run: str, synthetic: bool, answers: Answers, used: Used
) -> Prediction:
    """Put a prediction together: the clip's scores are its segments' mean by their length.

    Parameters
    ----------
    computed : Computed
        The recording, with a row for each segment.
    run : str
        The run folder.
    synthetic : bool
        Whether the model was trained on synthetic data.
    answers, used : callable
        How the recognizer decides, and what it takes as input.
    """
    recording, rows = computed.recording, computed.rows
    segments = recording.segments
    length = torch.tensor([max(end - start, 1e-3) for start, end, _ in segments])
    share = length / length.sum()
    by_task = {name: torch.stack([row.scores[name] for row in rows]) for name in rows[0].scores}
    embedding = F.normalize(share @ torch.stack([row.embedding for row in rows]), dim=0)
    searched, found = _faces(recording.sample)
    return Prediction(
        source=recording.source,
        run=run,
        modalities=used([sample for *_, sample in segments]),
        seconds=round(seconds_of(recording.sample), 3),
        answers=answers({name: share @ scores for name, scores in by_task.items()}),
        segments=[
            _segment(*segment, answers(row.scores), used)
            for segment, row in zip(segments, rows, strict=True)
        ],
        embedding=embedding.tolist(),
        faces=searched,
        faces_found=found,
        synthetic_training=synthetic,
        warnings=recording.warnings,
    )


def _segment(
    start: float, end: float, sample: Sample, answers: dict[str, Answer], used: Used
) -> Segment:
    searched, found = _faces(sample)
    return Segment(
        start=round(start, 3),
        end=round(end, 3),
        text=sample.text,
        speaker=sample.utterance.person,
        modalities=used([sample]),
        faces=searched,
        faces_found=found,
        answers=answers,
    )


def _faces(sample: Sample) -> tuple[int, int]:
    """Count the frames that were searched for a face, and those in which one was found."""
    found = sample.face_found
    searched = found if sample.frame_times is None else sample.frame_times
    return 0 if searched is None else len(searched), 0 if found is None else int(found.sum())
