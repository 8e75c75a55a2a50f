"""Compute the states of frozen pretrained networks, and store them beside the data."""

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import torch

from mien.dataset.collate import has
from mien.dataset.cut import cut
from mien.dataset.states import StateFolder, States, StateStore
from mien.dataset.store import Store
from mien.dataset.torch_dataset import voices_of
from mien.devices import choose_device
from mien.errors import MienError
from mien.files import check_writable
from mien.inference.dataset import Device
from mien.modality import Modality
from mien.models import MultimodalModel
from mien.models.encoders.base import Reader
from mien.models.encoders.pretrained_reader import StateReader
from mien.progress import Progress
from mien.runs.frozen import find_frozen

if TYPE_CHECKING:
    from mien.models.encoders.pretrained import PretrainedEncoder

logger = logging.getLogger(__name__)

VERSION = 1
"""Version of the computation, which belongs to the key of stored states."""


def with_states(
    store: Store,
    model: MultimodalModel,
    max_seconds: float,
    *,
    tokenizer: Any = None,
    copies: bool = False,
    keep_voice: bool = False,
    device: Device = None,
    progress: bool = True,
) -> Store:
    """Return data with the stored states of a model's frozen networks; compute what is missing.

    When it is interrupted, the same call goes on with the next shard of the data.

    Parameters
    ----------
    store : Store
        The data.
    model : MultimodalModel
        The model, with its pretrained weights.
    max_seconds : float
        Longer utterances are cut to this.
    tokenizer : optional
        That of the text encoder, if the model has one.
    copies : bool
        Compute the augmented copies for training, too.
    keep_voice : bool
        The copies do not change the voice.
    device : str or torch.device, optional
        Where to compute (default: a GPU if there is one).
    progress : bool
        Report progress (`mien.progress`).

    Returns
    -------
    Store
        The data themselves if no encoder is frozen, or states cannot be stored beside them.

    Raises
    ------
    MienError
        The states cannot be written or read.
    """
    readers = model.config.readers(tokenizer)
    works = _works(store, model, readers, max_seconds, keep_voice)
    folders: dict[Modality, StateFolder] = {}
    names: dict[Modality, list[str]] = {}
    for modality, work in works.items():
        wanted = work.names(copies)
        if work.jobs(wanted) and not _writable(store):
            continue
        work.complete(wanted, choose_device(device), progress)
        folders[modality], names[modality] = work.folder, wanted
    if not folders:
        return store
    media = any(m not in folders and m is not Modality.TEXT for m in model.config.modalities)
    return StateStore(store, folders, names, media=media)


def _works(
    store: Store,
    model: MultimodalModel,
    readers: Mapping[Modality, Reader],
    max_seconds: float,
    keep_voice: bool,
) -> dict[Modality, "_Work"]:
    """Return the computation of the states of each encoder whose networks are frozen."""
    cacheable = [m for m, encoder in model.config.encoders.items() if encoder.cacheable]
    frozen = find_frozen(model) if cacheable else {}
    found = {}
    for modality in cacheable:
        encoder = cast("PretrainedEncoder", model.encoder(modality))
        reader = cast(StateReader, readers[modality])
        key = encoder.key() | {
            "version": VERSION,
            "modality": modality.value,
            "weights": frozen[modality].sha256,
            "max_seconds": max_seconds,
            **reader.key(),
        }
        folder = StateFolder(store, key, encoder.widths)
        found[modality] = _Work(store, folder, encoder, reader, max_seconds, keep_voice)
    return found


def _writable(store: Store) -> bool:
    """Tell whether states can be stored beside the data; if not, a warning says so."""
    try:
        check_writable(store.folder)
    except MienError as error:
        logger.warning(
            "%s; the states of frozen networks are not stored, and computed whenever they are used",
            error.message,
        )
        return False
    return True


class _Work:
    """The computation of the states of one encoder."""

    def __init__(
        self,
        store: Store,
        folder: StateFolder,
        encoder: "PretrainedEncoder",
        reader: StateReader,
        max_seconds: float,
        keep_voice: bool,
    ) -> None:
        self.store, self.folder, self.encoder, self.reader = store, folder, encoder, reader
        self.max_seconds, self.keep_voice = max_seconds, keep_voice

    def names(self, copies: bool) -> list[str]:
        """Name the utterances as recorded and, if they are wanted, their augmented copies."""
        numbers = range(self.reader.copies + 1 if copies else 1)
        return [self.reader.copy_name(n, keep_voice=self.keep_voice) for n in numbers]

    def jobs(self, names: list[str]) -> list[tuple[int, str, int]]:
        """List the shards that are missing, each with the number and the name of its copy."""
        return [
            (n, name, shard) for n, name in enumerate(names) for shard in self.folder.missing(name)
        ]

    def complete(self, names: list[str], device: torch.device, progress: bool) -> None:
        """Compute and store the shards that are missing."""
        jobs = self.jobs(names)
        total = sum(self.store.shards[shard].samples for *_, shard in jobs)
        if not total:
            return
        encoder = self.encoder
        before, training = encoder.scale.mean.device, encoder.training
        encoder.to(device).eval()
        try:
            title = f"{encoder.modality} states"
            with Progress(title, "utterances", total, shown=progress) as bar:
                for number, name, shard in jobs:
                    if shard not in self.folder.missing(name):  # another process was faster
                        bar.update(self.store.shards[shard].samples)
                        continue
                    self.folder.write(name, shard, self._rows(number, shard, device, bar))
        finally:
            encoder.to(before).train(training)

    def _rows(
        self, number: int, shard: int, device: torch.device, bar: Progress
    ) -> Iterator[tuple[str, States]]:
        first = sum(entry.samples for entry in self.store.shards[:shard])
        for row in range(first, first + self.store.shards[shard].samples):
            yield self.store.utterances[row].id, self._states(row, number, device)
            bar.update()

    def _states(self, row: int, number: int, device: torch.device) -> States:
        sample = cut(self.store[row], 0.0, self.max_seconds)
        if not has(sample, self.encoder.modality):
            return [torch.zeros(0, width).numpy() for width in self.encoder.widths]
        sample = self.reader.copy(
            sample,
            number,
            keep_voice=self.keep_voice,
            voices=lambda: voices_of(self.store, row),
        )
        steps = self.reader.steps(sample).to(device)
        return [states.cpu().numpy() for states in self.encoder.constant(steps)]
