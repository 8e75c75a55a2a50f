"""Collate samples into batches."""

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
    """Read the encoders' input from samples, and join it into a batch.

    Parameters
    ----------
    samples : sequence of Sample
        The utterances.
    readers : mapping of Modality to Reader
        Those of the model (`ModelConfig.readers`).
    tasks : sequence of Task
        The tasks, for the targets.
    random : sequence of numpy Generator, optional
        One for each sample: augment with these. With a task that identifies speakers, voices are
        not changed.
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
    """Read an augmented sample: first the media are changed at random, then the input is masked."""
    used = [m for m in Modality if m in readers]
    for m in used:
        sample = readers[m].augment(sample, random, keep_voice=keep_voice)
    return {m: readers[m].mask(readers[m].read(sample), random) for m in used}
