"""A run names the weights that never learn, with a digest, and takes them from their source."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from samples import revised

from mien.errors import MienError
from mien.inference.evaluate import evaluate
from mien.inference.recognizer import Recognizer
from mien.modality import Modality
from mien.models import ModelConfig
from mien.runs.hub import save
from mien.runs.run import Run
from mien.training import TrainConfig, train
from mien.training.module import Learner

PART = "encoders.text.encoder."


@pytest.fixture
def source(tiny_text: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_text, tmp_path / "source"))


@pytest.fixture
def model(small: ModelConfig, source: Path) -> ModelConfig:
    return revised(small, text_model=str(source), text_freeze=True)


def stored(run: Run, name: str = "model.safetensors") -> set[str]:
    return set(load_file(run.folder / name))


def fit(data: Path, out: Path, model: ModelConfig, config: TrainConfig, **values: object) -> Run:
    config = TrainConfig.model_validate(config.model_dump() | values)
    return train(data, out, model, config, progress=False)


def test_frozen_weights_are_named_and_not_copied(
    tiny_data: Path, tmp_path: Path, model: ModelConfig, quick: TrainConfig, source: Path
) -> None:
    run = fit(tiny_data, tmp_path / "run", model, quick, epochs=1, keep_state=True)
    (modality,) = run.config.frozen
    assert modality is Modality.TEXT
    assert run.config.frozen[modality].name == str(source.resolve())
    assert not [name for name in stored(run) if name.startswith(PART)]
    state = (run.folder / "state" / "last.safetensors").read_bytes()
    assert f"model.{PART}".encode() not in state
    assert b"model.heads." in state
    weights = Run(run.folder).weights()
    pretrained = load_file(source / "model.safetensors")
    taken = {name.removeprefix(PART): w for name, w in weights.items() if name.startswith(PART)}
    assert taken
    assert all(torch.equal(weight, pretrained[name]) for name, weight in taken.items())

    learning = revised(model, text_freeze=False)
    copied = fit(tiny_data, tmp_path / "copied", learning, quick, epochs=1)
    assert copied.config.frozen == {}
    assert stored(copied) == set(weights)


def test_of_an_adapted_text_encoder_only_the_adapters_are_stored(
    tiny_data: Path, tmp_path: Path, model: ModelConfig, quick: TrainConfig
) -> None:
    adapted = revised(model, text_lora=2)
    run = fit(tiny_data, tmp_path / "run", adapted, quick, epochs=1)
    kept = {name for name in stored(run) if name.startswith(PART)}
    assert kept
    assert all(".lora_" in name for name in kept)
    weights = Run(run.folder).weights()
    assert any(weights[name].any() for name in kept if ".lora_B" in name), "they have learnt"
    recognizer = Recognizer.from_pretrained(run.folder)
    assert recognizer(text="I am so glad").answers["emotion"].scores


def test_a_resumed_run_takes_them_from_there_again(
    tiny_data: Path, tmp_path: Path, model: ModelConfig, quick: TrainConfig, monkeypatch
) -> None:
    whole = fit(tiny_data, tmp_path / "whole", model, quick, epochs=2)
    start = Learner.on_train_epoch_start

    def die(learner: Learner) -> None:
        if learner.current_epoch == 1:
            raise ZeroDivisionError
        start(learner)

    monkeypatch.setattr(Learner, "on_train_epoch_start", die)
    with pytest.raises(ZeroDivisionError):
        fit(tiny_data, tmp_path / "parts", model, quick, epochs=2)
    monkeypatch.undo()
    parts = train(tiny_data, tmp_path / "parts", resume=True, progress=False)
    ours, theirs = parts.weights(), whole.weights()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_source_that_is_missing_or_another_is_refused_by_name(
    tiny_data: Path, tmp_path: Path, model: ModelConfig, quick: TrainConfig, source: Path
) -> None:
    run = fit(tiny_data, tmp_path / "run", model, quick, epochs=1).folder
    path, named = (
        source / "model.safetensors",
        f"uses frozen text weights from '{source}",
    )
    weights = load_file(path)
    name = next(name for name in weights if name.endswith("dense.weight"))
    save_file(weights | {name: weights[name] + 1e-6}, path, {"format": "pt"})
    with pytest.raises(MienError, match="which have changed since training") as raised:
        evaluate(run, progress=False)
    assert named in str(raised.value)
    narrow = {n: w[:1] if n == name else w for n, w in weights.items()}
    save_file({n: w.contiguous() for n, w in narrow.items()}, path, {"format": "pt"})
    with pytest.raises(MienError, match=f"{run} uses frozen text weights"):
        Run(run).model()
    source.rename(tmp_path / "elsewhere")
    with pytest.raises(MienError, match="which cannot be read: the text encoder") as raised:
        Run(run).model()
    assert named in str(raised.value)


def test_a_copy_to_hand_on_holds_the_weights_of_a_folder_that_nobody_else_has(
    tiny_data: Path, tmp_path: Path, model: ModelConfig, quick: TrainConfig, source: Path
) -> None:
    run = fit(tiny_data, tmp_path / "run", model, quick, epochs=1)
    texts = ["how lovely", "go away now"]
    expected = [Recognizer(run, "cpu")(text=text).answers for text in texts]
    assert expected[0] != expected[1]
    save(run, tmp_path / "copy")
    shutil.rmtree(source)
    copy = Run(tmp_path / "copy")
    assert copy.config.frozen == {}
    assert stored(copy) == set(copy.model().state_dict())
    assert [Recognizer(copy, "cpu")(text=text).answers for text in texts] == expected
    with pytest.raises(MienError, match="which cannot be read"):
        save(run, tmp_path / "late")
    assert not (tmp_path / "late").exists()


def test_weights_from_another_run_are_copied_where_they_have_learnt(
    tiny_data: Path, tmp_path: Path, model: ModelConfig, quick: TrainConfig
) -> None:
    frozen = fit(tiny_data, tmp_path / "frozen", model, quick, epochs=1)
    learnt = fit(tiny_data, tmp_path / "learnt", revised(model, text_freeze=False), quick, epochs=1)
    for begun, named in ((frozen, True), (learnt, False)):
        out = tmp_path / f"from-{begun.folder.name}"
        run = fit(tiny_data, out, model, quick, epochs=1, init=str(begun.folder))
        assert (run.config.frozen == frozen.config.frozen) is named
        before, after = begun.weights(), Run(out).weights()
        assert all(torch.equal(before[n], after[n]) for n in before if n.startswith(PART))
