"""A shard is read as it was written, to the bit, or refused."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from samples import sample, store

from mien.dataset.sample_rows import SCHEMA
from mien.dataset.shard import BLOCK_BYTES, Shard, ShardEntry, drop_damaged, shard_writer
from mien.dataset.store import Store, read_shard, write_shard
from mien.errors import MienError
from mien.features.store import SCHEMA as FEATURES
from mien.features.store import write_features
from mien.utterance import Sample, Skipped


def content(data: Store) -> list[object]:
    """All that anybody gets to see of the samples."""
    parts = ("faces", "face_times", "face_found", "waveform")
    rows = []
    for one in data:
        arrays = [getattr(one, part) for part in parts]
        rows.append(
            (one.utterance, [None if a is None else (a.shape, a.tobytes()) for a in arrays])
        )
    return [*rows, data.modalities, data.fingerprint]


def flipped(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Store:
    samples = [sample(i, m, faces=i % 3 + 1, seconds=0.3) for i, m in enumerate(("tav", "av", "t"))]
    return store(tmp_path_factory.mktemp("small") / "data", [*samples, sample(3, "ta", seconds=3)])


def flip(small: Store, folder: Path, count: int) -> tuple[int, int]:
    """Flip a bit at so many places, one after another; count what is refused and what is read."""
    shutil.copytree(small.folder, folder)
    shard = folder / "0.parquet"
    right, good = content(small), shard.read_bytes()
    refused = read = 0
    for bit in np.random.default_rng(0).integers(0, 8 * len(good), count):
        flipped(shard, int(bit))
        try:
            found: object = content(Store(folder))
        except MienError as error:
            found = str(error)
        if isinstance(found, str):
            assert found.startswith(f"{shard}: missing or damaged")
            refused += 1
        else:
            assert found == right, f"bit {bit} gives other samples"
            read += 1
        shard.write_bytes(good)
    return refused, read


def test_a_flipped_bit_is_refused_or_changes_nothing(small: Store, tmp_path: Path) -> None:
    refused, read = flip(small, tmp_path / "copy", 300)
    assert refused + read == 300
    assert refused > 290, "only four bytes of a shard are not looked at: its first"


@pytest.mark.slow
def test_many_flipped_bits_are_refused_or_change_nothing(small: Store, tmp_path: Path) -> None:
    assert sum(flip(small, tmp_path / "copy", 2000)) == 2000


@pytest.mark.parametrize("place", ["page header", "footer"])
def test_what_parquet_does_not_check_itself_is_checked(
    small: Store, tmp_path: Path, place: str
) -> None:
    folder = Path(shutil.copytree(small.folder, tmp_path / "copy"))
    shard = folder / "0.parquet"
    chunk = pq.read_metadata(shard).row_group(0).column(SCHEMA.get_field_index("waveform"))
    start = {"page header": chunk.data_page_offset, "footer": shard.stat().st_size - 300}[place]
    good = shard.read_bytes()
    for bit in range(8 * start, 8 * start + 80):
        flipped(shard, bit)
        with pytest.raises(MienError, match=r"0\.parquet"):
            list(Store(folder))
        shard.write_bytes(good)


def test_a_bit_flipped_while_the_shard_is_open_is_seen(small: Store, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small.folder, tmp_path / "copy"))
    opened = Store(folder)
    assert opened[0].waveform is not None
    assert opened[3].faces is None  # of another shard, so that the first is read again
    where = pq.read_metadata(folder / "0.parquet").row_group(0)
    place = where.column(SCHEMA.get_field_index("waveform")).data_page_offset + 400
    with (folder / "0.parquet").open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))
    with pytest.raises(MienError, match="wrong checksum near byte"):
        opened[0]


def test_every_block_of_a_large_shard_has_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_shard(path, [sample(i, seconds=9) for i in range(8)])
    shard = Shard(path, SCHEMA, remedy="")
    footer = int.from_bytes(path.read_bytes()[-8:-4], "little") + 8
    assert len(shard._sums) == -(-(path.stat().st_size - footer) // BLOCK_BYTES) > 20
    shard.check()
    assert len(shard.read()) == 8
    flipped(path, 8 * 5 * BLOCK_BYTES)
    with pytest.raises(MienError, match=f"near byte {5 * BLOCK_BYTES:,}"):
        Shard(path, SCHEMA, remedy="").check()


def fewer(path: Path) -> None:
    write_shard(path, [sample(0)])


def other_rows(path: Path) -> None:
    write_shard(path, [sample(i + 50) for i in range(2)])


def another_schema(path: Path) -> None:
    with shard_writer(path, FEATURES) as writer:
        writer.write_table(FEATURES.empty_table())


def older_schema(path: Path) -> None:
    older = SCHEMA.remove(SCHEMA.get_field_index("video_rate"))
    with shard_writer(path, older) as writer:
        writer.write_table(older.empty_table())


def of_others(path: Path) -> None:
    pq.write_table(pa.table({"id": ["a", "b"]}), path)


@pytest.mark.parametrize("change", [fewer, other_rows, another_schema, older_schema, of_others])
@pytest.mark.parametrize("known", [True, False])
def test_another_shard_in_the_place_of_one_is_refused(
    small: Store, tmp_path: Path, change: Callable[[Path], None], known: bool
) -> None:
    folder = Path(shutil.copytree(small.folder, tmp_path / "copy"))
    change(folder / "0.parquet")
    with pytest.raises(MienError, match=r"0\.parquet: missing or damaged"):
        _ = Store(folder).index
    if not known and change not in (fewer, other_rows):  # these are sound, if nothing is known
        with pytest.raises(MienError, match=r"0\.parquet: missing or damaged"):
            read_shard(folder / "0.parquet")


def test_the_rows_are_counted(small: Store, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small.folder, tmp_path / "copy"))
    info = json.loads((folder / "dataset.json").read_text())
    info["shards"][0]["samples"] = 3
    (folder / "dataset.json").write_text(json.dumps(info))
    with pytest.raises(MienError, match="2 rows, not 3"):
        _ = Store(folder).index


@pytest.mark.parametrize(
    "change",
    [
        {"file": "../elsewhere.parquet"},
        {"file": "/etc/passwd"},
        {"samples": -1},
        {"samples": True},
        {"samples": "2"},
        {"digest": None},
    ],
    ids=str,
)
def test_a_list_of_shards_that_makes_no_sense(
    small: Store, tmp_path: Path, change: dict[str, object]
) -> None:
    folder = Path(shutil.copytree(small.folder, tmp_path / "copy"))
    info = json.loads((folder / "dataset.json").read_text())
    info["shards"][0] |= change
    (folder / "dataset.json").write_text(json.dumps(info))
    with pytest.raises(MienError, match=r"dataset\.json: damaged"):
        Store(folder)


def test_what_is_damaged_is_removed_to_be_made_again(tmp_path: Path) -> None:
    entries = []
    for number in range(3):
        path = tmp_path / f"{number}.parquet"
        write_shard(path, [sample(number)])
        entries.append(ShardEntry.of(path, 1))
    assert drop_damaged(tmp_path, entries, SCHEMA)
    flipped(tmp_path / "1.parquet", 8000)
    (tmp_path / "2.parquet").unlink()
    assert not drop_damaged(tmp_path, entries, SCHEMA)
    assert [path.name for path in tmp_path.iterdir()] == ["0.parquet"]


def test_features_are_checked_as_well(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_features(path, [("a", 3, {"t": np.arange(6.0).reshape(3, 2)}), ("b", 0, {})])
    entry = ShardEntry.of(path, 2)
    right, good = Shard(path, FEATURES, entry, remedy="").read(), path.read_bytes()
    for bit in np.random.default_rng(0).integers(32, 8 * len(good), 200):
        flipped(path, int(bit))
        with pytest.raises(MienError):
            Shard(path, FEATURES, entry, remedy="").read()
        path.write_bytes(good)
    assert Shard(path, FEATURES, entry, remedy="").read().equals(right)


def test_pages_have_parquets_own_checksums(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_shard(path, [Skipped("b", "why"), replace(sample(0), faces=None, face_times=None)])
    chunk = pq.read_metadata(path).row_group(0).column(SCHEMA.get_field_index("waveform"))
    data = bytearray(path.read_bytes())
    data[chunk.data_page_offset + chunk.total_compressed_size - 20] ^= 1
    path.write_bytes(data)
    with pytest.raises(OSError, match="CRC"):
        pq.ParquetFile(path, page_checksum_verification=True).read(columns=["waveform"])


def test_an_empty_shard_is_intact(tmp_path: Path) -> None:
    none: list[Sample] = []
    write_shard(tmp_path / "a.parquet", none)
    table, skipped = read_shard(tmp_path / "a.parquet", ShardEntry.of(tmp_path / "a.parquet", 0))
    assert (table.num_rows, skipped) == (0, [])
