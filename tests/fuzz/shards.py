"""Prepared folders and the features beside them: what is damaged is refused, never read."""

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from fuzz.cases import Target, digest
from fuzz.mutate import damage, edit_json, edit_text, one_of
from mien.dataset.shard import ShardEntry, shard_writer
from mien.utterance import Sample, Skipped, Utterance

SIZE = 112
"""Edge of a face crop, pixels."""

EXTRA = 20
"""Utterances of words alone, which fill a second shard."""


def _items(corpus: Path) -> Iterator[Utterance | Skipped]:
    """Take three utterances of the synthetic corpus, and some more words."""
    from itertools import islice

    from mien.corpora import CORPORA

    found = (u for u in CORPORA["synthetic"].read(corpus) if isinstance(u, Utterance))
    yield from islice(found, 3)
    for number in range(EXTRA):
        words = f"Synthetic words, number {number}."
        yield Utterance(id=f"words-{number}", corpus="synthetic", text=words, synthetic=True)


def _build(folder: Path) -> None:
    from mien.corpora.synthetic import generate
    from mien.dataset.prepare import prepare

    corpus = folder / "corpus"
    generate.write(corpus, dialogues=1, turns=1, progress=False)
    prepare(_items(corpus), folder / "data", corpus="synthetic", workers=1, progress=False)
    shutil.rmtree(corpus)


def _build_features(folder: Path) -> None:
    from mien.features.extract import extract

    _build(folder)
    extract(folder / "data", workers=1, progress=False)


def _samples(folder: Path, notes: list[str]) -> object:
    from mien.dataset.store import Store

    store = Store(folder / "data")
    found = []
    for number in range(len(store)):
        sample = store[number]
        parts = (sample.faces, sample.face_times, sample.face_found, sample.waveform)
        found.append((sample.utterance, *map(digest, parts)))
    return store.fingerprint, store.modalities, found


def _features(folder: Path, notes: list[str]) -> object:
    from mien.features.store import FeatureStore

    store = FeatureStore(folder / "data")
    samples = [store[number].features for number in range(len(store))]
    return store.modalities, [{m: digest(part) for m, part in s.items()} for s in samples]


def _build_crop(folder: Path) -> None:
    import numpy as np

    from mien.media.crop_codec import encode_crop

    rows, columns = np.mgrid[:SIZE, :SIZE] * 2
    noise = np.random.default_rng(0).integers(0, 9, (SIZE, SIZE))
    pixels = np.stack([rows + noise, columns, rows // 2 + columns // 2], axis=2)
    (folder / "crop.webp").write_bytes(encode_crop(pixels.astype(np.uint8)))


def _crop(folder: Path, notes: list[str]) -> object:
    """Read a crop out of a shard whose checksums are right, as only a program can make it."""
    from mien.dataset import store

    utterance = Utterance(id="a", corpus="synthetic", synthetic=True)
    row = store.sample_to_row(Sample(utterance=utterance))
    row |= {"num_faces": 1, "faces": [(folder / "crop.webp").read_bytes()]}
    with shard_writer(folder / "0.parquet", store.SCHEMA) as writer:
        writer.write_table(pa.Table.from_pylist([row], store.SCHEMA))
        writer.add_key_value_metadata({"skipped": "[]"})
    entry = ShardEntry.of(folder / "0.parquet", 1).model_dump()
    info = {"schema": store.SCHEMA_VERSION, "face_size": SIZE, "shards": [entry]}
    (folder / "dataset.json").write_text(json.dumps(info))
    return digest(store.Store(folder)[0].faces)


def edit_shard(data: bytes, random: Random) -> bytes:
    """Write a shard anew with rows, columns or values that it should not have."""
    table = pq.read_table(io.BytesIO(data))
    name = random.choice(table.column_names)
    at = table.column_names.index(name)
    action = random.randrange(6)
    if action == 0:
        table = table.slice(0, random.randrange(len(table)))
    elif action == 1:
        table = pa.concat_tables([table, table.slice(0, 1)])
    elif action == 2:
        table = table.drop_columns([name])
    elif action == 3:
        table = table.set_column(at, name, pa.nulls(len(table), table.schema.field(name).type))
    elif action == 4:
        table = table.rename_columns([n + "x" if n == name else n for n in table.column_names])
    else:
        order = list(range(len(table)))
        random.shuffle(order)
        table = table.take(order)
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=random.choice((1, 4, 1000)))
    return file.getvalue()


SHARD = one_of(damage, damage, damage, edit_shard)
INFO = one_of(damage, edit_json, edit_text)

TARGETS = {
    "samples": Target(_build, _samples, "data/*.parquet", SHARD, exact=True),
    "features": Target(_build_features, _features, "data/features/*.parquet", SHARD, exact=True),
    "crops": Target(_build_crop, _crop, "crop.webp", damage),
    "dataset.json": Target(_build, _samples, "data/dataset.json", INFO),
    "features.json": Target(_build_features, _features, "data/features/features.json", INFO),
}
"""The targets of this family, by name."""
