"""Prepared folders: Parquet shards of samples, written and read."""

import bisect
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mien.dataset.sample_rows import (
    INDEX_COLUMNS,
    SAMPLE_COLUMNS,
    SCHEMA,
    SCHEMA_VERSION,
    decode_waveform,
    media_bytes,
    row_to_sample,
    row_to_utterance,
    sample_to_row,
    skipped_to_row,
)
from mien.dataset.shard import Shard, ShardEntry, read_entries, shard_writer
from mien.dataset.speakers import SpeakerRows
from mien.errors import MienError
from mien.files import read_json
from mien.media.faces import MAX_FACE_SIZE, PUBLISHED_FACE_SIZE
from mien.utterance import Sample, Skipped, Utterance

REMEDY = "run the same 'mien prepare' command again: it writes damaged shards again"
"""What the user should do about a prepared folder that can't be read."""

# A sample is read together with its row group: small groups make shuffled reading fast.
_ROW_GROUP_BYTES = 512 * 1024
_OPEN_SHARDS = 256


def write_shard(path: Path, items: Iterable[Sample | Skipped]) -> None:
    """Write samples and the records of what was skipped to one Parquet file.

    The items are consumed one by one, so that of a generator only one row group is in memory. The
    file appears whole or not at all.

    Parameters
    ----------
    path : Path
        The shard.
    items : iterable of Sample or Skipped
        Samples become rows; a `Skipped` is kept in the file's metadata.

    Raises
    ------
    MienError
        The file can't be written, for example for lack of space.
    """
    skipped: list[dict[str, str]] = []
    group: list[dict[str, Any]] = []
    size = 0
    # A dictionary or statistics of media would only be copies of them.
    options = {"use_dictionary": INDEX_COLUMNS, "write_statistics": INDEX_COLUMNS}
    with shard_writer(path, SCHEMA, **options) as writer:
        for item in items:
            if isinstance(item, Skipped):
                skipped.append(skipped_to_row(item))
                continue
            group.append(sample_to_row(item))
            size += media_bytes(group[-1])
            if size >= _ROW_GROUP_BYTES:
                writer.write_table(pa.Table.from_pylist(group, SCHEMA))
                group, size = [], 0
        if group:
            writer.write_table(pa.Table.from_pylist(group, SCHEMA))
        writer.add_key_value_metadata({"skipped": json.dumps(skipped, ensure_ascii=False)})


def read_shard(path: Path, entry: ShardEntry | None = None) -> tuple[pa.Table, list[Skipped]]:
    """Read the columns of a shard without its media, and what was skipped when it was made.

    Raises
    ------
    MienError
        The shard is missing, damaged, or not that of `entry`; or `write_shard` did not write it.
    """
    shard = Shard(path, SCHEMA, entry, remedy=REMEDY)
    try:
        skipped = [Skipped(**item) for item in json.loads(shard.metadata[b"skipped"])]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise MienError(
            f"{path}: damaged, it lacks the list of skipped utterances; delete this file, then run"
            " the same 'mien prepare' command again"
        ) from error
    return shard.read(INDEX_COLUMNS), skipped


