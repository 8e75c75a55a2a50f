"""The rows of one split, read as whole batches."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mien.batch import Batch, References
from mien.dataset.batch_sampler import BatchRequest
from mien.dataset.collate import augment, collate, collate_references
from mien.dataset.cut import cut
from mien.dataset.references import ReferenceChoice, draw_references
from mien.dataset.speakers import SpeakerRows
from mien.dataset.store import Store
from mien.modality import Modality
from mien.models.encoders.base import Reader
from mien.models.encoders.pretrained_reader import CopyReader
from mien.tasks import Task
from mien.utterance import Sample

VOICES = 4
"""Other clips of the speaker from which babble noise is made."""


class BatchDataset(Dataset[Batch]):
    """The rows of one split of a data set, read as whole batches.

    Parameters
    ----------
    store : Store
        Prepared data.
    rows : sequence of int
        Rows of this split; a request names positions in the list.
    readers, tasks
        As `collate` takes them.
    max_seconds : float
        Longer utterances are cut to this many seconds.
    augment_seed : int, optional
        Augment with this seed, differently in each epoch.
    referring : collection of Modality
        The modalities whose encoders take references: other utterances of the same speaker.
    pool : sequence of int, optional
        The rows that may be references (default: `rows`).
    references : ReferenceChoice, optional
        Which of them are references (default: drawn anew for each utterance and epoch, from
        `draw_seed`).
    draw_seed : int
        Seed of that.
    """

    def __init__(
        self,
        store: Store,
        rows: Sequence[int],
        readers: Mapping[Modality, Reader],
        tasks: Sequence[Task],
        max_seconds: float = 60.0,
        augment_seed: int | None = None,
        *,
        referring: Sequence[Modality] = (),
        pool: Sequence[int] | None = None,
        references: ReferenceChoice | None = None,
        draw_seed: int = 0,
    ) -> None:
        self.store, self.rows = store, list(rows)
        self.readers, self.tasks = dict(readers), list(tasks)
        self.max_seconds, self.augment_seed = max_seconds, augment_seed
        self.referring, self.references, self.draw_seed = tuple(referring), references, draw_seed
        self.speakers = SpeakerRows(store.utterances, self.rows if pool is None else pool)
        self.keep_voice = any(task.identifies_speakers for task in tasks)

    def __len__(self) -> int:
        """Return the number of utterances."""
        return len(self.rows)

    def __getitem__(self, request: BatchRequest) -> Batch:
        """Read one batch, or a rank's share of it."""
        epoch, positions = request
        if not positions:
            return self._empty()
        rows = [self.rows[i] for i in positions]
        samples, random = [self._read(row) for row in rows], None
        if self.augment_seed is not None:
            random = [np.random.default_rng([self.augment_seed, epoch, i]) for i in positions]
            samples = [
                augment(
                    sample,
                    self.readers,
                    generator,
                    keep_voice=self.keep_voice,
                    voices=lambda row=row: self._voices(row),  # type: ignore[misc]
                )
                for row, sample, generator in zip(rows, samples, random, strict=True)
            ]
        batch = collate(samples, self.readers, self.tasks, random)
        if not self.referring:
            return batch
        return replace(batch, references=self._references(epoch, positions, samples))

    def _references(
        self, epoch: int, positions: Sequence[int], samples: Sequence[Sample]
    ) -> dict[Modality, References]:
        """Read the references of a batch, in the acoustic conditions of each utterance."""
        read: list[list[Sample]] = []
        for place, sample in zip(positions, samples, strict=True):
            random = np.random.default_rng([self.draw_seed, epoch, place, 1])
            row = self.rows[place]
            if self.references is None:
                chosen = draw_references(row, self.speakers, random)
            else:
                chosen = self.references.rows(row, self.speakers)
            read.append([self._like(sample, other, random) for other in chosen])
        joined = {m: collate_references(read, m, self.readers[m]) for m in self.referring}
        return {m: references for m, references in joined.items() if references is not None}

    def _like(self, sample: Sample, row: int, random: np.random.Generator) -> Sample:
        """Read a reference: a clean one for a clean sample, otherwise an augmented copy."""
        reference = self._read(row)
        for m in self.referring:
            reader = self.readers[m]
            if isinstance(reader, CopyReader) and sample.copies.get(m.letter, 0):
                reference = reader.copy(
                    reference,
                    int(random.integers(1, reader.copies + 1)),
                    keep_voice=self.keep_voice,
                    voices=lambda: self._voices(row),
                )
        return reference

    def _voices(self, row: int) -> list[np.ndarray]:
        """Read other waveforms of a row's speaker; the same for all splits of the data."""
        return voices_of(self.store, row)

    def _empty(self) -> Batch:
        """Return an empty share: one utterance without modalities, targets and id.

        The rank that gets it takes part in the step like the others.
        """
        batch = self[0, [0]]
        for modality in batch.inputs:
            batch = batch.without(modality, torch.ones(1, dtype=torch.bool))
        targets = {name: torch.full_like(t, torch.nan) for name, t in batch.targets.items()}
        return replace(batch, targets=targets, ids=[], references={})

    def _read(self, row: int) -> Sample:
        return cut(self.store[row], 0.0, self.max_seconds)

    def lengths(self, *, tokens: bool = False) -> list[int]:
        """Return the length of each text in characters, or in tokens of the text encoder."""
        texts = [self.store.utterances[row] for row in self.rows]
        if not tokens:
            return [len(utterance.text or "") for utterance in texts]
        read = self.readers[Modality.TEXT].read
        return [len(read(Sample(utterance=utterance))) for utterance in texts]

    def targets(self) -> dict[str, Tensor]:
        """Return the targets (N, C) of all utterances for each task."""
        utterances = [self.store.utterances[row] for row in self.rows]
        return {t.name: torch.stack([t.target(u) for u in utterances]) for t in self.tasks}


def voices_of(store: Store, row: int) -> list[np.ndarray]:
    """Read a few other waveforms of the speaker of a row, from which babble noise is made.

    They are of the same speaker, and of any split: no training hears an unseen speaker.
    """
    speakers: SpeakerRows = store.speakers
    waveforms = (store.waveform(other) for other in speakers.others(row)[:VOICES])
    return [waveform for waveform in waveforms if waveform is not None]
