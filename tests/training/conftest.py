"""A small synthetic data set, written straight as shards, and a model small enough for it."""

from pathlib import Path

import pytest
from samples import SMALL
from training_data import write_data

from mien.models import ModelConfig, preset
from mien.training import TrainConfig


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """72 synthetic utterances of 4 persons, 3 emotions and 12 dialogues."""
    return write_data(tmp_path_factory.mktemp("tiny") / "data")


@pytest.fixture
def small(tiny_text: Path) -> ModelConfig:
    """A model that trains in a second an epoch."""
    return preset(text_model=str(tiny_text), **SMALL)


@pytest.fixture
def quick() -> TrainConfig:
    """Settings under which the small model learns the synthetic data."""
    return TrainConfig(protocol="dialogues", loss="ce", lr=2e-3, batch_size=8, epochs=2)
