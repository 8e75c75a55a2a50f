import json
import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from mien.dataset.sample_rows import (
    INDEX_COLUMNS,
    SCHEMA,
    SCHEMA_VERSION,
    row_to_utterance,
    sample_to_row,
    utterance_to_row,
)
from mien.dataset.shard import ShardEntry, shard_writer
from mien.dataset.store import Store, read_shard, write_shard
from mien.errors import MienError
from mien.media.crop_codec import encode_crop
from mien.utterance import EMOTIONS, Sample, Skipped, Utterance

FULL = Utterance(
    id="synthetic_1",
    corpus="synthetic",
    person="Ses01F",
    session="Ses01",
    dialogue="Ses01F_impro01",
    start=1.25,
    end=2.5,
    text="Grüße, [LAUGHTER] “you”",
    emotions=("happy", "excited"),
    sentiment=1.5,
    labels={"valence": 2.5, "stance": "für"},
    video=Path("a/b.avi"),
    video_side="left",
    audio=Path("/c/d.wav"),
    audio_channel=1,
    synthetic=True,
    split="train",
    attributes={"level": 2.5, "take": 3, "strong": True, "note": None, "word": "ä"},
)


def sample(number: int, seconds: float = 0.1, faces: int = 2) -> Sample:
    random = np.random.default_rng(number)
    return Sample(
        utterance=replace(FULL, id=f"synthetic_{number}"),
        faces=random.integers(0, 256, (faces, 48, 48, 3), dtype=np.uint8) if faces else None,
        face_times=random.random(faces).astype(np.float32) if faces else None,
        face_found=random.random(faces) > 0.5 if faces else None,
        waveform=random.integers(-32_768, 32_768, round(seconds * 16_000)).astype(np.int16)
        if seconds
        else None,
    )


def assert_same(a: Sample, b: Sample) -> None:
    assert a.utterance == b.utterance
    for part in ("faces", "face_times", "face_found", "waveform"):
        one, other = getattr(a, part), getattr(b, part)
        assert (one is None) == (other is None)
        if one is not None:
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


def make_store(folder: Path, *shards: list[Sample], face_size: object = 48) -> Store:
    folder.mkdir()
    for i, samples in enumerate(shards):
        write_shard(folder / f"{i}.parquet", samples)
    found = [ShardEntry.of(folder / f"{i}.parquet", len(s)) for i, s in enumerate(shards)]
    info = {"schema": SCHEMA_VERSION, "face_size": face_size}
    info["shards"] = [entry.model_dump() for entry in found]
    (folder / "dataset.json").write_text(json.dumps(info))
    return Store(folder)


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    made = [sample(i, seconds=(i * 7 % 30) / 4, faces=i % 6) for i in range(20)]
    made[7] = replace(made[7], utterance=Utterance(id="bare", corpus="synthetic", text=" "))
    return made


@pytest.fixture(scope="module")
def store(samples, tmp_path_factory) -> Store:
    folder = tmp_path_factory.mktemp("store") / "data"
    return make_store(folder, samples[:11], [], samples[11:19], samples[19:])


def test_what_is_written_is_read(store, samples):
    assert len(store) == 20
    assert pq.ParquetFile(store.folder / "0.parquet").num_row_groups > 2
    for number in np.random.default_rng(0).permutation(20):
        assert_same(store[int(number)], samples[number])
    assert_same(store[-1], samples[-1])
    assert [s.utterance.id for s in store] == [s.utterance.id for s in samples]
    with pytest.raises(IndexError):
        store[20]


def test_the_fingerprint_tells_samples_but_not_places(store, samples, tmp_path):
    at = [replace(s, utterance=replace(s.utterance, video=Path("elsewhere"))) for s in samples]
    assert make_store(tmp_path / "moved", at[:3], at[3:]).fingerprint == store.fingerprint
    said = replace(samples[4], utterance=replace(samples[4].utterance, text="No."))
    longer = replace(samples[4], waveform=np.zeros(5, np.int16))
    others = ([*samples[1:], samples[0]], samples[1:], [*samples[:4], said, *samples[5:]])
    for i, other in enumerate([*others, [*samples[:4], longer, *samples[5:]]]):
        assert make_store(tmp_path / str(i), other).fingerprint != store.fingerprint


