"""A small synthetic data set, written straight as shards, and a model small enough for it."""

import json
from pathlib import Path

import numpy as np
import pytest

from mien.dataset.shard import ShardEntry
from mien.dataset.store import SCHEMA_VERSION, write_shard
from mien.models import ModelConfig
from mien.training import TrainConfig
from mien.utterance import RATE, Sample, Utterance

EMOTIONS = ("happy", "sad", "angry")


def synthetic_sample(number: int) -> Sample:
    """Tone, colour and words that depend on emotion and person; some parts are missing."""
    random = np.random.default_rng(number)
    emotion, person = number % 3, number // 3 % 4
    seconds = 0.5 + random.random()
    time = np.arange(int(seconds * RATE)) / RATE
    wave = np.sin(2 * np.pi * (200 + 300 * emotion + 70 * person) * time) * 8000
    faces = random.integers(0, 60, (2 + number % 3, 48, 48, 3))
    faces[..., emotion] += 150
    faces[:, :12, :, :] = 20 * person
    words = ("how lovely", "so very sad", "go away now")[emotion]
    utterance = Utterance(
        id=f"synthetic{number:03d}",
        corpus="synthetic",
        person=f"P{person}",
        session=f"S{person // 2}",
        dialogue=f"S{person // 2}D{number // 12 % 6}",
        emotions=(EMOTIONS[emotion],),
        text=None if number % 7 == 1 else f"{words} {number}",
        synthetic=True,
    )
    has_faces = number % 5 != 2
    return Sample(
        utterance=utterance,
        faces=faces.astype(np.uint8) if has_faces else None,
        face_times=np.arange(len(faces), dtype=np.float32) / 2 if has_faces else None,
        face_found=np.ones(len(faces), bool) if has_faces else None,
        waveform=None
        if number % 11 == 3
        else (wave + random.normal(0, 300, len(wave))).astype("i2"),
    )


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """72 synthetic utterances of 4 persons, 3 emotions and 12 dialogues."""
    folder = tmp_path_factory.mktemp("tiny") / "data"
    folder.mkdir()
    samples = [synthetic_sample(number) for number in range(72)]
    write_shard(folder / "0.parquet", samples)
    shards = [ShardEntry.of(folder / "0.parquet", len(samples)).model_dump()]
    info = {"schema": SCHEMA_VERSION, "corpus": "synthetic", "synthetic": True, "shards": shards}
    (folder / "dataset.json").write_text(json.dumps(info))
    return folder


@pytest.fixture
def small(tiny_text: Path) -> ModelConfig:
    """A model that trains in a second an epoch."""
    return ModelConfig(
        text_model=str(tiny_text),
        width=0.125,
        trans_dim=16,
        trans_nlayers=1,
        trans_nheads=2,
        trans_feedforward=32,
    )


@pytest.fixture
def quick() -> TrainConfig:
    """Settings under which the small model learns the synthetic data."""
    return TrainConfig(protocol="dialogues", loss="ce", lr=2e-3, batch_size=8, epochs=2)
