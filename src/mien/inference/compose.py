"""Compose a prediction from a model's outputs for the segments of a recording."""

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F

from mien.inference.batching import RecordingOutput
from mien.inference.prediction import Prediction, Segment
from mien.inference.segments import seconds_of
from mien.modality import Modality
from mien.task_prediction import TaskPrediction
from mien.utterance import Sample

Decide = Callable[[Mapping[str, torch.Tensor]], dict[str, TaskPrediction]]
"""Makes the prediction for each task from its scores (C,)."""

UsedModalities = Callable[[Sequence[Sample]], list[Modality]]
"""Lists the modalities that samples have and the model takes as input."""


def compose(
    output: RecordingOutput, *, run: str, synthetic: bool, decide: Decide, used: UsedModalities
) -> Prediction:
    """Compose a prediction: the clip's scores are its segments' mean, weighted by length.

    Parameters
    ----------
    output : RecordingOutput
        The recording, with the outputs for all its segments.
    run : str
        The run folder.
    synthetic : bool
        Whether the model was trained on synthetic data.
    decide, used : callable
        How the recognizer decides, and which modalities it takes as input.
    """
    recording, outputs = output.recording, output.outputs
    segments = recording.segments
    length = torch.tensor([max(end - start, 1e-3) for start, end, _ in segments])
    weight = length / length.sum()
    by_task = {name: torch.stack([o.scores[name] for o in outputs]) for name in outputs[0].scores}
    embedding = F.normalize(weight @ torch.stack([o.embedding for o in outputs]), dim=0)
    searched, found = _faces(recording.sample)
    return Prediction(
        source=recording.source,
        run=run,
        modalities=used([sample for *_, sample in segments]),
        seconds=round(seconds_of(recording.sample), 3),
        answers=decide({name: weight @ scores for name, scores in by_task.items()}),
        segments=[
            _segment(*segment, decide(one.scores), used)
            for segment, one in zip(segments, outputs, strict=True)
        ],
        embedding=embedding.tolist(),
        faces=searched,
        faces_found=found,
        references=0 if recording.sample.reference is None else recording.sample.reference.count,
        synthetic_training=synthetic,
        warnings=recording.warnings,
    )


def _segment(
    start: float,
    end: float,
    sample: Sample,
    predicted: dict[str, TaskPrediction],
    used: UsedModalities,
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
        answers=predicted,
    )


def _faces(sample: Sample) -> tuple[int, int]:
    """Count the frames that were searched for a face, and those in which one was found."""
    found = sample.face_found
    searched = found if sample.frame_times is None else sample.frame_times
    return 0 if searched is None else len(searched), 0 if found is None else int(found.sum())
