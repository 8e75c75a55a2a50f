"""Collate samples into batches."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from mien.batch import Batch, RaggedGroup, References
from mien.modality import Modality
from mien.models.encoders.base import Reader, Voices
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
        One for each sample: mask the input at random with these.
    """
    read = {m: [reader.read(sample) for sample in samples] for m, reader in readers.items()}
    if random is not None:
        for place, generator in enumerate(random):
            for m in _in_order(readers):
                read[m][place] = readers[m].mask(read[m][place], generator)
    return Batch(
        inputs={m: readers[m].collate(sequences) for m, sequences in read.items()},
        targets={t.name: torch.stack([t.target(s.utterance) for s in samples]) for t in tasks},
        ids=[sample.utterance.id for sample in samples],
    )


def augment(
    sample: Sample,
    readers: Mapping[Modality, Reader],
    random: np.random.Generator,
    *,
    keep_voice: bool,
    voices: Voices = tuple,
) -> Sample:
    """Change the media of a training sample at random, in each modality.

    Parameters
    ----------
    sample : Sample
        The sample.
    readers : mapping of Modality to Reader
        Those of the model.
    random : numpy Generator
        Its random numbers.
    keep_voice : bool
        Do not change the voice, since a task identifies speakers.
    voices : callable
        Reads other waveforms of the same speaker.
    """
    for m in _in_order(readers):
        sample = readers[m].augment(sample, random, keep_voice=keep_voice, voices=voices)
    return sample


def collate_references(
    references: Sequence[Sequence[Sample]], modality: Modality, reader: Reader
) -> References | None:
    """Join the references of the utterances of a batch; None if there are none.

    Parameters
    ----------
    references : sequence of sequence of Sample
        For each utterance other clips of its speaker; those without the modality are left out.
    modality : Modality
        The modality.
    reader : Reader
        That of the modality.
    """
    found = [
        (row, sample)
        for row, samples in enumerate(references)
        for sample in samples
        if has(sample, modality)
    ]
    if not found:
        return None
    return References(
        reader.collate([reader.read(sample) for _, sample in found]),
        torch.tensor([row for row, _ in found]),
        torch.ones(len(found)),
    )


def stored_references(samples: Sequence[Sample], modality: Modality) -> References | None:
    """Join the speaker references that samples bring with them; None if there are none."""
    found = [
        (row, sample.reference)
        for row, sample in enumerate(samples)
        if sample.reference is not None and modality.letter in sample.reference.states
    ]
    if not found:
        return None
    states = [reference.states[modality.letter] for _, reference in found]
    rows = [[torch.from_numpy(part)[None] for part in parts] for parts in states]
    return References(
        RaggedGroup.join(rows),
        torch.tensor([row for row, _ in found]),
        torch.tensor([float(reference.counts[modality.letter]) for _, reference in found]),
    )


def has(sample: Sample, modality: Modality) -> bool:
    """Return whether a sample has a modality, or stored states of it."""
    if modality.letter in sample.states:
        return len(sample.states[modality.letter][0][0]) > 0
    return modality.letter in sample.modalities


def _in_order(readers: Mapping[Modality, Reader]) -> list[Modality]:
    """Return the modalities in one order, whatever that of the model."""
    return [m for m in Modality if m in readers]
