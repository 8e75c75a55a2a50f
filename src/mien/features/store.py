"""The features beside prepared data: Parquet shards, one for each shard of samples."""

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import ValidationError

from mien.dataset.shard import Shard, ShardEntry, read_entries, shard_writer
from mien.dataset.store import Store
from mien.errors import MienError
from mien.features.extractor import TABLE, FeatureSettings
from mien.files import read_json
from mien.modality import Modality
from mien.models.config import ModelConfig
from mien.models.encoders.feature_settings import HandCraftedSettings
from mien.models.encoders.voice_columns import columns
from mien.utterance import Sample

FOLDER = "features"
"""Name of the folder in that of the prepared data."""

FEATURE_SCHEMA_VERSION = 2
"""Raised whenever the columns or their meaning change."""

LETTERS = "tav"
_STEPS = [f"{m}_steps" for m in LETTERS]

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("words", pa.int32()),  # in the text, whether they have a vector or not
        *((name, pa.int32()) for name in _STEPS),
        *((m, pa.binary()) for m in LETTERS),  # steps x numbers float32, little endian
    ]
)

_ROWS = 16  # of a row group, which is read as one

Features = Mapping[str, np.ndarray]


def write_features(path: Path, rows: Iterable[tuple[str, int, Features]]) -> None:
    """Write the id, the number of words and the features of utterances, whole or not at all."""
    table = pa.Table.from_pylist([_row(*row) for row in rows], SCHEMA)
    with shard_writer(path, SCHEMA, use_dictionary=False) as writer:
        writer.write_table(table, row_group_size=_ROWS)


def _row(name: str, words: int, features: Features) -> dict[str, Any]:
    row: dict[str, Any] = {"id": name, "words": words}
    for m in LETTERS:
        part = features.get(m)
        row[f"{m}_steps"] = 0 if part is None else len(part)
        row[m] = None if part is None else np.ascontiguousarray(part, "<f4").tobytes()
    return row


class FeatureStore(Store):
    """A prepared folder, of which the features are read and nothing else.

    Parameters
    ----------
    folder : Path
        What `mien prepare` and then `mien features` wrote.

    Attributes
    ----------
    settings : FeatureSettings
        Where the features come from, and their sizes.

    Raises
    ------
    MienError
        There are no features, they are not finished, or they are of other data.

    Examples
    --------
    >>> store = FeatureStore(Path("data/iemocap"))  # doctest: +SKIP
    >>> {m: part.shape for m, part in store[0].features.items()}  # doctest: +SKIP
    {'t': (7, 256), 'a': (33, 144), 'v': (6, 35)}
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        info = read_features_info(self.folder)
        path = self.folder / FOLDER / "features.json"
        try:
            self.settings = FeatureSettings(**{n: info[n] for n in FeatureSettings.model_fields})
        except (KeyError, ValidationError) as error:
            raise MienError(f"{path}: damaged, it lacks settings; {_again(path)}") from error
        if info.get("data") != self.fingerprint:
            raise MienError(
                f"{self.folder / FOLDER}: made of other data than there are now: delete it, then"
                f" mien features {self.folder}"
            )
        self._entries = read_entries(info, path)
        named = [[(e.file, e.samples) for e in part] for part in (self._entries, self.shards)]
        if named[0] != named[1]:
            raise MienError(f"{path}: damaged, it lists other shards than the data; {_again(path)}")
        self._features = lru_cache(maxsize=256)(self._open_features)

    def __reduce__(self) -> tuple[type["FeatureStore"], tuple[Path]]:
        return FeatureStore, (self.folder,)

    @property
    def table(self) -> Path:
        """The word vectors, which are there where the words' source is a table."""
        return self.folder / FOLDER / TABLE

    @cached_property
    def modalities(self) -> list[str]:
        """The letters of the features each sample has, out of "tav", in order."""
        shards = map(self._open_features, range(len(self._entries)))
        rows = [row for shard in shards for row in shard.read(_STEPS).to_pylist()]
        return ["".join(m for m in LETTERS if row[f"{m}_steps"]) for row in rows]

    def __getitem__(self, number: int) -> Sample:
        """Read the features of one sample."""
        shard, row = self.place(number)
        read = self.read_row(self._features(shard), row, (*LETTERS, *_STEPS))
        features = {
            m: np.frombuffer(read[m], "<f4").reshape(read[f"{m}_steps"], -1).astype(np.float32)
            for m in LETTERS
            if read[m] is not None
        }
        return Sample(utterance=self.utterances[number], features=features)

    def _open_features(self, number: int) -> Shard:
        entry = self._entries[number]
        return open_features(self.folder / FOLDER / entry.file, entry)


def open_features(path: Path, entry: ShardEntry | None = None) -> Shard:
    """Open a shard of features. Raises `MienError` where it is missing, damaged or another one."""
    return Shard(path, SCHEMA, entry, remedy=_again(path))


def _again(path: Path) -> str:
    return f"delete {path.parent}, then 'mien features' again"


def read_features_info(data: Path) -> dict[str, Any]:
    """Read `features.json`, or say why the features cannot be used."""
    folder = data / FOLDER
    path = folder / "features.json"
    if not path.is_file():
        begun = folder.is_dir() and any(folder.iterdir())
        raise MienError(
            f"{folder}: not finished; run the same 'mien features' command again to finish it"
            if begun
            else f"{data}: has no features; make them with: mien features {data}"
        )
    info = read_json(path, _again(path))
    if info.get("schema") != FEATURE_SCHEMA_VERSION:
        raise MienError(
            f"{folder}: made by another version of mien (schema {info.get('schema')}, this one"
            f" reads {FEATURE_SCHEMA_VERSION}); delete it, then mien features {data}"
        )
    return info


def open_data(folder: Path, config: ModelConfig) -> Store:
    """Open prepared data as a model reads them. Raises `MienError` as the stores do."""
    return FeatureStore(folder) if config.hand_crafted else Store(folder)


def fit_sizes(config: ModelConfig, settings: FeatureSettings) -> ModelConfig:
    """Give a baseline the sizes of the features that there are.

    Raises
    ------
    MienError
        The user asked for other sizes, or for a selection that there is not.
    """
    for modality, encoder in config.encoders.items():
        if not isinstance(encoder, HandCraftedSettings) or modality.letter not in settings.sizes:
            continue
        size = settings.sizes[modality.letter]
        if modality is Modality.AUDIO:
            size = len(columns(encoder.selection, size))
        if "feature_size" in encoder.model_fields_set and encoder.feature_size != size:
            raise MienError(
                f"the data have {modality} features of size {size}, not {encoder.feature_size}:"
                f" leave --{modality}-feature-size out"
            )
        config = config.changed(modality, feature_size=size)
    return config


def check_sources(
    settings: FeatureSettings, wanted: FeatureSettings, modalities: str, where: Path
) -> None:
    """Refuse features that are not of the kind that a model of some modalities has learnt from."""
    for m in modalities:
        source, found = wanted.sources[m], settings.sources.get(m, "none")
        if found != source or settings.sizes.get(m) != wanted.sizes.get(m):
            raise MienError(
                f"{where}: has features of another kind ({found}) than those of the training"
                f" ({source}): make them in the same way, with mien features"
            )
