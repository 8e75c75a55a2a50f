"""States of frozen pretrained networks beside prepared data: Parquet shards, one for each copy.

    states/KEY/key.json               the network, its settings and the data
    states/KEY/copy-0/SHARD.parquet   the utterances as they were recorded
    states/KEY/copy-1/SHARD.parquet   an augmented copy of each

The shards have the names and the rows of those of the data. A frozen network computes the same for
an utterance in every training, so this is done once for all trainings, folds and seeds.
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mien.dataset.shard import Shard, shard_writer
from mien.dataset.store import Store
from mien.errors import MienError
from mien.files import write_text
from mien.modality import Modality
from mien.utterance import Sample

FOLDER = "states"
"""Name of the folder in that of the prepared data."""

MEMORY = 4 * 2**30
"""Bytes of states that stay in memory; those that were used longest ago are read again."""

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("steps", pa.list_(pa.int32())),  # of each network
        ("states", pa.list_(pa.binary())),  # of each network, steps x numbers float32
    ]
)

States = Sequence[np.ndarray]
"""The states (T, K) float32 of one utterance, of each network."""


class StateFolder:
    """The stored states of one encoder for one data set.

    Parameters
    ----------
    store : Store
        The data.
    key : mapping
        What the states depend on; plain values.
    widths : sequence of int
        Numbers of a step of each network, K.
    """

    def __init__(self, store: Store, key: Mapping[str, Any], widths: Sequence[int]) -> None:
        shards = [shard.digest for shard in store.shards]  # the media, of which no index tells
        self.key = {**key, "data": store.fingerprint, "shards": shards, "variant": store.variant}
        text = json.dumps(self.key, sort_keys=True)
        self.folder = store.folder / FOLDER / hashlib.sha256(text.encode()).hexdigest()[:16]
        self.shards, self.place = store.shards, store.place
        self.widths = list(widths)
        self._loaded: OrderedDict[tuple[str, int], list[States]] = OrderedDict()
        self._bytes = 0

    def missing(self, copy: str) -> list[int]:
        """List the shards that are not stored yet for a copy."""
        return [n for n in range(len(self.shards)) if not self._path(copy, n).is_file()]

    def write(self, copy: str, shard: int, rows: Iterable[tuple[str, States]]) -> None:
        """Write the states of the utterances of one shard, by id in their order."""
        table = pa.Table.from_pylist([_row(name, states) for name, states in rows], SCHEMA)
        path = self._path(copy, shard)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not self.folder.joinpath("key.json").is_file():
            write_text(self.folder / "key.json", json.dumps(self.key, indent=2))
        with shard_writer(path, SCHEMA, use_dictionary=False, compression="none") as writer:
            writer.write_table(table)

    def read(self, copy: str, row: int) -> States:
        """Read the states of one row of the data; of length 0 if it lacks the modality."""
        shard, place = self.place(row)
        if (copy, shard) not in self._loaded:
            self._load(copy, shard)
        self._loaded.move_to_end((copy, shard))
        return self._loaded[copy, shard][place]

    def _load(self, copy: str, number: int) -> None:
        path, entry = self._path(copy, number), self.shards[number]
        remedy = f"delete {path.parent.parent}: the states are then computed again"
        rows = Shard(path, SCHEMA, remedy=remedy).read().to_pylist()
        try:
            if len(rows) != entry.samples:
                raise ValueError(f"{len(rows)} rows, not {entry.samples}")
            self._loaded[copy, number] = [self._states(row) for row in rows]
        except (ValueError, TypeError) as error:
            raise MienError(f"{path}: damaged ({error}); {remedy}") from error
        self._bytes += path.stat().st_size
        while self._bytes > MEMORY and len(self._loaded) > 1:
            (name, shard), _ = self._loaded.popitem(last=False)
            self._bytes -= self._path(name, shard).stat().st_size

    def _states(self, row: Mapping[str, Any]) -> States:
        parts = zip(row["states"], row["steps"], self.widths, strict=True)
        return [
            np.frombuffer(data, "<f4").astype(np.float32).reshape(steps, width)
            for data, steps, width in parts
        ]

    def _path(self, copy: str, shard: int) -> Path:
        return self.folder / copy / self.shards[shard].file

    def __getstate__(self) -> dict[str, Any]:
        """Leave loaded states to the process that loaded them."""
        return {**self.__dict__, "_loaded": OrderedDict(), "_bytes": 0}


def _row(name: str, states: States) -> dict[str, Any]:
    return {
        "id": name,
        "steps": [len(part) for part in states],
        "states": [np.ascontiguousarray(part, "<f4").tobytes() for part in states],
    }


class _Copies(Sequence[States]):
    """The states of the copies of one row, read when they are used."""

    def __init__(self, folder: StateFolder, names: Sequence[str], row: int) -> None:
        self._folder, self._names, self._row = folder, names, row

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, number: Any) -> Any:
        return self._folder.read(self._names[number], self._row)


class StateStore(Store):
    """Prepared data, in which stored states stand for the media of some modalities.

    Parameters
    ----------
    base : Store
        The data.
    folders : mapping of Modality to StateFolder
        The stored states of each of these modalities.
    copies : mapping of Modality to sequence of str
        The names of their copies, the recorded one first.
    media : bool
        Whether other modalities still need their media.
    """

    def __init__(
        self,
        base: Store,
        folders: Mapping[Modality, StateFolder],
        copies: Mapping[Modality, Sequence[str]],
        *,
        media: bool,
    ) -> None:
        super().__init__(base.folder)
        self.base, self.folders, self.copies, self.media = base, folders, copies, media

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.base, self.folders, self.copies, self.media)

    @property
    def variant(self) -> str:
        """What was done to the media since they were prepared."""
        return self.base.variant

    def __getitem__(self, number: int) -> Sample:
        """Read one sample, with its stored states."""
        sample = self.base[number] if self.media else Sample(utterance=self.utterances[number])
        for modality, folder in self.folders.items():
            copies = _Copies(folder, self.copies[modality], number)
            sample = sample.with_states(modality.letter, copies)
        return sample


def _restore(
    base: Store,
    folders: Mapping[Modality, StateFolder],
    copies: Mapping[Modality, Sequence[str]],
    media: bool,
) -> StateStore:
    return StateStore(base, folders, copies, media=media)
