"""Stored states of frozen networks: they are those of the data, the networks and the settings."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pretrained_models import write_network
from safetensors.torch import load_file, save_file
from samples import sample, store

from mien.dataset.degraded import DegradedStore
from mien.dataset.effect import parse_effect
from mien.dataset.states import StateStore
from mien.dataset.store import Store
from mien.errors import MienError
from mien.inference import states as module
from mien.inference.states import with_states
from mien.modality import Modality
from mien.models import ModelConfig, MultimodalModel
from mien.models.encoders.pretrained import PretrainedEncoder, describe_all

LETTER = Modality.AUDIO.letter


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_network(tmp_path / "source", "hubert")


@pytest.fixture
def data(tmp_path: Path) -> Store:
    """Six utterances in two shards; one has no audio."""
    modalities = ("tav", "ta", "tv", "a", "a", "a")
    return store(tmp_path / "data", [sample(n, m) for n, m in enumerate(modalities)])


def model_of(source: Path, **settings: Any) -> MultimodalModel:
    audio = {"kind": "pretrained", "model": str(source), "copies": 2} | settings
    config = ModelConfig.model_validate({"encoders": {"audio": audio}})
    described = {Modality.AUDIO: describe_all(Modality.AUDIO, str(source))}
    model = MultimodalModel(config, {"emotion": 3}, described)
    model.encoder(Modality.AUDIO).load_pretrained(str(source))
    return model


def stored(data: Store, model: MultimodalModel, seconds: float = 60.0, **options: Any) -> Store:
    return with_states(data, model, seconds, device="cpu", progress=False, **options)


def shards(data: Store) -> dict[str, bytes]:
    """All files of stored states, by their path."""
    folder = data.folder / "states"
    files = sorted(path for path in folder.rglob("*.parquet"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of the clips that go through a network."""
    lengths: list[int] = []
    constant = PretrainedEncoder.constant

    def count(encoder: PretrainedEncoder, steps: torch.Tensor) -> Any:
        lengths.append(len(steps))
        return constant(encoder, steps)

    monkeypatch.setattr(PretrainedEncoder, "constant", count)
    return lengths


def test_each_utterance_has_the_state_of_its_own_media(data: Store, source: Path) -> None:
    model = model_of(source)
    encoder = model.encoder(Modality.AUDIO)
    found = stored(data, model, copies=True)
    assert isinstance(found, StateStore)
    reader = model.config.encoders[Modality.AUDIO].reader(Modality.AUDIO)
    for row in range(6):
        steps = reader.steps(data[row])
        (states,) = found[row].states[LETTER][0]
        if row == 2:
            assert len(steps) == len(states) == 0
            continue
        (expected,) = encoder.constant(steps)
        assert np.array_equal(states, expected.numpy())
        copies = [found[row].states[LETTER][number][0] for number in (1, 2)]
        assert not np.array_equal(copies[0], copies[1])
        assert not np.array_equal(copies[0], states)


def test_nothing_is_computed_twice(data: Store, source: Path, computed: list[int]) -> None:
    stored(data, model_of(source))
    assert len(computed) == 5
    stored(data, model_of(source))
    assert len(computed) == 5
    stored(data, model_of(source), copies=True)
    assert len(computed) == 15
    # another training, with another head, uses the same states
    stored(data, model_of(source, hidden=0, lr_factor=10.0, references=True), copies=True)
    assert len(computed) == 15
    # more copies begin with those that there are
    stored(data, model_of(source, copies=3), copies=True)
    assert len(computed) == 20


@pytest.mark.parametrize(
    "change",
    [
        {"layers": 2},
        {"layer_states": "all"},
        {"pooling": "mean"},
    ],
    ids=str,
)
def test_other_settings_have_other_states(
    change: dict[str, Any], data: Store, source: Path, computed: list[int]
) -> None:
    stored(data, model_of(source))
    stored(data, model_of(source, **change))
    assert len(computed) == 10
    assert len(list((data.folder / "states").iterdir())) == 2


def test_other_weights_and_inputs_have_other_states(
    data: Store, source: Path, computed: list[int]
) -> None:
    stored(data, model_of(source))
    stored(data, model_of(source), 0.5)
    assert len(computed) == 10
    assert max(computed[5:]) == 8_000 < max(computed[:5])
    path = source / "model.safetensors"
    weights = load_file(path)
    name = next(name for name in weights if "q_proj.weight" in name)
    save_file(weights | {name: weights[name] + 1e-3}, path, {"format": "pt"})
    stored(data, model_of(source))
    assert len(computed) == 15
    settings = {"sampling_rate": 16_000, "do_normalize": False}
    (source / "preprocessor_config.json").write_text(json.dumps(settings))
    stored(data, model_of(source))
    assert len(computed) == 20
    assert len(list((data.folder / "states").iterdir())) == 4


