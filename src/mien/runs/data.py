"""The data of a run: which utterances it uses, and their batches."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from mien.dataset.batch_sampler import BucketSampler
from mien.dataset.degraded import DegradedStore
from mien.dataset.effect import Effect
from mien.dataset.references import NO_REFERENCES, ReferenceChoice
from mien.dataset.splits import Splits, split
from mien.dataset.store import Store
from mien.dataset.torch_dataset import BatchDataset
from mien.errors import MienError
from mien.features.store import FeatureStore, check_sources, open_store
from mien.modality import Modality
from mien.runs.run import Run
from mien.tasks import Task

logger = logging.getLogger(__name__)


def degraded(run: Run, store: Store, effect: Effect, modalities: str) -> Store:
    """Open data of a run again, with degraded audio.

    Raises
    ------
    MienError
        The model does not hear it: it has no audio among the modalities used, or hand-crafted
        features that were computed before.
    """
    if isinstance(store, FeatureStore):
        raise MienError(
            f"the model of {run.folder} takes hand-crafted features, which were computed from the"
            " audio as it is: degrade the recordings themselves, then prepare them and compute"
            " their features",
            parameter="degrade",
        )
    if Modality.AUDIO.letter not in modalities:
        raise MienError(
            f"of {run.folder} the modalities {modalities!r} are used, which have no audio: what is"
            " done to it changes nothing",
            parameter="degrade",
        )
    return DegradedStore(store.folder, effect)


def open_for(run: Run, data: Path, modalities: str) -> Store:
    """Open data for the model of a run.

    Parameters
    ----------
    run : Run
        The run.
    data : Path
        Prepared data.
    modalities : str
        The modalities that are used, letters out of "tav": without "v" the size of the face crops
        does not matter.

    Raises
    ------
    MienError
        The data do not fit the model.
    """
    store = open_store(data, run.config.model)
    if isinstance(store, FeatureStore) and run.config.features is not None:
        check_sources(store.settings, run.config.features, run.config.model.letters, data)
    elif "v" in modalities:
        _check_face_size(run, store)
    return store


def _check_face_size(run: Run, store: Store) -> None:
    """Warn of face crops of another size than in training; refuse them if they are not resized."""
    encoder, trained = run.config.model.encoders.get(Modality.VIDEO), run.config.data.face_size
    if encoder is None or store.face_size == trained or "v" not in "".join(store.modalities):
        return
    sizes = f"{store.folder} has face crops of {store.face_size} pixels, the training had {trained}"
    if encoder.face_size is None and not encoder.resizes:
        raise MienError(
            f"{sizes}, and the video encoder {encoder.kind!r} does not resize them: prepare the"
            f" data again with a face size of {trained}",
            parameter="data",
        )
    logger.warning(
        "%s: they are resized, and differ a little from those that the model was trained on; for"
        " the same crops prepare the data again with a face size of %d",
        *(sizes, trained),
    )


def split_store(run: Run, store: Store) -> Splits:
    """Split data by the protocol of a run. Raises `MienError` if the data do not fit it."""
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
    """Return the rows of one split by the protocol of a run, or all rows for "all"."""
    return list(range(len(store))) if split == "all" else split_store(run, store).rows(split)


def check_letters(run: Run, modalities: str | None) -> str:
    """Return the modalities to use, by default all of the run's model.

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
    """Return the rows with one of the modalities and a known label of one of the tasks.

    Raises
    ------
    MienError
        There are none.
    """

    def keep(row: int) -> bool:
        known = any(t.known(t.target(store.utterances[row])) for t in tasks)
        return known and bool(set(store.modalities[row]) & set(modalities))

    kept = [row for row in rows if keep(row)]
    if not kept:
        speakers = any(task.identifies_speakers for task in tasks)
        hint = " (for unseen speakers use `mien verification`)" if speakers else ""
        raise MienError(
            f"no utterance of a split has both a known {' or '.join(t.name for t in tasks)} and one"
            f" of the modalities {modalities!r}: choose another protocol, task or other modalities"
            f"{hint}"
        )
    return kept


def examples(
    run: Run,
    store: Store,
    rows: list[int],
    tokenizer: Any,
    augment_seed: int | None = None,
    *,
    references: ReferenceChoice | None = NO_REFERENCES,
    pool: Sequence[int] | None = None,
    draw_seed: int = 0,
) -> BatchDataset:
    """Return rows as a data set for the model and tasks of a run, augmented if there is a seed.

    `references` are those of `BatchDataset`, None: drawn for training.
    """
    encoders = run.config.model.encoders
    return BatchDataset(
        store,
        rows,
        run.config.model.readers(tokenizer),
        run.config.tasks,
        max_seconds=run.config.data.max_seconds,
        augment_seed=augment_seed,
        referring=[m for m, encoder in encoders.items() if encoder.takes_references],
        references=references,
        pool=pool,
        draw_seed=draw_seed,
    )


def loader(
    examples: BatchDataset,
    batch_size: int,
    seed: int | None = None,
    workers: int = 0,
    rank: int = 0,
    world_size: int = 1,
    pin: bool = False,
    by_tokens: bool = False,
) -> DataLoader[Any]:
    """Load examples in batches of similar length of text, in order if `seed` is None.

    The length is in characters, or with `by_tokens` in tokens of the text encoder. `batch_size` is
    that of all `world_size` processes together, of which `rank` loads its share.
    """
    lengths = examples.lengths(tokens=by_tokens and seed is not None)
    return DataLoader(
        examples,
        sampler=BucketSampler(lengths, batch_size, seed, rank, world_size),
        batch_size=None,
        num_workers=workers,
        # its own generator, so that starting a loader does not change the random numbers of dropout
        generator=torch.Generator().manual_seed(0),
        pin_memory=pin,
        multiprocessing_context="spawn" if workers else None,
        persistent_workers=workers > 0,
    )
