"""The features beside prepared data: Parquet shards, one for each shard of samples."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mien.dataset.store import Store, read_json
from mien.errors import MienError
from mien.features.extractor import TABLE, FeatureSettings
from mien.features.subsets import columns
from mien.files import whole
from mien.models.config import PUBLISHED_SIZES, ModelConfig
from mien.utterance import Sample

FOLDER = "features"
"""Name of the folder in that of the prepared data."""

FEATURE_SCHEMA_VERSION = 1
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
    how = {"compression": "zstd", "use_dictionary": False, "row_group_size": _ROWS}
    with whole(path) as part:
        pq.write_table(table, part, **how)


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
        self.settings = FeatureSettings(**{n: info[n] for n in FeatureSettings.model_fields})
        if info["data"] != self.fingerprint:
            raise MienError(
                f"{self.folder / FOLDER}: made of other data than there are now: delete it, then"
                f" mien features {self.folder}"
            )
        self._feature_shards = [self.folder / FOLDER / path.name for path in self._shards]

    def __reduce__(self) -> tuple[type["FeatureStore"], tuple[Path]]:
        return FeatureStore, (self.folder,)

    @property
    def table(self) -> Path:
        """The word vectors, which are there where the words' source is a table."""
        return self.folder / FOLDER / TABLE

    @cached_property
    def modalities(self) -> list[str]:
        """The letters of the features each sample has, out of "tav", in order."""
        rows = [row for path in self._feature_shards for row in read_counts(path)]
        return ["".join(m for m in LETTERS if row[f"{m}_steps"]) for row in rows]

    def __getitem__(self, number: int) -> Sample:
        """Read the features of one sample."""
        shard, row = self.place(number)
        read = self.read_row(self._feature_shards[shard], row, (*LETTERS, *_STEPS))
        features = {
            m: np.frombuffer(read[m], "<f4").reshape(read[f"{m}_steps"], -1).astype(np.float32)
            for m in LETTERS
            if read[m] is not None
        }
        return Sample(utterance=self.utterances[number], features=features)

    def read_row(self, path: Path, row: int, columns: tuple[str, ...]) -> dict[str, Any]:
        """Read some columns of one row of a shard of features."""
        try:
            return super().read_row(path, row, columns)
        except MienError as error:
            raise _damaged(path, error.__cause__) from error


def read_counts(path: Path) -> list[dict[str, Any]]:
    """Read of a shard of features how many words and steps each utterance has."""
    try:
        return pq.read_table(path, columns=["words", *_STEPS]).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: BaseException | None) -> MienError:
    return MienError(
        f"{path}: missing or damaged ({error}); delete {path.parent}, then 'mien features' again"
    )


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
    info: dict[str, Any] = read_json(path)
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
    sizes = dict(zip(LETTERS, PUBLISHED_SIZES, strict=True)) | settings.sizes
    if "a" in settings.sizes:
        sizes["a"] = len(columns(config.audio_feature_type, sizes["a"]))
    found = tuple(sizes[m] for m in LETTERS)
    for m in config.modalities:
        if "feature_sizes" in config.model_fields_set and config.feature_size(m) != sizes[m]:
            raise MienError(
                f"the data have features of sizes {','.join(map(str, found))} (text, voice, face),"
                f" not {','.join(map(str, config.feature_sizes))}: leave --feature-sizes out"
            )
    return config.model_copy(update={"feature_sizes": found})


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
