"""Prepared folders: Parquet shards of samples, written and read."""

import bisect
import hashlib
import itertools
import json
from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mien.dataset.shard import Shard, ShardEntry, read_entries, shard_writer
from mien.encoding import readable
from mien.errors import MienError
from mien.files import read_json
from mien.media.crop_codec import decode_crop, encode_crop
from mien.media.faces import MAX_FACE_SIZE, PUBLISHED_FACE_SIZE
from mien.utterance import Sample, Skipped, Utterance

SCHEMA_VERSION = 3
"""Raised whenever the columns or their meaning change."""

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("corpus", pa.string()),
        ("person", pa.string()),
        ("session", pa.string()),
        ("dialogue", pa.string()),
        ("start", pa.float64()),
        ("end", pa.float64()),
        ("text", pa.string()),
        ("emotions", pa.list_(pa.string())),
        ("sentiment", pa.float64()),
        ("labels", pa.string()),  # JSON
        ("video", pa.string()),
        ("video_rate", pa.float64()),
        ("video_side", pa.string()),
        ("audio", pa.string()),
        ("audio_channel", pa.int32()),
        ("synthetic", pa.bool_()),
        ("split", pa.string()),
        ("attributes", pa.string()),  # JSON
        ("seconds", pa.float64()),  # of the media, as decoded
        ("frame_times", pa.list_(pa.float32())),  # of the frames that were searched for a face
        ("num_faces", pa.int32()),
        ("num_samples", pa.int64()),  # of the waveform, at 16 kHz
        ("face_times", pa.list_(pa.float32())),
        ("face_found", pa.list_(pa.bool_())),
        ("faces", pa.list_(pa.binary())),  # num_faces lossless WebP images, RGB
        ("waveform", pa.binary()),  # int16, little endian
    ],
    metadata={"mien_schema": str(SCHEMA_VERSION)},
)

MEDIA_COLUMNS = ("faces", "waveform")
INDEX_COLUMNS = [name for name in SCHEMA.names if name not in MEDIA_COLUMNS]
_SAMPLE_COLUMNS = [
    *MEDIA_COLUMNS,
    "num_faces",
    "seconds",
    "frame_times",
    "face_times",
    "face_found",
]

REMEDY = "run the same 'mien prepare' command again: it writes damaged shards again"
"""What the user should do about a prepared folder that can't be read."""

# A sample is read together with its row group: small groups make shuffled reading fast.
_ROW_GROUP_BYTES = 512 * 1024
_OPEN_SHARDS = 256


def utterance_to_row(utterance: Utterance) -> dict[str, Any]:
    """Convert an utterance to plain values, one for each of its columns.

    A path is stored as readable text: one that is not UTF-8 can't be stored as it is.
    """
    row = dict(vars(utterance))
    row["emotions"] = None if utterance.emotions is None else list(utterance.emotions)
    row["video"] = None if utterance.video is None else str(utterance.video)
    row["audio"] = None if utterance.audio is None else str(utterance.audio)
    row["labels"] = json.dumps(dict(utterance.labels), ensure_ascii=False, allow_nan=False)
    row["attributes"] = json.dumps(dict(utterance.attributes), ensure_ascii=False)
    return {name: readable(v) if isinstance(v, str) else v for name, v in row.items()}


def row_to_utterance(row: dict[str, Any]) -> Utterance:
    """Convert such a row back to the utterance."""
    fields = dict(row)
    fields["emotions"] = None if row["emotions"] is None else tuple(row["emotions"])
    fields["video"] = None if row["video"] is None else Path(row["video"])
    fields["audio"] = None if row["audio"] is None else Path(row["audio"])
    fields["labels"] = json.loads(row["labels"])
    fields["attributes"] = json.loads(row["attributes"])
    return Utterance(**fields)


def skipped_to_row(item: Skipped) -> dict[str, str]:
    """Convert a `Skipped` to plain values that can be written."""
    return {name: readable(value) for name, value in vars(item).items()}


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
    # A dictionary or statistics of media would only be copies of them.
    options = {"use_dictionary": INDEX_COLUMNS, "write_statistics": INDEX_COLUMNS}
    with shard_writer(path, SCHEMA, **options) as writer:
        for item in items:
            if isinstance(item, Skipped):
                skipped.append(skipped_to_row(item))
                continue
            group.append(sample_to_row(item))
            if sum(map(_media_bytes, group)) >= _ROW_GROUP_BYTES:
                writer.write_table(pa.Table.from_pylist(group, SCHEMA))
                group = []
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

    def __reduce__(self) -> tuple[type["Store"], tuple[Path]]:
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
    def fingerprint(self) -> str:
        """Digest of the samples in this order, whatever the paths of their media."""
        rows = self.index.drop_columns(["video", "video_rate", "audio"]).to_pylist()
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]

    def __getitem__(self, number: int) -> Sample:
        """Read one sample."""
        shard, row = self.place(number)
        decoded = self.read_row(self._open(shard), row, tuple(_SAMPLE_COLUMNS))
        utterance = self.utterances[number]
        try:
            return _sample(utterance, decoded, self.face_size)
        except ValueError as error:
            raise MienError(
                f"{self.folder / self.shards[shard].file}: damaged, {utterance.id}: {error};"
                " prepare the corpus again into a new folder"
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


def _media_bytes(row: dict[str, Any]) -> int:
    """Return the bytes of a row's media."""
    return sum(map(len, row["faces"] or ())) + len(row["waveform"] or b"")


def sample_to_row(sample: Sample) -> dict[str, Any]:
    """Convert a sample to plain values, one for each column; its face crops are compressed."""
    row = utterance_to_row(sample.utterance)
    faces, times, found, wave = sample.faces, sample.face_times, sample.face_found, sample.waveform
    row["num_faces"] = 0 if faces is None else len(faces)
    row["num_samples"] = 0 if wave is None else len(wave)
    row["seconds"] = sample.seconds
    row["frame_times"] = None if sample.frame_times is None else sample.frame_times.tolist()
    row["face_times"] = None if times is None else times.tolist()
    row["face_found"] = None if found is None else found.tolist()
    row["faces"] = None if faces is None else [encode_crop(face) for face in faces]
    row["waveform"] = None if wave is None else wave.astype("<i2", copy=False).tobytes()
    return row


def _sample(utterance: Utterance, decoded: dict[str, Any], face_size: int) -> Sample:
    """Convert columns to a sample. Raises `ValueError` where these are damaged."""
    encoded, times, found, wave, frames = (
        decoded[name] for name in ("faces", "face_times", "face_found", "waveform", "frame_times")
    )
    faces = [decode_crop(face or b"", face_size) for face in encoded or ()]
    if len(faces) != decoded["num_faces"]:
        raise ValueError(f"{len(faces)} face crops, not {decoded['num_faces']}")
    return Sample(
        utterance=utterance,
        seconds=decoded["seconds"],
        frame_times=None if frames is None else np.array(frames, np.float32),
        faces=np.stack(faces) if faces else None,
        face_times=None if times is None else np.array(times, np.float32),
        face_found=None if found is None else np.array(found, bool),
        waveform=None if wave is None else np.frombuffer(wave, "<i2").astype(np.int16),
    )
