"""The two-phase baselines train as any model does, on the features of synthetic data."""

from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from samples import sample

from mien.dataset.store import Store
from mien.errors import MienError
from mien.features.extract import extract
from mien.features.store import FOLDER, FeatureStore
from mien.inference.evaluate import evaluate
from mien.inference.recognizer import Recognizer
from mien.models import ModelConfig, preset
from mien.models.presets import name_of
from mien.runs.run import Run
from mien.training import TrainConfig, train
from mien.training.module import Learner

QUICK = TrainConfig(protocol="dialogues", loss="ce", lr=2e-3, batch_size=8, epochs=2, clip=2.0)
RNN = preset("lf-rnn", rnn_hidden=16, standardize=True)
TRANSFORMER = preset("lf-transformer", temporal_layers=1, temporal_feedforward=64, standardize=True)


@pytest.fixture(scope="module")
def data(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("baselines") / "data"
    copytree(tiny_data, folder)
    extract(folder, workers=1, progress=False)
    return folder


def changed(**values: object) -> TrainConfig:
    return TrainConfig.model_validate(QUICK.model_dump(exclude_unset=True) | values)


def sizes(run: Run) -> list[int]:
    return [encoder.feature_size for encoder in run.config.model.encoders.values()]


def assert_same_weights(one: Run, other: Run) -> None:
    a, b = (load_file(run.folder / "model.safetensors") for run in (one, other))
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=0, atol=0, msg=name)


@pytest.mark.parametrize("model", [RNN, TRANSFORMER], ids=name_of)
def test_it_learns_both_tasks_and_beats_chance(
    data: Path, tmp_path: Path, model: ModelConfig
) -> None:
    config = changed(task="emotion+person", epochs=20, early_stop=20)
    run = train(data, tmp_path / "run", model, config, progress=False)
    metrics = evaluate(run.folder, progress=False)
    emotion, person = (metrics.tasks[t].singlelabel for t in ("emotion", "person"))
    assert emotion.ua > 0.67
    assert person.ua > 0.5
    assert sizes(run) == [256, 144, 35]
    assert run.config.features == FeatureStore(data).settings
    assert not (run.folder / "tokenizer").exists()


def test_the_same_seed_gives_the_same_training(data: Path, tmp_path: Path) -> None:
    runs = [train(data, tmp_path / str(i), RNN, QUICK, progress=False) for i in range(2)]
    assert_same_weights(*runs)


