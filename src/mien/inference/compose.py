"""Compose a prediction from a model's outputs for the segments of a recording."""

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F

from mien.inference.batching import RecordingOutput
from mien.inference.prediction import Prediction, Segment
from mien.inference.reason import Reason, distinct
from mien.inference.segments import Refused, face_counts, seconds_of
from mien.modality import Modality
from mien.task_prediction import TaskPrediction
from mien.utterance import Sample

Answer = Callable[
    [Mapping[str, torch.Tensor] | None], tuple[dict[str, TaskPrediction], list[Reason]]
]
"""Makes the prediction for each task from its scores (C,), and says which are not sure enough.

Without scores each prediction is empty."""

UsedModalities = Callable[[Sequence[Sample]], list[Modality]]
"""Lists the modalities that samples have and the model takes as input."""


def compose(
    output: RecordingOutput, *, run: str, synthetic: bool, answer: Answer, used: UsedModalities
) -> Prediction:
    """Compose a prediction: the clip's scores are its segments' mean, weighted by length.

    Segments of which nothing could be used do not count; if there are no others, no task has an
    answer.

    Parameters
    ----------
    output : RecordingOutput
        The recording, with the outputs for all its segments.
    run : str
        The run folder.
    synthetic : bool
        Whether the model was trained on synthetic data.
    answer, used : callable
        How the recognizer answers, and which modalities it takes as input.
    """
    recording, outputs = output.recording, output.outputs
    scores, embedding = _mean(output)
    answers, reasons = answer(scores)
    if scores is None:
        reasons = distinct(reason for one in recording.refused for reason in one.reasons)
    segments = [
        *(
            _segment(*segment, *answer(one.scores), used)
            for segment, one in zip(recording.segments, outputs, strict=True)
        ),
        *(_refused(one, answer(None)[0]) for one in recording.refused),
    ]
    searched, found = face_counts(recording.sample)
    return Prediction(
        source=recording.source,
        run=run,
        modalities=used([sample for *_, sample in recording.segments]),
        seconds=round(seconds_of(recording.sample), 3),
        answers=answers,
        abstained=reasons or None,
        segments=sorted(segments, key=lambda segment: (segment.start, segment.end)),
        embedding=embedding,
        faces=searched,
        faces_found=found,
        references=0 if recording.sample.reference is None else recording.sample.reference.count,
        synthetic_training=synthetic,
        warnings=recording.warnings,
    )


def _mean(output: RecordingOutput) -> tuple[dict[str, torch.Tensor] | None, list[float]]:
    """Average the scores and the embeddings of segments; without any there are none."""
    outputs = output.outputs
    if not outputs:
        return None, []
    spans = output.recording.segments
    length = torch.tensor([max(end - start, 1e-3) for start, end, _ in spans])
    weight = length / length.sum()
    by_task = {name: torch.stack([o.scores[name] for o in outputs]) for name in outputs[0].scores}
    embedding = F.normalize(weight @ torch.stack([o.embedding for o in outputs]), dim=0)
    return {name: weight @ scores for name, scores in by_task.items()}, embedding.tolist()


def _segment(
    start: float,
    end: float,
    sample: Sample,
    predicted: dict[str, TaskPrediction],
    reasons: list[Reason],
    used: UsedModalities,
) -> Segment:
    searched, found = face_counts(sample)
    return Segment(
        start=round(start, 3),
        end=round(end, 3),
        text=sample.text,
        speaker=sample.utterance.person,
        modalities=used([sample]),
        faces=searched,
        faces_found=found,
        answers=predicted,
        abstained=reasons or None,
    )


def _refused(one: Refused, answers: dict[str, TaskPrediction]) -> Segment:
    """Give the segment of which nothing could be used."""
    return _segment(one.start, one.end, one.sample, answers, one.reasons, lambda _: [])
