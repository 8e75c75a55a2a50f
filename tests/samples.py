"""Synthetic utterances, samples, prepared folders and small models for tests, all by seed."""

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from mien.dataset.sample_rows import SCHEMA_VERSION
from mien.dataset.shard import ShardEntry
from mien.dataset.store import Store, write_shard
from mien.modality import Modality
from mien.models import ModelConfig, MultimodalModel, preset
from mien.models.presets import places_of, plain, with_settings
from mien.models.pretrained.source import describe
from mien.models.pretrained.text_source import load_config, load_tokenizer
from mien.runs.config import DataConfig, RunConfig
from mien.runs.run import Run
from mien.tasks import EmotionTask, PersonTask
from mien.utterance import EMOTIONS, NoFace, Sample, Utterance

TEXTS = (
    "I am glad that you came.",
    "No.",
    "Where have you been all this time? We waited for hours, and nobody called.",
    "It does not matter to me, not any more.",
)


SMALL = {
    "width": 0.125,
    "temporal_dim": 16,
    "temporal_layers": 1,
    "temporal_heads": 2,
    "temporal_feedforward": 32,
}
"""Dimensions of CNNs and transformers over time small enough to train in a test."""


def tiny(model: str = "mme2e", modalities: str = "tav", **changes: Any) -> ModelConfig:
    """Dimensions small enough to train in a test."""
    return preset(model, modalities=modalities, **(had(model, modalities, **SMALL) | changes))


def had(model: str, modalities: str, **settings: Any) -> dict[str, Any]:
    """Those of some settings that a model has."""
    content = plain(model, modalities)
    return {name: value for name, value in settings.items() if places_of(content, name)}


def tiny_model(text: Path | None, seed: int = 0, **changes: Any) -> MultimodalModel:
    """A small model of two tasks whose every number matters: no weight at its neutral start."""
    torch.manual_seed(seed)
    config = tiny(**changes)
    pretrained = described(text) if config.text is not None else None
    model = MultimodalModel(config, {"emotion": 3, "person": 4}, pretrained)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name.endswith(("running_mean", ".bias")) or name.startswith("fusion."):
                value.add_(0.1 * torch.randn_like(value))
            elif name.endswith("running_var"):
                value.mul_(1 + 0.2 * torch.rand_like(value))
    return model


def described(text: Path | None) -> dict[Modality, list[dict[str, Any]]]:
    """The text encoder of a folder, as a run describes it."""
    return {Modality.TEXT: [describe(load_config(str(text)))]}


def named(text: Path, changes: dict[str, Any]) -> dict[str, Any]:
    """Add the name of the text encoder to settings of a model that has text."""
    return ({"text_model": str(text)} if "t" in changes.get("modalities", "tav") else {}) | changes


def revised(config: ModelConfig, **settings: Any) -> ModelConfig:
    """A model's settings, but for some by their flat names."""
    return ModelConfig.model_validate(with_settings(config.model_dump(), settings))


TASKS = (
    EmotionTask(labels=("happy", "sad", "angry"), loss="bce"),
    PersonTask(labels=("a", "b", "c", "d"), loss="ce"),
)


class VoiceTask(PersonTask):
    """Who speaks, under another name: a task such as a plugin may have."""

    name: Literal["voice"] = "voice"


def tiny_run(folder: Path, text: Path, no_face: NoFace = "leave-out", **changes: Any) -> Run:
    """A run of a small model that has learnt nothing."""
    config = RunConfig(
        model=tiny(**named(text, changes)),
        tasks=TASKS,
        data=DataConfig(
            path="data", corpus="synthetic", protocol="random", synthetic=True, no_face=no_face
        ),
        training={},
        pretrained=described(text),
    )
    run = Run.create(folder, config, load_tokenizer(str(text)))
    run.write_model(tiny_model(text, **changes))
    return run


def utterance(number: int = 0, **fields: Any) -> Utterance:
    """A labelled utterance without media."""
    own = {
        "id": f"synthetic-{number:03}",
        "corpus": "synthetic",
        "person": f"person-{number % 4}",
        "text": TEXTS[number % len(TEXTS)],
        "emotions": (EMOTIONS[number % 3],),
        "synthetic": True,
    }
    return Utterance(**(own | fields))


def sample(
    number: int = 0, modalities: str = "tav", faces: int = 2, seconds: float = 0.7, **fields: Any
) -> Sample:
    """A sample of noise, different for each number."""
    random = np.random.default_rng(number)
    pictures = random.integers(0, 256, (faces, 48, 48, 3), dtype=np.uint8)
    sound = random.normal(0, 3000, round(seconds * 16_000)).astype(np.int16)
    own = utterance(number, **({} if "t" in modalities else {"text": None}) | fields)
    start = own.start or 0.0
    video = {
        "faces": pictures,
        "face_times": np.array([start + 0.5 * i for i in range(faces)], np.float32),
        "face_found": random.random(faces) < 0.8,
    }
    return Sample(
        utterance=own,
        waveform=sound if "a" in modalities else None,
        **(video if "v" in modalities else {}),
    )


def store(folder: Path, samples: list[Sample]) -> Store:
    """A prepared folder of these samples, in two shards."""
    folder.mkdir(parents=True)
    middle = (len(samples) + 1) // 2
    shards = []
    for name, part in (("0.parquet", samples[:middle]), ("1.parquet", samples[middle:])):
        write_shard(folder / name, part)
        shards.append(ShardEntry.of(folder / name, len(part)).model_dump())
    info = {"schema": SCHEMA_VERSION, "corpus": "synthetic", "synthetic": True, "face_size": 48}
    info["shards"] = shards
    (folder / "dataset.json").write_text(json.dumps(info))
    return Store(folder)
