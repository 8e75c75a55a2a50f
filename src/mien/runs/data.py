"""The data side of a run: which rows, in which batches."""

from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from mien.dataset.batch_sampler import BucketSampler
from mien.dataset.splits import Splits, split
from mien.dataset.store import Store
from mien.dataset.torch_dataset import BatchDataset
from mien.errors import MienError
from mien.features.store import FeatureStore, check_sources, open_store
from mien.runs.run import Run
from mien.tasks import Task


def open_for(run: Run, data: Path) -> Store:
    """Open data as the run's model reads them. Raises `MienError` where they don't fit it."""
    store = open_store(data, run.config.model)
    if isinstance(store, FeatureStore) and run.config.features is not None:
        check_sources(store.settings, run.config.features, run.config.model.letters, data)
    return store


def divide(run: Run, store: Store) -> Splits:
    """Divide data as the run's protocol says. Raises `MienError` where it does not fit them."""
    data = run.config.data
    try:
        return split(store.utterances, data.protocol, fold=data.fold, num_folds=data.num_folds)
    except MienError as error:
        raise MienError(
            f"{store.folder} cannot be split as the run's data were ({error.message}); choose all"
            " to take every utterance",
            parameter="split",
        ) from error


def rows_of(run: Run, store: Store, split: str) -> list[int]:
    """Give the rows of one split by the run's protocol, or all rows for "all"."""
    return list(range(len(store))) if split == "all" else divide(run, store).rows(split)


def check_letters(run: Run, modalities: str | None) -> str:
    """Give the modalities to use, by default all of the run's model.

    Raises
    ------
    MienError
        The model does not have one of them.
    """
    known = run.config.model.letters
    used = modalities or known
    if not set(used) <= set(known):
        raise MienError(
            f"the model of {run.folder} has the modalities {known!r}: choose from these, not"
            f" {used!r}",
            parameter="modalities",
        )
    return used


def usable(store: Store, rows: list[int], tasks: tuple[Task, ...], modalities: str) -> list[int]:
    """Keep the rows with one of the modalities and a known label for one of the tasks.

    Raises
    ------
    MienError
        None is left.
    """

    def keep(row: int) -> bool:
        known = any(t.known(t.target(store.utterances[row])) for t in tasks)
        return known and bool(set(store.modalities[row]) & set(modalities))

    kept = [row for row in rows if keep(row)]
    if not kept:
        persons = any(task.identifies_speakers for task in tasks)
        hint = " (strangers to training are judged by `mien verification`)" if persons else ""
        raise MienError(
            f"no utterance of a split has both a known {' or '.join(t.name for t in tasks)} and one"
            f" of the modalities {modalities!r}: choose another protocol, task or other modalities"
            f"{hint}"
        )
    return kept


def examples(
    run: Run, store: Store, rows: list[int], tokenizer: Any, augment_seed: int | None = None
) -> BatchDataset:
    """Read rows as the run's model and tasks need them, augmented where there is a seed for it."""
    return BatchDataset(
        store,
        rows,
        run.config.model.readers(tokenizer),
        run.config.tasks,
        max_seconds=run.config.data.max_seconds,
        augment_seed=augment_seed,
    )


def loader(
    examples: BatchDataset,
    batch_size: int,
    seed: int | None = None,
    workers: int = 0,
    rank: int = 0,
    world: int = 1,
    pin: bool = False,
) -> DataLoader[Any]:
    """Load examples in batches of similar length; in order where `seed` is None.

    A batch is that of `world` processes together, of which `rank` loads its share.
    """
    lengths = [len(examples.store.utterances[row].text or "") for row in examples.rows]
    return DataLoader(
        examples,
        sampler=BucketSampler(lengths, batch_size, seed, rank, world),
        batch_size=None,
        num_workers=workers,
        # a generator of its own, so that starting a loader draws nothing from dropout's numbers
        generator=torch.Generator().manual_seed(0),
        pin_memory=pin,
        multiprocessing_context="spawn" if workers else None,
        persistent_workers=workers > 0,
    )