def test_degraded_audio_has_states_of_its_own(
    data: Store, source: Path, computed: list[int]
) -> None:
    clean = stored(data, model_of(source))
    for effect in ("white:10", "white:20"):
        noisy = stored(DegradedStore(data.folder, parse_effect(effect)), model_of(source))
        assert not np.array_equal(noisy[0].states[LETTER][0][0], clean[0].states[LETTER][0][0])
    assert len(computed) == 15
    stored(DegradedStore(data.folder, parse_effect("white:10")), model_of(source))
    assert len(computed) == 15


def test_other_data_have_other_states(
    data: Store, source: Path, tmp_path: Path, computed: list[int]
) -> None:
    stored(data, model_of(source))
    other = store(tmp_path / "other", [sample(n + 10, "a") for n in range(6)])
    shutil.copytree(data.folder / "states", other.folder / "states")
    stored(other, model_of(source))
    assert len(computed) == 11
    # the same data elsewhere take their states along
    moved = Store(Path(shutil.copytree(data.folder, tmp_path / "moved")))
    stored(moved, model_of(source))
    assert len(computed) == 11


def test_interrupted_work_goes_on_with_the_next_shard(
    data: Store, source: Path, computed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    states = module._Work._states

    def stop(work: Any, row: int, number: int, device: Any) -> Any:
        if row == 4:
            raise KeyboardInterrupt
        return states(work, row, number, device)

    monkeypatch.setattr(module._Work, "_states", stop)
    with pytest.raises(KeyboardInterrupt):
        stored(data, model_of(source))
    monkeypatch.setattr(module._Work, "_states", states)
    assert [Path(name).name for name in shards(data)] == ["0.parquet"]
    assert not [path for path in data.folder.rglob("*") if path.suffix == ".part"]
    before = len(computed)
    stored(data, model_of(source))
    assert len(computed) - before == 3  # the second shard has three utterances
    assert [Path(name).name for name in shards(data)] == ["0.parquet", "1.parquet"]


@pytest.mark.parametrize("size", [0, 100, -60])
def test_a_damaged_shard_is_told_with_the_remedy(size: int, data: Store, source: Path) -> None:
    stored(data, model_of(source))
    (path,) = (data.folder / "states").rglob("1.parquet")
    content = path.read_bytes()
    path.write_bytes(content[:size])
    found = stored(data, model_of(source))
    assert len(found[0].states[LETTER][0][0]) == 1  # the other shard can be read
    with pytest.raises(MienError, match="the states are then computed again") as raised:
        found[5].states[LETTER][0]
    assert f"delete {path.parent.parent}" in str(raised.value)
    shutil.rmtree(path.parent.parent)
    assert len(stored(data, model_of(source))[5].states[LETTER][0][0]) == 1
    assert path.read_bytes() == content


def test_a_flipped_bit_is_noticed(data: Store, source: Path) -> None:
    stored(data, model_of(source))
    (path,) = (data.folder / "states").rglob("1.parquet")
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    with pytest.raises(MienError, match="damaged"):
        stored(data, model_of(source))[5].states[LETTER][0]


def test_states_of_another_width_are_damage(data: Store, source: Path) -> None:
    stored(data, model_of(source))
    stored(data, model_of(source, pooling="mean"))
    files = (data.folder / "states").rglob("0.parquet")
    narrow, wide = sorted(files, key=lambda path: path.stat().st_size)
    wide.write_bytes(narrow.read_bytes())
    with pytest.raises(MienError, match="damaged"):
        stored(data, model_of(source))[0].states[LETTER][0]


def test_deleted_states_are_computed_again(data: Store, source: Path) -> None:
    stored(data, model_of(source))
    before = shards(data)
    shutil.rmtree(data.folder / "states")
    assert Store(data.folder).fingerprint == data.fingerprint
    stored(data, model_of(source))
    assert shards(data) == before


def test_without_space_beside_the_data_states_are_not_stored(
    data: Store, source: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(folder: Path) -> None:
        raise MienError(f"{folder} cannot be written")

    monkeypatch.setattr(module, "check_writable", refuse)
    with caplog.at_level(logging.WARNING):
        assert stored(data, model_of(source)) is data
    assert "the states of frozen networks are not stored" in caplog.text
    monkeypatch.undo()
    stored(data, model_of(source))
    monkeypatch.setattr(module, "check_writable", refuse)
    assert isinstance(stored(data, model_of(source)), StateStore)  # those that are there are read


def test_networks_that_learn_have_no_stored_states(data: Store, source: Path) -> None:
    for settings in ({"freeze": "none"}, {"lora": 2}, {"freeze": 2}, {"pooling": "temporal"}):
        assert stored(data, model_of(source, **settings)) is data