def test_the_index_has_the_light_columns_in_order(store, samples):
    assert store.index.column_names == INDEX_COLUMNS
    assert store.index["id"].to_pylist() == [s.utterance.id for s in samples]
    assert store.index["num_faces"].to_pylist() == [i % 6 for i in range(20)]
    assert store.utterances == [s.utterance for s in samples]
    assert store.modalities == [s.modalities for s in samples]


def test_samples_may_be_changed_without_changing_the_store(store, samples):
    taken = store[1]
    taken.faces[:] = 0
    taken.waveform[:] = 0
    assert_same(store[1], samples[1])


words = st.none() | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8
)
plain = words | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False)
paths = st.none() | words.map(lambda word: Path(word or "x"))


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        Utterance,
        id=words.map(str),
        corpus=st.just("synthetic"),
        person=words,
        start=st.none() | st.floats(allow_nan=False),
        text=words,
        emotions=st.none() | st.lists(st.sampled_from(EMOTIONS)).map(tuple),
        video=paths,
        audio=paths,
        audio_channel=st.none() | st.integers(0, 7),
        synthetic=st.booleans(),
        attributes=st.dictionaries(words.map(str), plain, max_size=3),
    )
)
def test_every_utterance_survives(tmp_path_factory, utterance):
    assert row_to_utterance(utterance_to_row(utterance)) == utterance
    folder = tmp_path_factory.mktemp("survives") / "data"
    assert make_store(folder, [Sample(utterance=utterance)])[0].utterance == utterance


@pytest.mark.parametrize("size", [48, 112])
def test_crops_of_any_size_survive(tmp_path, size):
    crops = np.random.default_rng(0).integers(0, 256, (3, size, size, 3), dtype=np.uint8)
    made = replace(sample(0, faces=3), faces=crops)
    assert_same(make_store(tmp_path / "data", [made], face_size=size)[0], made)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda crops: [crops[0], crops[1][:300]], "a face crop that can't be decoded"),
        (lambda crops: [crops[0], b"pixels"], "a face crop that is not a lossless WebP image"),
        (lambda crops: [crops[0], None], "a face crop that is not a lossless WebP image"),
        (lambda crops: [encode_crop(np.zeros((64, 64, 3), np.uint8))], "64 x 64 pixels, not 48"),
        (lambda crops: crops[:1], "1 face crops, not 2"),
        (lambda crops: None, "0 face crops, not 2"),
    ],
)
def test_crops_that_are_not_as_they_were_written_are_damage(tmp_path, monkeypatch, harm, message):
    made = sample_to_row(sample(0))
    harmed = made | {"faces": harm(made["faces"])}
    monkeypatch.setattr("mien.dataset.store.sample_to_row", lambda sample: harmed)
    monkeypatch.setattr("mien.dataset.store.media_bytes", lambda row: 0)
    store = make_store(tmp_path / "data", [sample(0)])
    with pytest.raises(MienError, match=message) as error:
        store[0]
    assert str(error.value).startswith(f"{tmp_path / 'data' / '0.parquet'}: damaged, synthetic_0: ")


@pytest.mark.parametrize("size", [None, "48", 48.0, True, 47, 513])
def test_a_folder_must_name_a_size_of_its_crops(tmp_path, size):
    with pytest.raises(
        MienError, match=r"dataset\.json: damaged, it does not state the size of the face"
    ):
        make_store(tmp_path / "data", [sample(0)], face_size=size)


def test_labelled_none_differs_from_not_labelled(tmp_path):
    kinds = [(), None, ("sad",)]
    made = [Sample(utterance=replace(FULL, emotions=kind)) for kind in kinds]
    store = make_store(tmp_path / "data", made)
    assert [s.utterance.emotions for s in store] == kinds


