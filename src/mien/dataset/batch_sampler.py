"""Sample batches of utterances with texts of similar length."""

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

SHUFFLE_WINDOW = 20
"""Batches within which utterances are sorted by length of text, after shuffling."""


BatchRequest = tuple[int, list[int]]
"""An epoch, and the rows of one batch, or of one rank's share of it."""


class BucketSampler(Sampler[BatchRequest]):
    """Batches of utterances whose texts are similar in length, in a new order each epoch.

    Parameters
    ----------
    lengths : sequence of int
        Length of each utterance's text.
    batch_size : int
        Utterances in a batch of all ranks together.
    seed : int or None
        Seed of the shuffling in training; None: in the given order, for evaluation.
    rank, world_size : int
        Which share of each batch is this rank's: every `world_size`-th utterance from `rank` on.
        The shares together are the batches of a single process. The last batch of an epoch may be
        smaller than `world_size`; some of its shares are empty then.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        seed: int | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.lengths, self.batch_size, self.seed = lengths, batch_size, seed
        self.rank, self.world_size = rank, world_size
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, which decides the order; the trainer calls this before each epoch."""
        self.epoch = epoch

    def batches(self) -> list[list[int]]:
        """List this epoch's batches of all ranks together."""
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
        """Return the number of batches, the same for each rank."""
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[BatchRequest]:
        """Yield this rank's share of each batch of the epoch."""
        for batch in self.batches():
            yield self.epoch, batch[self.rank :: self.world_size]
