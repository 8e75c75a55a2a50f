"""Which utterances make up a batch, and in which order."""

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

SHUFFLE_WINDOW = 20
"""Batches over which utterances are sorted by length of text, after shuffling."""


Request = tuple[int, list[int]]
"""An epoch, and the rows of one batch, or of a share of it."""


class Buckets(Sampler[Request]):
    """Batches of utterances whose texts are alike in length, in a new order each epoch.

    Parameters
    ----------
    lengths : sequence of int
        Length of each utterance's text.
    batch_size : int
        Utterances in a batch of all processes together.
    seed : int or None
        Order of training; None: as they come, for evaluation.
    rank, world : int
        Which share of each batch is this process's: every `world`-th utterance from `rank` on. The
        shares together are the batches of one process alone. The last batch of an epoch may be
        smaller than the number of processes; then some shares of it are empty.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        seed: int | None = None,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.lengths, self.batch_size, self.seed = lengths, batch_size, seed
        self.rank, self.world = rank, world
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order; the trainer calls this before each epoch."""
        self.epoch = epoch

    def batches(self) -> list[list[int]]:
        """List this epoch's batches of all processes together."""
        size = self.batch_size
        order = np.arange(len(self.lengths))
        random = np.random.default_rng([self.seed or 0, self.epoch])
        if self.seed is not None:
            random.shuffle(order)
            window = size * SHUFFLE_WINDOW
            chunks = [order[i : i + window].tolist() for i in range(0, len(order), window)]
            order = np.array(
                [i for chunk in chunks for i in sorted(chunk, key=self.lengths.__getitem__)]
            )
        batches = [order[i : i + size].tolist() for i in range(0, len(order), size)]
        if self.seed is not None:
            random.shuffle(batches)
        return batches

    def __len__(self) -> int:
        """Return the number of batches, the same for each process."""
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[Request]:
        """Go through this process's shares of the epoch's batches."""
        for batch in self.batches():
            yield self.epoch, batch[self.rank :: self.world]