def test_what_was_skipped_travels_with_the_shard(tmp_path):
    note = Skipped("synthetic_9", "audio: only 1 sample", "ä.wav")
    write_shard(tmp_path / "a.parquet", [note, sample(0)])
    table, skipped = read_shard(tmp_path / "a.parquet")
    assert (table.num_rows, skipped) == (1, [note])


@pytest.mark.parametrize(
    "content", [None, "", "{", "3", '["a"]', '[{"id": "a"}]', '[{"kind": 1}]', "[" * 100_000]
)
def test_a_shard_without_its_list_of_what_was_skipped_is_refused(tmp_path, content):
    path = tmp_path / "a.parquet"
    with shard_writer(path, SCHEMA) as writer:
        writer.write_table(pa.Table.from_pylist([sample_to_row(sample(0))], SCHEMA))
        if content is not None:
            writer.add_key_value_metadata({"skipped": content})
    with pytest.raises(
        MienError, match=r"a\.parquet: damaged, it lacks the list of skipped"
    ) as error:
        read_shard(path)
    assert "delete this file, then run the same 'mien prepare' command again" in str(error.value)


def test_the_schema_names_its_version(store):
    schema = pq.read_schema(store.folder / "0.parquet")
    assert schema.metadata[b"mien_schema"] == str(SCHEMA_VERSION).encode()
    assert schema.equals(SCHEMA)


def test_a_shard_appears_whole_or_not_at_all(tmp_path):
    def half():
        yield sample(0, seconds=60)
        raise KeyError("stop")

    with pytest.raises(KeyError):
        write_shard(tmp_path / "a.parquet", half())
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(MienError, match="can't be written"):
        write_shard(tmp_path / "nowhere" / "a.parquet", [sample(0)])


def numbers_only(batch):
    return [int(s.utterance.id.split("_")[1]) for s in batch], os.getpid()


def test_forked_processes_read_what_is_open_here(store):
    assert store[3].utterance.id == "synthetic_3"  # opened here first
    rows = [i for i in range(20) if i != 7]
    loader = DataLoader(
        _Rows(store, rows),
        batch_size=5,
        num_workers=2,
        collate_fn=numbers_only,
        multiprocessing_context="fork",
    )
    batches = list(loader)
    assert [n for numbers, _ in batches for n in numbers] == rows
    assert os.getpid() not in {pid for _, pid in batches}


class _Rows:
    def __init__(self, store: Store, rows: list[int]) -> None:
        self.store, self.rows = store, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> Sample:
        return self.store[self.rows[place]]


def test_a_pickled_store_is_no_more_than_its_folder(store, samples):
    data = pickle.dumps(store)
    assert len(data) < 500
    assert_same(pickle.loads(data)[5], samples[5])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (None, "no such folder"),
        ({}, "not a prepared folder"),
        ({"notes.txt": "x"}, "not a prepared folder"),
        ({"prepare.json": "{}"}, "not finished; run the same 'mien prepare' command again"),
        ({"dataset.json": '{"schema": 999}'}, "another version of mien .schema 999"),
        ({"dataset.json": "{"}, "damaged"),
    ],
)
def test_what_is_not_a_finished_folder_is_refused(tmp_path, files, message):
    folder = tmp_path / "data"
    if files is not None:
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
    with pytest.raises(MienError, match=message) as error:
        Store(folder)
    assert str(folder) in str(error.value)


@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_a_missing_or_damaged_shard_is_named(store, tmp_path, harm):
    folder = tmp_path / "copy"
    shutil.copytree(store.folder, folder)
    shard = folder / "2.parquet"
    shard.unlink() if harm == "gone" else shard.write_bytes(shard.read_bytes()[:-500])
    with pytest.raises(MienError, match=r"2.parquet: missing or damaged"):
        _ = Store(folder).index
