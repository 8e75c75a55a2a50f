"""From prepared samples to batches."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from mien.batch import Batch
from mien.modality import Modality
from mien.models.encoders.base import Reader
from mien.tasks import Task
from mien.utterance import Sample


def collate(
    samples: Sequence[Sample],
    readers: Mapping[Modality, Reader],
    tasks: Sequence[Task] = (),
    random: Sequence[np.random.Generator] | None = None,
) -> Batch:
    """Lay samples out as a batch of what the model's encoders read.

    Parameters
    ----------
    samples : sequence of Sample
        The utterances.
    readers : mapping of Modality to Reader
        Those of the model (`ModelConfig.readers`).
    tasks : sequence of Task
        Give the targets.
    random : sequence of numpy Generator, optional
        One a sample: augment with these; where a task is about persons, without changing voices.
    """
    if random is None:
        read = {m: [reader.read(sample) for sample in samples] for m, reader in readers.items()}
    else:
        persons = any(task.identifies_speakers for task in tasks)
        pairs = zip(samples, random, strict=True)
        rows = [_augmented(sample, readers, r, keep_voice=persons) for sample, r in pairs]
        read = {m: [row[m] for row in rows] for m in readers}
    return Batch(
        inputs={m: readers[m].collate(sequences) for m, sequences in read.items()},
        targets={t.name: torch.stack([t.target(s.utterance) for s in samples]) for t in tasks},
        ids=[sample.utterance.id for sample in samples],
    )


def _augmented(
    sample: Sample,
    readers: Mapping[Modality, Reader],
    random: np.random.Generator,
    *,
    keep_voice: bool,
) -> dict[Modality, torch.Tensor]:
    """Read a sample, changed at random: first all that is recorded, then what is read of it."""
    used = [m for m in Modality if m in readers]
    for m in used:
        sample = readers[m].augment(sample, random, keep_voice=keep_voice)
    return {m: readers[m].mask(readers[m].read(sample), random) for m in used}
