"""Features beside prepared data: Parquet shards, one for each shard of samples."""

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
from mien.features.extractor import WORD_VECTORS, FeatureSettings
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
        ("words", pa.int32()),  # of the text, with or without a vector
        *((name, pa.int32()) for name in _STEPS),
        *((m, pa.binary()) for m in LETTERS),  # steps x features float32, little endian
    ]
)

_GROUP_ROWS = 16  # rows of a row group, which is read as a whole

Features = Mapping[str, np.ndarray]


def write_features(path: Path, rows: Iterable[tuple[str, int, Features]]) -> None:
    """Write the id, the number of words and the features of utterances to a shard."""
    table = pa.Table.from_pylist([_row(*row) for row in rows], SCHEMA)
    with shard_writer(path, SCHEMA, use_dictionary=False) as writer:
        writer.write_table(table, row_group_size=_GROUP_ROWS)


def _row(name: str, words: int, features: Features) -> dict[str, Any]:
    row: dict[str, Any] = {"id": name, "words": words}
    for m in LETTERS:
        array = features.get(m)
        row[f"{m}_steps"] = 0 if array is None else len(array)
        row[m] = None if array is None else np.ascontiguousarray(array, "<f4").tobytes()
    return row


class FeatureStore(Store):
    """A prepared folder, of which only the features are read.

    Parameters
    ----------
    folder : Path
        What `mien prepare` and `mien features` wrote.

    Attributes
    ----------
    settings : FeatureSettings
        Sources and sizes of the features.

    Raises
    ------
    MienError
        There are no features, they are not finished, or they are of other data.

    Examples
    --------
    >>> store = FeatureStore(Path("data/iemocap"))  # doctest: +SKIP
    >>> {m: array.shape for m, array in store[0].features.items()}  # doctest: +SKIP
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
        own, data = ([(e.file, e.samples) for e in s] for s in (self._entries, self.shards))
        if own != data:
            raise MienError(f"{path}: damaged, it lists other shards than the data; {_again(path)}")
        self._features = lru_cache(maxsize=256)(self._open_features)

    def __reduce__(self) -> tuple[type["FeatureStore"], tuple[Path]]:
        return FeatureStore, (self.folder,)

    @property
    def table(self) -> Path:
        """The file of word vectors, which exists where the text features come from a table."""
        return self.folder / FOLDER / WORD_VECTORS

    @cached_property
    def modalities(self) -> list[str]:
        """The letters of the modalities with features of each sample, out of "tav", in order."""
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
    """Read `features.json`. Raises `MienError`, which says why features can't be used."""
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


def open_store(folder: Path, config: ModelConfig) -> Store:
    """Open prepared data with what a model takes as input. Raises `MienError` as the stores do."""
    return FeatureStore(folder) if config.hand_crafted else Store(folder)


def fit_sizes(config: ModelConfig, settings: FeatureSettings) -> ModelConfig:
    """Set the feature sizes of a baseline to those of the data.

    Raises
    ------
    MienError
        The user asked for other sizes, or for a selection that the data do not have.
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
                " leave it out",
                parameter=f"{modality}_feature_size",
            )
        config = config.changed(modality, feature_size=size)
    return config


def check_sources(
    settings: FeatureSettings, wanted: FeatureSettings, modalities: str, where: Path
) -> None:
    """Refuse features of another kind than a model with some modalities was trained on."""
    for m in modalities:
        source, found = wanted.sources[m], settings.sources.get(m, "none")
        if found != source or settings.sizes.get(m) != wanted.sizes.get(m):
            raise MienError(
                f"{where}: has features of another kind ({found}) than those of the training"
                f" ({source}): make them in the same way, with mien features"
            )
