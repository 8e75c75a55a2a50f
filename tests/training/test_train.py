"""Training as a user does it: it learns, it resumes, it repeats, and it leaves no pickle."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from samples import revised, store

from mien.cli.recipe import read_recipe
from mien.dataset.shard import ShardEntry
from mien.dataset.store import Store, write_shard
from mien.dataset.torch_dataset import BatchDataset
from mien.errors import MienError
from mien.identity.verification import verify_run
from mien.inference.evaluate import evaluate
from mien.models import ModelConfig, preset
from mien.models.pretrained.text_source import load_tokenizer
from mien.runs.data import split_store
from mien.runs.run import Run
from mien.training import TrainConfig, train
from mien.training.datamodule import Loaders
from mien.training.module import Learner


def weights(run: Run) -> dict[str, torch.Tensor]:
    return load_file(run.folder / "model.safetensors")


def assert_same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=0, atol=0, msg=name)


def changed(config: TrainConfig, **values: object) -> TrainConfig:
    return TrainConfig.model_validate(config.model_dump() | values)


@pytest.mark.slow
def test_it_learns_both_tasks_and_beats_chance(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig
) -> None:
    # each of the 12 test utterances counts 0.08: the seeds 0 to 3 give 0.42 to 0.75 for persons
    more = {"modality_loss": 0.5, "modality_dropout": 0.1, "seed": 3}
    config = changed(quick, task="emotion+person", epochs=10, **more)
    run = train(tiny_data, tmp_path / "run", small, config, progress=False)
    metrics = evaluate(run.folder, progress=False)
    emotion, person = (metrics.tasks[t].singlelabel for t in ("emotion", "person"))
    assert emotion.ua > 0.67
    assert person.ua > 0.5
    store = Store(tiny_data)
    silent = sum("a" not in store.modalities[row] for row in split_store(run, store).test)
    heard = evaluate(run.folder, modalities="a", progress=False)
    assert silent > 0
    assert heard.left_out == metrics.left_out + silent
    assert heard.tasks["emotion"].n == metrics.tasks["emotion"].n - silent


def test_a_task_whose_labels_the_data_lack_is_left_out_and_the_other_judged(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig
) -> None:
    run = train(
        tiny_data,
        tmp_path / "run",
        small,
        changed(quick, task="emotion+person", epochs=1),
        progress=False,
    )
    whole = evaluate(run.folder, split="all", progress=False)
    assert (set(whole.tasks), whole.unlabelled) == ({"emotion", "person"}, [])
    for name, without in (("person", {"emotions": None}), ("emotion", {"person": "somebody else"})):
        data = tmp_path / name
        store(
            data, [replace(s, utterance=replace(s.utterance, **without)) for s in Store(tiny_data)]
        )
        found = evaluate(run.folder, data=data, split="all", progress=False)
        assert found.unlabelled == [{"person": "emotion", "emotion": "person"}[name]]
        assert set(found.tasks) == {name}
        for figure in ("ua", "wa"):
            one = getattr(found.tasks[name].singlelabel, figure)
            assert one == pytest.approx(getattr(whole.tasks[name].singlelabel, figure))
    neither, nobody = tmp_path / "neither", {"emotions": None, "person": None}
    store(neither, [replace(s, utterance=replace(s.utterance, **nobody)) for s in Store(tiny_data)])
    with pytest.raises(MienError, match="both a known emotion or person"):
        evaluate(run.folder, data=neither, split="all", progress=False)


def test_the_run_folder_is_whole_and_holds_no_pickle(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig
) -> None:
    run = train(tiny_data, tmp_path / "run", small, changed(quick, loss="bce"), progress=False)
    names = {path.name for path in run.folder.iterdir()}
    expected = {"config.yaml", "model.safetensors", "tokenizer", "thresholds.json"}
    assert names == expected | {"environment.json", "log"}, "state/ goes when training is finished"
    assert set(run.read("thresholds.json")["emotion"]) == set(run.config.tasks[0].labels)
    rows = list(csv.DictReader((run.folder / "log" / "metrics.csv").open()))
    assert [row["epoch"] for row in rows if row["valid/f1"]] == ["0", "1"]
    for path in run.folder.rglob("*"):
        if path.is_file() and not path.name.startswith("events"):
            head = path.read_bytes()[:4]
            assert not head.startswith((b"PK", b"\x80")), f"{path} looks like a pickle"


def test_a_resumed_run_gives_the_numbers_of_an_uninterrupted_one(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig, monkeypatch
) -> None:
    config = changed(quick, epochs=3, augment=True, schedule="cosine", warmup=0.2, clip=1.0)
    config = changed(config, keep_state=True, group_by="tokens")
    whole = train(tiny_data, tmp_path / "whole", small, config, progress=False)

    class Killed(Exception):
        pass

    start = Learner.on_train_epoch_start

    def die(learner: Learner) -> None:
        if learner.current_epoch == 2:
            raise Killed
        start(learner)

    monkeypatch.setattr(Learner, "on_train_epoch_start", die)
    with pytest.raises(Killed):
        train(tiny_data, tmp_path / "parts", small, config, progress=False)
    monkeypatch.undo()
    parts = train(tiny_data, tmp_path / "parts", resume=True, progress=False)

    assert_same(weights(whole), weights(parts))
    assert whole.read("thresholds.json") == parts.read("thresholds.json")
    final = [load_file(r.folder / "state" / "last.safetensors") for r in (whole, parts)]
    assert_same(*final)


def test_a_finished_run_says_how_to_train_longer(
    tiny_data: Path,
    tmp_path: Path,
    small: ModelConfig,
    quick: TrainConfig,
    caplog: pytest.LogCaptureFixture,
) -> None:
    config = changed(quick, epochs=1)
    gone, kept, longer = (
        train(tiny_data, tmp_path / name, small, settings, progress=False)
        for name, settings in (
            ("gone", config),
            ("kept", changed(config, keep_state=True)),
            ("longer", changed(config, keep_state=True, epochs=2)),
        )
    )
    before = (gone.folder / "model.safetensors").read_bytes()
    caplog.clear()
    caplog.set_level("INFO", logger="mien")
    train(tiny_data, gone.folder, resume=True, progress=False)
    said = caplog.text
    assert f"{gone.folder} is finished, and its training state was removed; to train longer" in said
    assert f"start another run with init {gone.folder}" in said
    assert (gone.folder / "model.safetensors").read_bytes() == before

    train(tiny_data, kept.folder, resume=True, progress=False)
    assert "raise epochs or early_stop" in caplog.text
    path = kept.folder / "config.yaml"
    path.write_text(path.read_text().replace("  epochs: 1\n", "  epochs: 2\n"))
    train(tiny_data, kept.folder, resume=True, progress=False)
    assert_same(weights(kept), weights(longer))
    states = [load_file(run.folder / "state" / "last.safetensors") for run in (kept, longer)]
    assert_same(*states)


def test_a_run_resumed_on_data_that_have_moved_remembers_where_they_are(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig
) -> None:
    run = train(tiny_data, tmp_path / "run", small, changed(quick, epochs=1), progress=False)
    before = run.config
    moved = Path(copytree(tiny_data, tmp_path / "moved"))
    train(moved, run.folder, resume=True, progress=False)
    data = before.data.model_copy(update={"path": str(moved)})
    assert Run(run.folder).config == before.model_copy(update={"data": data})
    metrics = evaluate(run.folder, progress=False)
    assert metrics.data == str(moved)
    assert metrics.tasks == evaluate(run.folder, data=tiny_data, progress=False).tasks


def test_a_run_without_a_fingerprint_is_given_one_when_it_is_resumed(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig
) -> None:
    run = train(tiny_data, tmp_path / "run", small, changed(quick, epochs=1), progress=False)
    path = run.folder / "config.yaml"
    whole = path.read_text()
    path.write_text(whole.replace(f"  fingerprint: {run.config.data.fingerprint}\n", ""))
    assert Run(run.folder).config.data.fingerprint is None
    train(tiny_data, run.folder, resume=True, progress=False)
    assert path.read_text() == whole


def test_a_run_is_not_resumed_on_other_data(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig
) -> None:
    run = train(tiny_data, tmp_path / "run", small, changed(quick, epochs=1), progress=False)
    files = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    other = Path(copytree(tiny_data, tmp_path / "other"))
    samples = list(Store(tiny_data))
    write_shard(other / "0.parquet", [*samples[1:], samples[0]])
    entry = ShardEntry.of(other / "0.parquet", len(samples))
    info = Store(tiny_data).info | {"shards": [entry.model_dump()]}
    (other / "dataset.json").write_text(json.dumps(info))
    larger = Path(copytree(tiny_data, tmp_path / "larger"))
    info = Store(tiny_data).info | {"face_size": 112}
    (larger / "dataset.json").write_text(json.dumps(info))
    for data in (other, larger):
        with pytest.raises(MienError, match=r"holds other data than those that .*/run was trained"):
            train(data, run.folder, resume=True, progress=False)
    assert files == {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig
) -> None:
    config = changed(quick, epochs=1)
    first, again = (
        weights(train(tiny_data, tmp_path / name, small, config, progress=False)) for name in "ab"
    )
    assert_same(first, again)
    other = weights(
        train(tiny_data, tmp_path / "c", small, changed(config, seed=1), progress=False)
    )
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.slow
def test_two_processes_train_and_agree_on_validation(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig
) -> None:
    import subprocess
    import sys

    code = "import sys; from mien.cli import main;sys.exit(main(['train', *sys.argv[1:]]))"
    flags = ["--devices", "2", "--epochs", "1", "--protocol", "dialogues", "--loss", "ce"]
    flags += ["--text-model", small.encoders["text"].model, "--width", "0.125"]
    flags += ["--temporal-dim", "16", "--temporal-layers", "1", "--temporal-heads", "2"]
    flags += ["--temporal-feedforward", "32", "--lr", "2e-3"]
    out = tmp_path / "run"
    result = subprocess.run(
        [sys.executable, "-c", code, str(tiny_data), "--out", str(out), *flags],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    *_, last = csv.DictReader((out / "log" / "metrics.csv").open())
    alone = evaluate(out, split="valid", progress=False).tasks["emotion"].singlelabel
    assert float(last["valid/f1"]) == pytest.approx(alone.macro_f1, abs=1e-6)


def test_early_stop_keeps_the_best_epoch(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig, monkeypatch
) -> None:
    figures = iter([0.4, 0.6, 0.5, 0.3, 0.9])
    monkeypatch.setattr("mien.tasks.labels.macro_f1", lambda *_: next(figures))
    kept = []
    monkeypatch.setattr(Run, "write_model", lambda run, model: kept.append(1))
    monkeypatch.setattr(Run, "model", Run.build)
    config = changed(quick, epochs=9, early_stop=2, keep_state=True)
    train(tiny_data, tmp_path / "run", small, config, progress=False)
    assert len(kept) == 2
    train(tiny_data, tmp_path / "run", resume=True, progress=False)
    assert next(figures) == 0.9


def test_a_training_on_validation_keeps_its_last_epoch_and_learns_from_both_splits(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig, monkeypatch
) -> None:
    figures = iter([0.9, 0.5, 0.1])
    monkeypatch.setattr("mien.tasks.labels.macro_f1", lambda *_: next(figures))
    kept: list[int] = []
    monkeypatch.setattr(Run, "write_model", lambda run, model: kept.append(len(csv_rows(run))))
    monkeypatch.setattr(Run, "model", Run.build)
    config = changed(quick, epochs=3, train_on_validation=True)
    run = train(tiny_data, tmp_path / "run", small, config, progress=False)
    assert kept == [0, 1, 2], "each epoch replaces the one before, though its metric is lower"
    parts = split_store(run, Store(tiny_data))
    both = -(-(len(parts.train) + len(parts.valid)) // config.batch_size)
    alone = -(-len(parts.train) // config.batch_size)
    steps = [int(row["step"]) for row in csv_rows(run)]
    assert both > alone
    assert steps[1] - steps[0] == both


def test_thresholds_need_a_validation_that_does_not_train(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig
) -> None:
    several = quick.model_copy(update={"train_on_validation": True, "loss": "bce"})
    with pytest.raises(MienError, match="thresholds of a multi-label task are chosen on"):
        train(tiny_data, tmp_path / "run", small, several, progress=False)
    assert not (tmp_path / "run").exists()


def test_of_epochs_with_the_same_figure_the_first_is_the_best(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig, monkeypatch
) -> None:
    figures = iter([0.4, 0.6, 0.6, 0.6])
    monkeypatch.setattr("mien.tasks.labels.macro_f1", lambda *_: next(figures))
    epochs, write = [], Run.write_model

    def kept(run: Run, model: torch.nn.Module) -> None:
        epochs.append(len(csv_rows(run)))
        write(run, model)

    monkeypatch.setattr(Run, "write_model", kept)
    config = changed(quick, epochs=9, early_stop=2)
    run = train(tiny_data, tmp_path / "run", small, config, progress=False)
    assert epochs == [0, 1], "the second epoch is the best, and the third is no better"
    assert len(csv_rows(run)) == 4, "a tie is not an improvement: training stops two epochs later"


def csv_rows(run: Run) -> list[dict[str, str]]:
    path = run.folder / "log" / "metrics.csv"
    return list(csv.DictReader(path.open())) if path.is_file() else []


@pytest.mark.parametrize("frozen", [True, False])
def test_a_frozen_text_encoder_stays_in_eval_mode_in_every_step(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig, monkeypatch, frozen
) -> None:
    step, modes = Learner.training_step, []

    def watched(learner: Learner, batch, index: int) -> torch.Tensor:
        encoders = learner.model.encoders
        training = {m: {part.training for part in encoders[m].modules()} for m in encoders}
        modes.append((learner.current_epoch, training))
        return step(learner, batch, index)

    monkeypatch.setattr(Learner, "training_step", watched)
    config, small = changed(quick, epochs=2), revised(small, text_freeze=frozen)
    train(tiny_data, tmp_path / "run", small, config, progress=False)
    assert {epoch for epoch, _ in modes} == {0, 1}, "after a validation, too"
    for _, training in modes:
        assert training == {"text": {not frozen}, "video": {True}, "audio": {True}}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"protocol": "sessions"}, "at least three"),
        ({"protocol": "given"}, "which no utterance has"),
    ],
)
def test_what_does_not_fit_is_refused(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig, values, message
) -> None:
    with pytest.raises(MienError, match=message):
        train(tiny_data, tmp_path / "run", small, changed(quick, **values), progress=False)
    assert not (tmp_path / "run").exists()


def test_an_embedding_is_trained_for_strangers_to_come(
    tiny_data: Path, small: ModelConfig, quick: TrainConfig, tmp_path: Path
) -> None:
    config = changed(quick, task="person", protocol="strangers", epochs=1)
    run = train(tiny_data, tmp_path / "run", small, config, progress=False)
    (task,) = run.config.tasks
    result = verify_run(run.folder, split="all", progress=False, resamples=20)
    assert (result.speakers, result.trained) == (4, len(task.labels)) == (4, 3)
    with pytest.raises(MienError, match="for unseen speakers use `mien verification`"):
        evaluate(run.folder, progress=False)


def test_bf16_trains_and_is_not_float32(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig
) -> None:
    small = revised(small, text_freeze=True)
    exact, rough = (
        weights(train(tiny_data, tmp_path / precision, small, config, progress=False))
        for precision in ("32", "bf16")
        for config in [changed(quick, epochs=1, precision=precision)]
    )
    assert all(tensor.isfinite().all() for tensor in rough.values())
    assert {tensor.dtype for tensor in rough.values()} == {t.dtype for t in exact.values()}
    learnt = [name for name in rough if name.startswith("heads.")]
    assert learnt
    assert all(not torch.equal(rough[name], exact[name]) for name in learnt)


@pytest.mark.parametrize("precision", ["bf16", "32"])
def test_the_recipe_for_texts_trains_all_of_the_text_encoder(
    tiny_data: Path, tmp_path: Path, tiny_text: Path, precision: str
) -> None:
    recipe = read_recipe(Path(__file__).parents[2] / "recipes" / "goemotions.yaml")
    model = revised(ModelConfig(**recipe["model"]), text_model=str(tiny_text))
    # decay alone would change the weights
    own = {"protocol": "dialogues", "precision": precision, "weight_decay": 0.0}
    config = TrainConfig(**recipe["training"] | own)
    trained = train(tiny_data, tmp_path / "run", model, config, progress=False).weights()
    pretrained = load_file(tiny_text / "model.safetensors")
    names = [name for name in pretrained if not name.startswith("pooler.")]
    assert names
    for name in names:
        now = trained[f"encoders.text.encoder.{name}"]
        assert (now.dtype, bool(now.isfinite().all())) == (torch.float32, True)
        # attention does not depend on what is added to all keys
        assert name.endswith("key.bias") or not torch.equal(now, pretrained[name]), name


def test_batches_are_grouped_by_the_length_that_the_settings_name(
    tiny_data: Path, tiny_text: Path
) -> None:
    store, model = Store(tiny_data), preset(modalities="t", text_model=str(tiny_text))
    tokenizer = load_tokenizer(str(tiny_text))
    examples = BatchDataset(store, range(12), model.readers(tokenizer), ())
    trainer = SimpleNamespace(
        world_size=1, global_rank=0, strategy=SimpleNamespace(root_device=torch.device("cpu"))
    )
    texts = [store.utterances[row].text or "" for row in range(12)]
    expected = {
        "characters": [len(text) for text in texts],
        "tokens": [len(tokenizer(text)["input_ids"]) if text else 0 for text in texts],
    }
    for group_by, lengths in expected.items():
        loaders = Loaders(examples, examples, TrainConfig(group_by=group_by))
        loaders.trainer = trainer
        assert loaders.train_dataloader().sampler.lengths == lengths
        assert [row for _, batch in loaders.val_dataloader().sampler for row in batch] == [
            *range(12)
        ]


def test_a_frozen_text_encoder_stays_as_it_was(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig, tiny_text: Path
) -> None:
    config, small = changed(quick, epochs=1), revised(small, text_freeze=True)
    trained = train(tiny_data, tmp_path / "run", small, config, progress=False).weights()
    pretrained = load_file(tiny_text / "model.safetensors")
    for name, tensor in pretrained.items():
        if not name.startswith("pooler."):
            assert torch.equal(tensor, trained[f"encoders.text.encoder.{name}"]), name
