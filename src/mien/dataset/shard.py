"""Parquet files with checksums, so that what is read is what was written, to the bit.

    blocks     the rows, with a CRC-32 for each 16 KiB
    footer     the schema, the position of each column, and the checksums of all blocks

The list of shards has the SHA-256 of each footer. So the footer is verified before it is parsed,
and each block before it is decompressed, wherever a bit has flipped; and only what is needed is
read. Parquet's own page checksums are written too, for other readers.
"""

import hashlib
import mmap
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mien.errors import MienError
from mien.files import atomic_write

BLOCK_BYTES = 16 * 1024
"""Bytes that share a checksum: about the columns of a row group without its media."""

_CHECKSUMS = b"mien_blocks"
_TRAILER = 8  # bytes after a footer: its length and a signature


class ShardEntry(BaseModel):
    """The record of a shard in its folder, by which it is verified.

    Parameters
    ----------
    file : str
        Name in the folder.
    samples : int
        Rows.
    bytes : int
        Size of the file.
    digest : str
        SHA-256 of the footer, which has the checksums of all the rest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    file: str = Field(pattern=r"^[^/\\]+\.parquet$")
    samples: int = Field(ge=0, le=10**9)
    bytes: int = Field(ge=0)
    digest: str

    @classmethod
    def of(cls, path: Path, rows: int) -> Self:
        """Make the record of a shard of so many rows as it is now."""
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            digest = hashlib.sha256(data[_footer(data) :]).hexdigest()
            return cls(file=path.name, samples=rows, bytes=len(data), digest=digest)


def read_entries(info: dict[str, Any], path: Path) -> list[ShardEntry]:
    """Read the list of shards in the content of a JSON file. Raises `MienError` without one."""
    try:
        return [ShardEntry.model_validate(shard) for shard in info["shards"]]
    except (KeyError, TypeError, ValidationError) as error:
        raise MienError(
            f"{path}: damaged, its list of shards can't be read; copy it again"
        ) from error


class _Sink:
    """A file that Arrow writes to, which keeps the checksum of each block."""

    closed = False

    def __init__(self, file: Any) -> None:
        self._file, self._block, self._sums = file, bytearray(), list[int]()

    def write(self, data: bytes) -> int:
        self._block += data
        while len(self._block) >= BLOCK_BYTES:
            self._sums.append(zlib.crc32(self._block[:BLOCK_BYTES]))
            del self._block[:BLOCK_BYTES]
        return int(self._file.write(data))

    def flush(self) -> None:
        self._file.flush()

    def sums(self) -> bytes:
        return np.array([*self._sums, zlib.crc32(self._block)], "<u4").tobytes()


@contextmanager
def shard_writer(path: Path, schema: pa.Schema, **options: Any) -> Iterator[pq.ParquetWriter]:
    """Open a shard for writing, table by table; the file appears whole or not at all.

    Parameters
    ----------
    path : Path
        The shard.
    schema : pyarrow.Schema
        Of its rows.
    **options
        Further arguments of `pyarrow.parquet.ParquetWriter`.

    Raises
    ------
    MienError
        The file can't be written, for example for lack of space.
    """
    options = {"compression": "zstd", "write_page_checksum": True} | options
    with atomic_write(path) as part, part.open("wb") as file:
        sink = _Sink(file)
        with pq.ParquetWriter(sink, schema, **options) as writer:
            yield writer
            writer.add_key_value_metadata({_CHECKSUMS: sink.sums().hex()})


class Shard:
    """A shard opened for reading.

    Parameters
    ----------
    path : Path
        The file.
    schema : pyarrow.Schema
        Schema that its rows must have.
    entry : ShardEntry, optional
        Its record, to verify the footer; without one the footer is trusted.
    remedy : str
        What the user should do if it can't be read, for messages.

    Raises
    ------
    MienError
        The shard is missing, damaged, or another one. All methods raise it too.
    """

    def __init__(
        self, path: Path, schema: pa.Schema, entry: ShardEntry | None = None, *, remedy: str
    ) -> None:
        self.path, self._remedy = path, remedy
        with self._readable():
            with path.open("rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            if entry is not None and not self._is(entry):
                raise ValueError("it is not the file that was written")
            source = pa.BufferReader(pa.py_buffer(self._data))
            self._file = pq.ParquetFile(source, page_checksum_verification=True)
            self.metadata: dict[bytes, bytes] = self._file.metadata.metadata
            self._sums = np.frombuffer(bytes.fromhex(self.metadata[_CHECKSUMS].decode()), "<u4")
            if not self._file.schema_arrow.equals(schema):
                raise ValueError("it has other columns")
            if entry is not None and len(self) != entry.samples:
                raise ValueError(f"{len(self)} rows, not {entry.samples}")
            groups = range(self._file.num_row_groups)
            rows = [self._file.metadata.row_group(group).num_rows for group in groups]
            self._starts = list(accumulate(rows, initial=0))

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    def place(self, row: int) -> tuple[int, int]:
        """Return the row group of a row, and its index there."""
        group = bisect_right(self._starts, row) - 1
        return group, row - self._starts[group]

    def read_group(self, group: int, columns: Iterable[str]) -> pa.Table:
        """Read some columns of one row group."""
        wanted = list(columns)
        with self._readable():
            self._check(group, set(wanted))
            return self._file.read_row_group(group, columns=wanted, use_threads=False)

    def read(self, columns: Iterable[str] | None = None) -> pa.Table:
        """Read some columns of all rows; by default all."""
        wanted = self._file.schema_arrow.names if columns is None else list(columns)
        with self._readable():
            for group in range(self._file.num_row_groups):
                self._check(group, set(wanted))
            return self._file.read(columns=wanted, use_threads=False)

    def check(self) -> None:
        """Verify the whole shard."""
        with self._readable():
            for block in range(len(self._sums)):
                self._check_block(block)

    def _is(self, entry: ShardEntry) -> bool:
        digest = hashlib.sha256(self._data[_footer(self._data) :]).hexdigest()
        return len(self._data) == entry.bytes and digest == entry.digest

    def _check(self, group: int, columns: set[str]) -> None:
        """Verify the blocks of some columns of a row group."""
        metadata = self._file.metadata.row_group(group)
        blocks: set[int] = set()
        for number in range(metadata.num_columns):
            chunk = metadata.column(number)
            if chunk.path_in_schema.partition(".")[0] in columns:
                start = chunk.data_page_offset
                if chunk.has_dictionary_page:
                    start = min(start, chunk.dictionary_page_offset)
                end = start + chunk.total_compressed_size
                blocks.update(range(start // BLOCK_BYTES, (end - 1) // BLOCK_BYTES + 1))
        for block in blocks:
            self._check_block(block)

    def _check_block(self, block: int) -> None:
        end = min((block + 1) * BLOCK_BYTES, _footer(self._data))
        if zlib.crc32(self._data[block * BLOCK_BYTES : end]) != self._sums[block]:
            raise ValueError(f"wrong checksum near byte {block * BLOCK_BYTES:,}")

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, LookupError, MemoryError, pa.ArrowException) as error:
            raise MienError(f"{self.path}: missing or damaged ({error}); {self._remedy}") from error


def _footer(data: mmap.mmap) -> int:
    """Return where the footer of a Parquet file begins."""
    start = len(data) - _TRAILER - int.from_bytes(data[-_TRAILER : 4 - _TRAILER], "little")
    if data[-4:] != b"PAR1" or start < 4:
        raise ValueError("not a Parquet file, or truncated")
    return start


def drop_damaged(folder: Path, entries: Iterable[ShardEntry] | None, schema: pa.Schema) -> bool:
    """Remove the damaged shards of a folder; tell whether there was none.

    Parameters
    ----------
    folder : Path
        The folder.
    entries : iterable of ShardEntry or None
        The shards that should be there; None: not known, so those that are there are verified.
    schema : pyarrow.Schema
        Of their rows.
    """
    known: dict[Path, ShardEntry | None] = dict.fromkeys(folder.glob("*.parquet"))
    if entries is not None:
        known = {folder / entry.file: entry for entry in entries}
    intact = True
    for path, entry in known.items():
        try:
            Shard(path, schema, entry, remedy="").check()
        except MienError:
            path.unlink(missing_ok=True)
            intact = False
    return intact
