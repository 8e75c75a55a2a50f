"""Training with pretrained encoders: what repeats, what is stored, and what is refused."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pretrained_models import write_network, write_whisper
from safetensors.torch import load_file, save_file
from samples import SMALL, store
from training_data import synthetic_sample

from mien.dataset.references import ReferenceChoice
from mien.dataset.speakers import SpeakerRows
from mien.dataset.store import Store
from mien.errors import MienError
from mien.inference.evaluate import evaluate, predict_split
from mien.inference.recognizer import Recognizer
from mien.modality import Modality
from mien.models import ModelConfig
from mien.runs.data import split_store
from mien.runs.hub import save
from mien.runs.run import Run
from mien.training import TrainConfig, train
from mien.training.module import Learner
from mien.utterance import Utterance

PART = "encoders.audio.trunks."


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_network(tmp_path / "source", "hubert")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Synthetic data of 4 persons and 6 dialogues, beside which states are stored."""
    return store(tmp_path / "data", [synthetic_sample(number) for number in range(36)]).folder


def model_of(source: Path | str, **settings: Any) -> ModelConfig:
    audio = {"kind": "pretrained", "model": str(source), "hidden": 8} | settings
    return ModelConfig.model_validate({"encoders": {"audio": audio}})


def fit(data: Path, out: Path, model: ModelConfig, **values: Any) -> Run:
    settings = {"protocol": "dialogues", "loss": "ce", "lr": 2e-3, "epochs": 2} | values
    return train(data, out, model, TrainConfig.model_validate(settings), progress=False)


def same(one: Run, other: Run) -> bool:
    ours, theirs = one.weights(), other.weights()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[n], theirs[n]) for n in ours)


def stored(run: Run) -> set[str]:
    return set(load_file(run.folder / "model.safetensors"))


MODES: list[dict[str, Any]] = [
    {},
    {"references": True, "layer_states": "weighted", "pooling": "mean"},
    {"pooling": "attentive"},
    {"lora": 2},
    {"freeze": 2},
    {"freeze": "none"},
]


@pytest.mark.parametrize("settings", MODES, ids=str)
def test_training_repeats_and_a_resumed_run_equals_an_uninterrupted_one(
    settings: dict[str, Any], data: Path, tmp_path: Path, source: Path, monkeypatch
) -> None:
    model = model_of(source, copies=2, **settings)
    whole = fit(data, tmp_path / "whole", model, augment=True)
    start = Learner.on_train_epoch_start

    def die(learner: Learner) -> None:
        if learner.current_epoch == 1:
            raise ZeroDivisionError
        start(learner)

    monkeypatch.setattr(Learner, "on_train_epoch_start", die)
    with pytest.raises(ZeroDivisionError):
        fit(data, tmp_path / "parts", model, augment=True)
    monkeypatch.undo()
    parts = train(data, tmp_path / "parts", resume=True, progress=False)
    assert same(whole, parts)
    # what was read back predicts as what was trained
    scores = [predict_split(r, progress=False).scores["emotion"] for r in (whole, parts)]
    assert np.array_equal(*scores)
    assert not np.array_equal(scores[0], np.full_like(scores[0], scores[0][0, 0]))


def test_stored_states_do_not_change_training(data: Path, tmp_path: Path, source: Path) -> None:
    whisper = write_whisper(tmp_path / "whisper")
    more: dict[str, Any] = {"references": True, "specaugment": True, "layer_states": "all"}
    model = model_of(f"{source}+{whisper}", copies=2, **more)
    options = {"augment": True, "label_smoothing": 0.1, "mixup": 0.4}
    direct = fit(data, tmp_path / "direct", model, cache=False, **options)
    assert not (data / "states").exists()
    cached = fit(data, tmp_path / "cached", model, **options)
    assert len(list((data / "states").glob("*/copy-*/*.parquet"))) == 2 * (2 + 1)
    assert same(direct, cached)
    for references in (None, "3"):
        predictions = [
            predict_split(run, references=references, progress=False) for run in (direct, cached)
        ]
        assert np.array_equal(*(p.scores["emotion"] for p in predictions))


def test_stored_states_of_several_modalities(data: Path, tmp_path: Path, source: Path) -> None:
    vision = write_network(tmp_path / "vision", "vit")
    encoders = {
        "audio": {"kind": str(source), "hidden": 0, "copies": 1},
        "video": {"kind": str(vision), "copies": 1},
    }
    model = ModelConfig.model_validate({"encoders": encoders})
    runs = [
        fit(data, tmp_path / f"run-{cache}", model, augment=True, cache=cache)
        for cache in (True, False)
    ]
    assert same(*runs)
    assert len(list((data / "states").iterdir())) == 2
    mixed = ModelConfig.model_validate(
        {"encoders": {"audio": {"kind": str(source)}, "video": {"kind": "vgg"} | SMALL}}
    )
    runs = [
        fit(data, tmp_path / f"mixed-{cache}", mixed, augment=True, cache=cache)
        for cache in (True, False)
    ]
    assert same(*runs)


