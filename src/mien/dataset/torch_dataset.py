"""The rows of one split, read as whole batches."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mien.batch import Batch
from mien.dataset.batch_sampler import BatchRequest
from mien.dataset.collate import collate
from mien.dataset.cut import cut
from mien.dataset.store import Store
from mien.modality import Modality
from mien.models.encoders.base import Reader
from mien.tasks import Task
from mien.utterance import Sample


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
    """

    def __init__(
        self,
        store: Store,
        rows: Sequence[int],
        readers: Mapping[Modality, Reader],
        tasks: Sequence[Task],
        max_seconds: float = 60.0,
        augment_seed: int | None = None,
    ) -> None:
        self.store, self.rows = store, list(rows)
        self.readers, self.tasks = dict(readers), list(tasks)
        self.max_seconds, self.augment_seed = max_seconds, augment_seed

    def __len__(self) -> int:
        """Return the number of utterances."""
        return len(self.rows)

    def __getitem__(self, request: BatchRequest) -> Batch:
        """Read one batch, or a rank's share of it."""
        epoch, positions = request
        if not positions:
            return self._empty()
        samples = [self._cut(self.store[self.rows[i]]) for i in positions]
        random = None
        if self.augment_seed is not None:
            random = [np.random.default_rng([self.augment_seed, epoch, i]) for i in positions]
        return collate(samples, self.readers, self.tasks, random)

    def _empty(self) -> Batch:
        """Return an empty share: one utterance without modalities, targets and id.

        The rank that gets it takes part in the step like the others.
        """
        batch = self[0, [0]]
        for modality in batch.inputs:
            batch = batch.without(modality, torch.ones(1, dtype=torch.bool))
        targets = {name: torch.full_like(t, torch.nan) for name, t in batch.targets.items()}
        return replace(batch, targets=targets, ids=[])

    def _cut(self, sample: Sample) -> Sample:
        return cut(sample, 0.0, self.max_seconds)

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