def test_a_resumed_run_gives_the_numbers_of_an_uninterrupted_one(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = changed(epochs=3)
    whole = train(data, tmp_path / "whole", TRANSFORMER, config, progress=False)
    start = Learner.on_train_epoch_start

    def die(learner: Learner) -> None:
        if learner.current_epoch == 2:
            raise RuntimeError("killed")
        start(learner)

    monkeypatch.setattr(Learner, "on_train_epoch_start", die)
    with pytest.raises(RuntimeError, match="killed"):
        train(data, tmp_path / "cut", TRANSFORMER, config, progress=False)
    monkeypatch.setattr(Learner, "on_train_epoch_start", start)
    resumed = train(data, tmp_path / "cut", resume=True, progress=False)
    assert_same_weights(whole, resumed)


def test_a_resumed_run_wants_its_own_features(data: Path, tmp_path: Path) -> None:
    run = train(data, tmp_path / "run", RNN, QUICK, progress=False)
    other = tmp_path / "data"
    copytree(data, other)
    train(other, run.folder, resume=True, progress=False)
    for path in (other / FOLDER).iterdir():
        path.unlink()
    extract(other, workers=1, max_seconds=0.5, progress=False)
    with pytest.raises(MienError, match="holds other data"):
        train(other, run.folder, resume=True, progress=False)


def test_the_scale_is_learnt_from_the_training_part_alone(data: Path, tmp_path: Path) -> None:
    run = train(data, tmp_path / "run", RNN, QUICK, progress=False)
    from mien.runs.data import split_store

    store = FeatureStore(data)
    voices = [store[row].features.get("a") for row in split_store(run, store).train]
    steps = np.concatenate([voice for voice in voices if voice is not None])
    model = run.model()
    assert model.encoders["audio"].scale.mean.numpy() == pytest.approx(steps.mean(axis=0), abs=1e-3)


def test_words_learn_as_fast_as_the_rest(data: Path, tmp_path: Path) -> None:
    run = train(data, tmp_path / "run", RNN, changed(epochs=1), progress=False)
    assert list(run.model().slow_parameters(10.0)) == []


def test_the_recognizer_extracts_what_training_has_read(data: Path, tmp_path: Path) -> None:
    run = train(data, tmp_path / "run", RNN, QUICK, progress=False)
    recognizer = Recognizer(run, device="cpu")
    raw, features = Store(data), FeatureStore(data)
    for row in range(8):
        fresh, stored = recognizer(raw[row]), recognizer(features[row])
        letters = "".join(modality.letter for modality in fresh.modalities)
        assert fresh.modalities == stored.modalities
        assert letters == raw.modalities[row]
        scores = stored.answers["emotion"].scores
        assert fresh.answers["emotion"].scores == pytest.approx(scores, abs=1e-5)
        assert fresh.warnings == []


def test_settings_that_would_do_nothing_are_refused(data: Path, tmp_path: Path) -> None:
    for name, value in (("augment", True), ("max_seconds", 5.0)):
        with pytest.raises(MienError, match=f"{name.replace('_', '.')}:? has no effect"):
            train(data, tmp_path / "run", RNN, changed(**{name: value}), progress=False)
    assert not (tmp_path / "run").exists()


def test_a_modality_without_features_is_refused(tmp_path: Path, data: Path) -> None:
    other = tmp_path / "data"
    copytree(data, other)
    for path in (other / FOLDER).iterdir():
        path.unlink()
    extract(other, modalities="ta", workers=1, progress=False)
    with pytest.raises(MienError, match="no training utterance has video: choose ta"):
        train(other, tmp_path / "run", RNN, QUICK, progress=False)


@pytest.fixture(scope="module")
def read(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose voices' features came from files, and its words from a GloVe table."""
    folder = tmp_path_factory.mktemp("read")
    copytree(data, folder / "data", ignore=lambda *_: [FOLDER])
    glove, own = folder / "glove.txt", folder / "own"
    words = {word for u in Store(data).utterances for word in (u.text or "").split()}
    glove.write_text("".join(f"{word} {len(word)} {n}.5\n" for n, word in enumerate(sorted(words))))
    own.mkdir()
    for number in range(72):
        voice = np.full((3, 4), number % 3, np.float32)
        np.savez(own / f"synthetic{number:03d}.npz", voice=voice)
    extract(folder / "data", read=own, glove=glove, workers=1, progress=False)
    run = train(folder / "data", folder / "run", RNN, QUICK, progress=False)
    glove.unlink()
    return run


def test_a_run_holds_its_word_vectors(read: Run) -> None:
    assert sizes(read) == [2, 4, 35]
    prediction = Recognizer(read, device="cpu")(text="how lovely")
    assert prediction.modalities == ["text"]


def test_what_came_from_files_is_left_out_of_a_clip_with_a_warning(read: Run) -> None:
    recognizer = Recognizer(read, device="cpu")
    one = sample(0)
    one.face_found[:] = True
    prediction = recognizer(one, text="how lovely")
    assert prediction.modalities == ["text", "video"]
    assert len(prediction.warnings) == 1
    assert "audio left out" in prediction.warnings[0]
    with pytest.raises(MienError, match=r"there is none.*audio left out"):
        recognizer(sample(0, "a"))


def test_evaluation_wants_features_of_the_same_kind(read: Run, data: Path) -> None:
    with pytest.raises(MienError, match="features of another kind"):
        evaluate(read.folder, data=data, progress=False)