@pytest.mark.slow
def test_processes_that_load_data_read_stored_states(
    data: Path, tmp_path: Path, source: Path
) -> None:
    model = model_of(source, references=True, copies=2)
    alone = fit(data, tmp_path / "alone", model, augment=True)
    shared = fit(data, tmp_path / "shared", model, augment=True, workers=1)
    assert same(alone, shared)


def test_a_frozen_network_is_named_and_not_copied(data: Path, tmp_path: Path, source: Path) -> None:
    run = fit(data, tmp_path / "run", model_of(source), epochs=1, keep_state=True)
    assert run.config.frozen[Modality.AUDIO].name == str(source.resolve())
    assert not [name for name in stored(run) if name.startswith(PART)]
    head = sum(t.numel() for t in load_file(run.folder / "model.safetensors").values())
    assert head < 1_000  # a head of 8 hidden units, and the mean and deviation of states
    assert (run.folder / "model.safetensors").stat().st_size < 10_000
    assert f"model.{PART}".encode() not in (run.folder / "state" / "last.safetensors").read_bytes()


def test_of_an_adapted_network_only_the_adapters_are_stored(
    data: Path, tmp_path: Path, source: Path
) -> None:
    run = fit(data, tmp_path / "run", model_of(source, lora=2), epochs=1)
    kept = {name for name in stored(run) if name.startswith(PART)}
    assert len(kept) == 3 * 2 * 2
    assert all(".lora_" in name for name in kept)
    weights = load_file(run.folder / "model.safetensors")
    assert any(weights[name].any() for name in kept if ".lora_B" in name)  # they have learnt
    assert run.config.frozen[Modality.AUDIO].name == str(source.resolve())
    partly = fit(data, tmp_path / "partly", model_of(source, freeze=2), epochs=1)
    kept = {name for name in stored(partly) if name.startswith(PART)}
    assert kept
    assert all(".encoder.layers.2." in name for name in kept)
    copied = fit(data, tmp_path / "copied", model_of(source, freeze="none"), epochs=1)
    assert copied.config.frozen == {}
    assert stored(copied) == set(copied.weights())


def test_frozen_weights_do_not_change_and_others_do(
    data: Path, tmp_path: Path, source: Path
) -> None:
    pretrained = load_file(source / "model.safetensors")
    for settings, changed in (({"lora": 2}, set()), ({"freeze": 2}, {"2"})):
        run = fit(data, tmp_path / f"run{changed}", model_of(source, **settings), epochs=1)
        weights = {n.replace(".base_layer", ""): w for n, w in run.weights().items()}
        layers = {
            name.split(".")[2]
            for name, weight in pretrained.items()
            if (own := weights.get(f"{PART}0.model.{name}")) is not None
            and not torch.equal(weight, own)
        }
        assert layers == changed


def test_a_source_that_is_missing_or_another_is_refused(
    data: Path, tmp_path: Path, source: Path
) -> None:
    run = fit(data, tmp_path / "run", model_of(source), epochs=1).folder
    path = source / "model.safetensors"
    weights = load_file(path)
    name = next(name for name in weights if "q_proj.weight" in name)
    save_file(weights | {name: weights[name] + 1e-6}, path, {"format": "pt"})
    with pytest.raises(MienError, match="which have changed since training") as raised:
        evaluate(run, progress=False)
    assert f"uses frozen audio weights from '{source}" in str(raised.value)
    assert "restore the original ones" in str(raised.value)
    path.rename(source / "pytorch_model.bin")
    with pytest.raises(MienError, match=r"no model\.safetensors, and mien does not load pickled"):
        Run(run).model()
    shutil.rmtree(source)
    with pytest.raises(MienError, match="which cannot be read: the audio encoder") as raised:
        Run(run).model()
    assert "whisper-tiny.en" in str(raised.value)


def test_pickled_weights_are_refused_with_how_to_convert_them(
    data: Path, tmp_path: Path, source: Path
) -> None:
    (source / "model.safetensors").rename(source / "pytorch_model.bin")
    with pytest.raises(MienError, match="convert them with `python -c") as raised:
        fit(data, tmp_path / "run", model_of(source))
    assert raised.value.parameter == "audio_model"
    assert "preprocessor_config.json" in str(raised.value)