class Store:
    """A prepared folder, read sample by sample.

    Safe to pass to worker processes, forked or spawned: each opens the shards itself.

    Parameters
    ----------
    folder : Path
        What `mien prepare` wrote.

    Attributes
    ----------
    info : dict
        The content of `dataset.json`: counts, settings and the list of shards.
    face_size : int
        Edge of the face crops, pixels.
    shards : list of ShardEntry
        The record of each shard, in order.

    Raises
    ------
    MienError
        The folder is missing, is not a prepared folder, is not finished, or is of another version;
        when samples are read, a shard is missing or damaged.

    Examples
    --------
    >>> store = Store(Path("data/ravdess"))  # doctest: +SKIP
    >>> store[0].utterance.emotions  # doctest: +SKIP
    ('neutral',)
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.info: dict[str, Any] = read_info(self.folder)
        self.face_size: int = self.info["face_size"]
        self.shards = read_entries(self.info, self.folder / "dataset.json")
        self._ends = list(itertools.accumulate(shard.samples for shard in self.shards))
        self._open = lru_cache(maxsize=_OPEN_SHARDS)(self._open_shard)
        self._group = lru_cache(maxsize=1)(Shard.read_group)

    def __reduce__(self) -> tuple[type["Store"], tuple[Any, ...]]:
        return Store, (self.folder,)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @cached_property
    def index(self) -> pa.Table:
        """All samples in order, without the faces and the waveforms."""
        tables = [read_shard(self.folder / shard.file, shard)[0] for shard in self.shards]
        return pa.concat_tables(tables) if tables else SCHEMA.empty_table().select(INDEX_COLUMNS)

    @cached_property
    def utterances(self) -> list[Utterance]:
        """The utterances of all samples in order."""
        rows = self.index.select(list(Utterance.__dataclass_fields__)).to_pylist()
        return [row_to_utterance(row) for row in rows]

    @cached_property
    def modalities(self) -> list[str]:
        """The letters of the modalities each sample has, out of "tav", in order."""
        text = [bool(u.text and u.text.strip()) for u in self.utterances]
        audio = self.index["num_samples"].to_pylist()
        faces = self.index["num_faces"].to_pylist()
        return [
            "".join(itertools.compress("tav", present))
            for present in zip(text, audio, faces, strict=True)
        ]

    @cached_property
    def speakers(self) -> SpeakerRows:
        """The rows of each speaker."""
        return SpeakerRows(self.utterances, range(len(self)))

    @property
    def variant(self) -> str:
        """What was done to the media since they were prepared; "" for nothing."""
        return ""

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the samples in this order, whatever the paths of their media."""
        rows = self.index.drop_columns(["video", "video_rate", "audio"]).to_pylist()
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]

    def __getitem__(self, number: int) -> Sample:
        """Read one sample."""
        shard, row = self.place(number)
        decoded = self.read_row(self._open(shard), row, tuple(SAMPLE_COLUMNS))
        with self._decoding(number):
            return row_to_sample(self.utterances[number], decoded, self.face_size)

    def waveform(self, number: int) -> np.ndarray | None:
        """Read the waveform (S,) int16 of one sample, without its faces; None if it has none."""
        shard, row = self.place(number)
        stored = self.read_row(self._open(shard), row, ("waveform",))["waveform"]
        with self._decoding(number):
            return decode_waveform(stored)

    @contextmanager
    def _decoding(self, number: int) -> Iterator[None]:
        """Say which sample is damaged, and what to do about it."""
        try:
            yield
        except ValueError as error:
            shard, _ = self.place(number)
            raise MienError(
                f"{self.folder / self.shards[shard].file}: damaged,"
                f" {self.utterances[number].id}: {error}; prepare the corpus again into a new"
                " folder"
            ) from error

    def place(self, number: int) -> tuple[int, int]:
        """Return the shard of a sample, and its row there."""
        if not -len(self) <= number < len(self):
            raise IndexError(f"sample {number} of {len(self)}")
        number %= len(self)
        shard = bisect.bisect_right(self._ends, number)
        return shard, number - (self._ends[shard - 1] if shard else 0)

    def read_row(self, shard: Shard, row: int, columns: tuple[str, ...]) -> dict[str, Any]:
        """Read some columns of one row of a shard."""
        group, place = shard.place(row)
        plain: dict[str, Any] = self._group(shard, group, columns).slice(place, 1).to_pylist()[0]
        return plain

    def _open_shard(self, number: int) -> Shard:
        entry = self.shards[number]
        return Shard(self.folder / entry.file, SCHEMA, entry, remedy=REMEDY)


def read_info(folder: Path) -> dict[str, Any]:
    """Read `dataset.json`. Raises `MienError`, which says why the folder can't be used."""
    if not folder.is_dir():
        raise MienError(f"{folder}: no such folder; make it with 'mien prepare'")
    path = folder / "dataset.json"
    if not path.is_file():
        if (folder / "prepare.json").is_file():
            raise MienError(
                f"{folder}: not finished; run the same 'mien prepare' command again to finish it"
            )
        raise MienError(f"{folder}: not a prepared folder; make one with 'mien prepare'")
    info = read_json(path, REMEDY)
    if info.get("schema") != SCHEMA_VERSION:
        raise MienError(
            f"{folder}: prepared by another version of mien (schema {info.get('schema')}, this one"
            f" reads {SCHEMA_VERSION}); prepare the corpus again into a new folder"
        )
    size = info.get("face_size")
    if type(size) is not int or not PUBLISHED_FACE_SIZE <= size <= MAX_FACE_SIZE:
        raise MienError(f"{path}: damaged, it does not state the size of the face crops; {REMEDY}")
    return info