def test_a_copy_to_hand_on_holds_the_weights_of_folders(
    data: Path, tmp_path: Path, source: Path, voice_weights: None
) -> None:
    run = fit(data, tmp_path / "run", model_of(f"voice+{source}"), epochs=1)
    expected = predict_split(run, progress=False).scores["emotion"]
    save(run, tmp_path / "copy")
    shutil.rmtree(source)
    copy = Run(tmp_path / "copy")
    assert copy.config.frozen == {}
    assert str(tmp_path) not in (tmp_path / "copy" / "config.yaml").read_text()
    found = predict_split(copy, data=data, progress=False).scores["emotion"]
    assert np.array_equal(found, expected)


def test_speakers_and_references_are_refused_together(
    data: Path, tmp_path: Path, source: Path
) -> None:
    model = model_of(source, references=True)
    for task in ("person", "emotion+person"):
        with pytest.raises(MienError, match="removes what identifies the speaker") as raised:
            fit(data, tmp_path / "run", model, task=task)
        assert raised.value.parameter == "references"
    assert not (tmp_path / "run").exists()


def test_speakers_keep_their_voice_in_copies(data: Path, tmp_path: Path, source: Path) -> None:
    for task in ("emotion", "person"):
        model = model_of(source, copies=2)
        fit(data, tmp_path / task, model, task=task, loss="ce", augment=True, epochs=1)
    (folder,) = (data / "states").iterdir()
    names = {path.name for path in folder.iterdir()} - {"key.json"}
    assert names == {"copy-0", *(f"copy-{n}{v}-1" for n in (1, 2) for v in ("", "-voice"))}
    key = json.loads((folder / "key.json").read_text())
    assert key["networks"][0]["model_type"] == "hubert"


def test_predictions_do_not_depend_on_the_batch(data: Path, tmp_path: Path, source: Path) -> None:
    run = fit(data, tmp_path / "run", model_of(source, references=True), epochs=1)
    for references in (None, "2"):
        batches = [
            predict_split(run, references=references, batch_size=size, progress=False)
            for size in (1, 5, 64)
        ]
        alone, *others = (found.scores["emotion"] for found in batches)
        assert all(np.allclose(alone, other, atol=1e-6) for other in others)


def test_a_recognizer_predicts_what_evaluation_does(
    data: Path, tmp_path: Path, source: Path
) -> None:
    run = fit(data, tmp_path / "run", model_of(source), epochs=1)
    found, rows = (
        predict_split(run, progress=False),
        {u.id: n for n, u in enumerate(utterances(data))},
    )
    recognizer = Recognizer(run, "cpu")
    labels = run.config.tasks[0].labels
    for place, origin in list(enumerate(found.origins))[:4]:
        waveform = Store(data)[rows[origin.id]].waveform
        prediction = recognizer((waveform, 16_000)).answers["emotion"]
        expected = dict(zip(labels, found.scores["emotion"][place], strict=True))
        assert prediction.scores == pytest.approx(expected, abs=1e-5)


def utterances(data: Path) -> list[Utterance]:
    return list(Store(data).utterances)


def test_references_of_an_evaluation_come_from_its_split(
    data: Path, tmp_path: Path, source: Path, monkeypatch
) -> None:
    run = fit(data, tmp_path / "run", model_of(source, references=True), epochs=1)
    splits = split_store(run, Store(data))
    chosen: list[tuple[int, list[int]]] = []
    rows = ReferenceChoice.rows

    def note(choice: ReferenceChoice, row: int, speakers: SpeakerRows) -> list[int]:
        found = rows(choice, row, speakers)
        chosen.append((row, found))
        return found

    monkeypatch.setattr(ReferenceChoice, "rows", note)
    people = [u.person for u in utterances(data)]
    for name in ("test", "train"):
        chosen.clear()
        predict_split(run, split=name, references="10", progress=False)
        assert any(found for _, found in chosen)
        for row, found in chosen:
            assert set(found) <= set(splits.rows(name)) - {row}
            assert {people[other] for other in found} <= {people[row]}


def test_faces_of_another_size_are_resized(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    vision = write_network(tmp_path / "vision", "vit")
    model = ModelConfig.model_validate({"encoders": {"video": {"kind": str(vision)}}})
    run = fit(data, tmp_path / "run", model, epochs=1)
    run.record_data(run.config.data.model_copy(update={"face_size": 112}))
    with caplog.at_level(logging.WARNING):
        found = predict_split(Run(run.folder), progress=False)
    assert len(found.scores["emotion"]) > 0
    assert "has face crops of 48 pixels, the training had 112: they are resized" in caplog.text
