"""The published system's commands, as its authors typed them, on the synthetic corpus."""

import argparse
import json
import os
import pickle
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import yaml
from checkpoints import published
from samples import sample, store, tiny_run

from mien.corpora.synthetic import generate
from mien.errors import MienError
from mien.features.extract import extract
from mien.features.store import FeatureStore
from mien.modality import Modality
from mien.models import ModelConfig, MultimodalModel, preset
from mien.models.presets import name_of, setting_names
from mien.published import cli as command
from mien.published.cli import build_parser, main, repair_arguments, settings
from mien.published.data import prepared, use_features
from mien.published.model import model_content
from mien.published.option import MODELS
from mien.published.options import OPTIONS, REPRODUCED
from mien.published.reproduce import (
    DIGESTS,
    PublishedCommand,
    _choose_gpu,
    _compare,
    _train,
    _with_text_model,
)
from mien.runs.run import Run
from mien.training import TrainConfig
from mien.training.checkpoint import remove_state

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "published-code.md"

DENSE = (
    "python main.py -lr=5e-5 -ep=40 -mod=tav -bs=8 --img-interval=500 --early-stop=6 --loss=bce"
    " --cuda=3 --model=mme2e --num-{labels} --trans-dim=64 --trans-nlayers=4 --trans-nheads=4"
    " --text-lr-factor=10 --text-model-size=base --text-max-len=100"
)
SPARSE = (
    "python main.py -lr=5e-5 -ep=40 -mod=tav -bs=2 --img-interval=500 --early-stop=6 --loss=bce"
    " --cuda=3 --model=mme2e_sparse --num-{labels} --trans-dim=64 --trans-nlayers=4"
    " --trans-nheads=4 --text-lr-factor=10 -st=0.8 --text-model-size=base --text-max-len=100"
)
FORK = (
    " --datapath='/some path/with spaces' --dataset='iemocap' --optim='adam' --fusion='early'"
    " --hfc-sizes=[300, 144, 35] --audio-feautre-type=0"
)
RNN = (
    "python main.py -lr=5e-4 -ep=60 -mod=tav -bs=32 --early-stop=8 --loss=bce --cuda=1"
    " --model=lf_rnn --num-emotions=6 --hand-crafted --clip=2"
)
TRANSFORMER = RNN.replace("--cuda=1 --model=lf_rnn", "--cuda=0 --model=lf_transformer")
PERSONS, EMOTIONS = "persons=10", "emotions=6"
PUBLISHED = {
    "dense": DENSE.format(labels=EMOTIONS),
    "sparse": SPARSE.format(labels=EMOTIONS),
    "dense, persons": DENSE.format(labels=PERSONS),
    "sparse, persons": SPARSE.format(labels=PERSONS),
    "dense, fork": DENSE.format(labels=PERSONS) + FORK,
    "sparse, fork": SPARSE.format(labels=PERSONS) + FORK,
    "rnn": RNN,
    "transformer": TRANSFORMER,
}


def typed(line: str) -> list[str]:
    """The words that a shell makes of a command, after `python main.py`."""
    return shlex.split(line)[2:]


def parsed(line: str) -> argparse.Namespace:
    return build_parser().parse_args(repair_arguments(typed(line)))


# What the commands mean


def test_the_options_are_the_ones_users_rely_on() -> None:
    """Adding an option adds a line to published.txt; losing one breaks a published command."""
    shown = {action.dest: action for action in build_parser()._actions}
    lines = [
        " ".join([*action.option_strings, "required" if action.required else ""]).strip()
        for action in shown.values()
    ]
    assert lines == (Path(__file__).parent / "published.txt").read_text().splitlines()


@pytest.mark.parametrize("line", PUBLISHED.values(), ids=PUBLISHED)
def test_a_published_command_gives_valid_settings(line: str) -> None:
    values, _ = settings(parsed(line))
    model, training = model_of(values), TrainConfig(**values["training"])
    assert model.letters == "tav"
    assert (model.fusion, training.optimizer, training.schedule) == ("weighted", "adam", "constant")
    assert training.task == ("person" if "persons" in line else "emotion")
    if "lf_" in line:
        assert (training.lr, training.batch_size, training.clip) == (5e-4, 32, 2.0)
        assert model.hand_crafted
    else:
        assert sizes(model) == (64, 4, 4, 100)
        assert (training.lr, training.early_stop, training.clip) == (5e-5, 6, None)
        assert model.encoders["text"].model == "albert-base-v2"
    if "sparse" in line:
        assert name_of(model) == "mme2e-sparse"
        assert model.encoders["video"].sparse_threshold == 0.8


def model_of(values: dict[str, dict[str, Any]]) -> ModelConfig:
    return ModelConfig.model_validate(model_content(values["model"]))


def sizes(model: ModelConfig) -> tuple[int, ...]:
    """The sizes that a published command sets; those of audio are those of video."""
    text, audio, video = (model.encoders[m] for m in Modality)
    names = ("temporal_dim", "temporal_layers", "temporal_heads")
    assert [getattr(audio, name) for name in names] == [getattr(video, name) for name in names]
    return (*(getattr(video, name) for name in names), text.max_len)


def test_the_defaults_are_the_published_ones() -> None:
    values, notes = settings(parsed("python main.py -bs=8 -lr=1e-4 -ep=3"))
    assert notes == []
    model, training = model_of(values), TrainConfig(**values["training"])
    assert sizes(model) == (512, 2, 8, 300)
    assert (model.encoders["audio"].spectrogram, model.weight_init) == ("published", "published")
    assert training.max_seconds == 86_400, "a day: no limit"
    assert (training.early_stop, training.text_lr_factor, training.loss) == (5, 10, "bce")
    sparse, _ = settings(parsed("python main.py -bs=8 -lr=1e-4 -ep=3 -mo=mme2e_sparse"))
    assert sparse["model"]["sparse_threshold"] == 0.9
    assert sparse["model"]["attention"] == "published"


SETS = {
    "-wd=0.1": {"training.weight_decay": 0.1},
    "-es=3": {"training.early_stop": 3},
    "-cl=2": {"training.clip": 2.0},
    "-cl=-1": {"training.clip": None},
    "-sc": {"training.schedule": "cosine"},
    "--sched": {"training.schedule": "cosine"},
    "-se=7": {"training.seed": 7},
    "--loss=ce": {"training.loss": "ce"},
    "--loss=mse": {"training.loss": "mse"},
    "--optim=sgd": {"training.optimizer": "sgd"},
    "--optim=SGD": {"training.optimizer": "sgd"},
    "--optim=ADAM": {"training.optimizer": "adam"},
    "--optim=RMSprop": {"training.optimizer": "adam"},
    "--text-lr-factor=1": {"training.text_lr_factor": 1},
    "--text-model-size=xlarge": {"model.text_model": "albert-xlarge-v2"},
    "--fusion=concat": {"model.fusion": "concat"},
    "--fusion=Attention": {"model.fusion": "attention"},
    "--fusion=late": {"model.fusion": "weighted"},
    "--fusion=": {"model.fusion": "weighted"},
    "-dr=0.3": {"model.dropout": 0.3},
    "-mod=at": {"model.modalities": "ta"},
    "-mod=TAV": {"model.modalities": "tav"},
    "-mod=Va": {"model.modalities": "av"},
    "-mo=lf_rnn -mod=TA": {"model.modalities": "ta"},
    "-mo=lf_rnn": {"model.feature_sizes": [300, 144, 35]},
    "-mo=lf_rnn --gru": {"model.model": "lf-rnn", "model.rnn": "gru"},
    "-mo=lf_rnn -nl=2 -hs=40": {"model.rnn_layers": 2, "model.rnn_hidden": 40},
    "-mo=lf_rnn -aft=3": {"model.audio_feature_type": 3},
    "-mo=lf_rnn -hfcs 300 74 35": {"model.feature_sizes": [300, 74, 35]},
    "-mo=lf_rnn -hfcs=[300, 74, 35]": {"model.feature_sizes": [300, 74, 35]},
    "-mo=lf_transformer --trans-nl=3": {"model.temporal_layers": 3},
    "--ckpt=x.pt": {"training.init": "x.pt"},
    "--ckpt=x.pt --ckpt-mod=ta -mod=av": {"training.init_modalities": "a"},
    "--ckpt=x.pt --ckpt-mod=TA -mod=av": {"training.init_modalities": "a"},
    "--num-persons=3": {"training.task": "person", "model.embedding_size": 0},
}


@pytest.mark.parametrize(("options", "expected"), SETS.items(), ids=SETS)
def test_an_option_does_what_it_says(options: str, expected: dict[str, object]) -> None:
    values, _ = settings(parsed(f"python main.py -bs=8 -lr=1e-4 -ep=3 {options}"))
    found = {f"{s}.{name}": v for s, part in values.items() for name, v in part.items()}
    assert found | expected == found
    model_of(values)
    TrainConfig(**values["training"])


@pytest.mark.parametrize(
    ("options", "notes"),
    [
        ("--optim=AdaM --fusion=Weighted", []),
        ("--optim=lion", ["--optim=lion: means adam, as it does in the published code"]),
        ("--fusion=x", ["--fusion=x: means weighted, as it does in the published code"]),
        ("--ckpt-mod=a", ["--ckpt-mod has no effect without --ckpt"]),
    ],
)
def test_a_value_that_means_another_says_so(options: str, notes: list[str]) -> None:
    assert settings(parsed(f"python main.py -bs=8 -lr=1e-4 -ep=3 {options}"))[1] == notes


def test_all_modalities_of_a_checkpoint_are_no_choice_among_them() -> None:
    line = "python main.py -bs=8 -lr=1e-4 -ep=3 --ckpt=x.pt --ckpt-mod=tav -mod=ta"
    assert "init_modalities" not in settings(parsed(line))[0]["training"]


USED_BY_KIND = ("num_emotions", "num_persons", "hand_crafted")
"""Options that choose a task, or go without saying."""


def test_every_option_sets_something_says_so_or_is_used_by_the_command() -> None:
    """So that none can be added that is parsed and forgotten."""
    source = Path(command.__file__).read_text()
    model_settings = {"model", "modalities", "feature_sizes", *setting_names()}
    for option in OPTIONS:
        if option.setting:
            section, name = option.setting.split(".")
            known = {"model": model_settings, "training": TrainConfig.model_fields}[section]
            assert name in known, option.flags
        elif option.models and not option.note(True):
            assert f'"{option.name}"' in source or option.name in USED_BY_KIND, option.flags
    known = {f"model.{name}" for name in model_settings}
    assert known | {f"training.{name}" for name in TrainConfig.model_fields} >= set(REPRODUCED)


@pytest.mark.parametrize("model", MODELS)
def test_what_a_model_has_no_use_for_is_accepted_with_a_line(model: str) -> None:
    every = "-st=0.5 --trans-dim=64 --text-max-len=50 -nl=1 --gru --hfc-sizes=[1, 2, 3] -aft=0"
    _, notes = settings(parsed(f"python main.py -bs=8 -lr=1e-4 -ep=3 -mo={model} {every}"))
    silent = {
        "mme2e": {"--trans-dim", "--text-max-len"},
        "mme2e_sparse": {"--trans-dim", "--text-max-len", "--sparse-threshold"},
        "lf_rnn": {"--num-layers", "--gru", "--hfc-sizes", "--audio-feature-type"},
        "lf_transformer": {"--hfc-sizes", "--audio-feature-type"},
    }
    flags = {option.flags[-1] for option in OPTIONS}
    told = {note.split(" has no effect")[0] for note in notes}
    given = {
        *("--sparse-threshold", "--trans-dim", "--text-max-len", "--num-layers", "--gru"),
        *("--hfc-sizes", "--audio-feature-type"),
    }
    assert told <= flags
    assert told == given - silent[model]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-bs=8 -lr=1e-4", "-ep/--epochs"),
        ("-bs=8 -lr=1e-4 -ep=3 --model=mult", "invalid choice: 'mult'"),
        ("-bs=8 -lr=1e-4 -ep=3 --no-such-option", "unrecognized arguments: --no-such-option"),
        ("-bs=8 -lr=1e-4 -ep=3 --num-emotions=6 --num-persons=10", "two tasks"),
        ("-bs=8 -lr=1e-4 -ep=3 --trans-dim=10", "temporal_dim 10 is not a multiple"),
        ("-bs=0 -lr=1e-4 -ep=3", "error: --batch-size: Input should be greater than or equal"),
        ("-bs=8 -lr=0 -ep=3", "error: --learning-rate: Input should be greater than 0"),
        ("-bs=8 -lr=1e-4 -ep=3 -dr=1", "error: --dropout: Input should be less than 1"),
        ("-bs=8 -lr=1e-4 -ep=3 --img-interval=0", "--img-interval must be above 0 milliseconds"),
    ],
)
def test_a_wrong_command_ends_with_status_2(capsys, line: str, message: str) -> None:
    with pytest.raises(SystemExit) as stop:
        main(typed(f"python main.py {line}"))
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_the_manual_has_every_published_command_and_all_its_commands_are_right() -> None:
    text = PAGE.read_text()
    lines = re.findall(r"^(?:MIEN_RECIPE=\S+ )?(python main\.py .*)$", text, re.M)
    assert set(PUBLISHED.values()) <= set(lines)
    for line in lines:
        values, _ = settings(parsed(line))
        model_of(values)
        TrainConfig(**values["training"])


# What is here and what is not


@pytest.mark.parametrize(
    ("count", "visible", "wanted", "chosen", "said"),
    [
        (0, None, "3", None, "there is no GPU here"),
        (1, None, "3", "0", "the GPUs here are 0 to 0"),
        (4, None, "3", "3", ""),
        (2, "5,6", "1", "6", ""),
        (2, "5,6", "2", "5", "the GPUs here are 0 to 1"),
        (2, None, "GPU-x", "0", "the GPUs here are 0 to 1"),
    ],
)
def test_the_gpu_is_the_one_of_that_number_among_those_there_are(
    monkeypatch, capsys, count: int, visible: str | None, wanted: str, chosen: str | None, said: str
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    _choose_gpu(wanted)
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == chosen
    shown = capsys.readouterr().out
    assert said in shown
    assert bool(shown) == bool(said)


def job(**changes: object) -> PublishedCommand:
    model = preset(text_model="albert-base-v2")
    own = {"datapath": Path("data"), "dataset": "iemocap", "frame_interval": 0.5, "model": model}
    return PublishedCommand(**(own | {"training": TrainConfig()} | changes))


def test_without_albert_minilm_takes_its_place_and_a_line_says_so(monkeypatch, capsys) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("mien.published.reproduce.load_config", refuse)
    assert _with_text_model(job()).encoders["text"].model == "minilm"
    assert "albert-base-v2 is not a folder here" in capsys.readouterr().out
    own = preset(text_model="./mine")
    assert _with_text_model(job(model=own)) == own
    wordless = preset(modalities="va")
    assert _with_text_model(job(model=wordless)) == wordless
    assert capsys.readouterr().out == ""


def test_a_checkpoint_decides_on_the_text_encoder(monkeypatch, tmp_path, tiny_text: Path) -> None:
    monkeypatch.setattr("mien.published.reproduce.load_config", refuse)
    with pytest.raises(MienError, match="not here"):
        _with_text_model(job(training=TrainConfig(init="mme2e_tav.pt")))
    run = tiny_run(tmp_path / "run", tiny_text)
    found = _with_text_model(job(training=TrainConfig(init=str(run.folder))))
    assert found.encoders["text"].model == str(tiny_text)


@pytest.mark.parametrize("size", [48, 112])
def test_prepared_data_of_other_face_crops_are_named(tmp_path: Path, capsys, size: int) -> None:
    data = store(tmp_path / "data", [sample(0)])
    data.info |= {"corpus": "iemocap", "frame_interval": 0.5}
    data.face_size = size
    _compare(job(), data)
    shown = capsys.readouterr().out
    assert shown.startswith("the data were prepared with face crops of 112 pixels") == (size == 112)
    assert bool(shown) == (size == 112)


def refuse(name: str) -> None:
    raise MienError(f"{name} is not here")


# The whole way


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_text: Path) -> Path:
    """A folder to give commands in: a synthetic release in `data`, and a recipe of small sizes."""
    folder = tmp_path_factory.mktemp("published")
    generate.write(folder / "data", dialogues=3, turns=2, progress=False)
    (folder / "with spaces").symlink_to(folder / "data")
    own = {**SMALL, "temporal_feedforward": 32}
    encoders = {"audio": own, "video": dict(own), "text": {"model": str(tiny_text)}}
    model = {"encoders": encoders}
    (folder / "small.yaml").write_text(yaml.safe_dump({"model": model, "training": {"epochs": 1}}))
    (folder / "main.py").symlink_to(ROOT / "main.py")
    return folder


@pytest.fixture
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Work there, and give what a shell would make of a command."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("MIEN_RECIPE", "small.yaml")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    return lambda line: typed(line.replace("/some path/with spaces", str(place / "with spaces")))


@pytest.mark.slow
@pytest.mark.parametrize("line", PUBLISHED.values(), ids=PUBLISHED)
def test_a_published_command_prepares_trains_and_prints_a_table(
    here: Callable, place: Path, capsys, line: str
) -> None:
    assert main(here(line)) == 0
    shown = capsys.readouterr().out
    task = "person" if "persons" in line else "emotion"
    assert re.search(r"^MIEN_RECIPE=small.yaml overrides the command: .*width 0.125", shown, re.M)
    assert re.search(r"--cuda=\d: there is no GPU here", shown)
    assert f"{task}, test split, protocol" in shown
    assert "this model" in shown or "average" in shown
    (folder,) = re.findall(r"^the run: (.*)$", shown, re.M)
    run = Run(folder)
    assert json.loads((run.folder / "metrics.json").read_text())["split"] == "test"
    assert len(run.config.tasks[0].labels) == (10 if task == "person" else 6)
    assert run.config.tasks[0].loss == "bce"
    assert set(run.read("thresholds.json")[task]) == set(run.config.tasks[0].labels)


def test_a_run_without_a_finished_epoch_is_named(here: Callable, monkeypatch, capsys) -> None:
    line = f"{PUBLISHED['dense']} --seed=11"

    def stop(*_: object) -> None:
        folder.mkdir(parents=True)
        raise KeyboardInterrupt

    folder = Path("savings") / "begun"
    monkeypatch.setattr("mien.published.reproduce._folder", lambda *_: folder)
    monkeypatch.setattr("mien.published.reproduce.train", stop)
    assert main(here(line)) == 1
    assert "main.py: interrupted" in capsys.readouterr().err
    assert main(here(line)) == 1
    assert "begun by this command and has no finished epoch" in capsys.readouterr().err


def test_a_run_that_could_not_be_judged_is_not_done(
    tmp_path: Path, tiny_text: Path, monkeypatch, capsys
) -> None:
    run = tiny_run(tmp_path / "run", tiny_text)
    run.write(DIGESTS, {})
    monkeypatch.setattr("mien.published.reproduce._digests", lambda *_: {})
    monkeypatch.setattr("mien.published.reproduce._folder", lambda *_: run.folder)
    assert _train(job(), tmp_path, None).folder == run.folder
    shown = capsys.readouterr().out
    assert "this command trained it and failed to evaluate it: it tries again" in shown
    assert "was trained before" not in shown
    run.write("metrics.json", {})
    assert _train(job(), tmp_path, None).folder == run.folder
    assert "was trained before by this command: delete it" in capsys.readouterr().out


@pytest.mark.slow
def test_a_training_that_fails_does_not_count_as_done(
    here: Callable, place: Path, monkeypatch, capsys
) -> None:
    settings = yaml.safe_load((place / "small.yaml").read_text())
    settings["training"] |= {"epochs": 9, "optimizer": "sgd", "lr": 10.0}
    (place / "wild.yaml").write_text(yaml.safe_dump(settings))
    line = here(f"{PUBLISHED['dense']} -mod=a --seed=31")
    monkeypatch.setenv("MIEN_RECIPE", "wild.yaml")
    stopped = r"main\.py: training stopped at epoch \d, .*? is (nan|inf).*?(savings/\S+) keeps"
    found = []
    for said in ("", "training resumes after its last finished epoch"):
        assert main(line) == 1
        shown = capsys.readouterr()
        found.append(re.search(stopped, shown.err))
        assert said in shown.out
        assert "was trained before" not in shown.out
    assert found[0][0] == found[1][0], "the same reason again"
    assert not Path(found[0][2], DIGESTS).exists()


@pytest.mark.slow
def test_a_shell_runs_a_command_word_by_word_and_a_second_time_trains_nothing(
    place: Path, here: Callable
) -> None:
    line = PUBLISHED["sparse, fork"].replace("/some path/with spaces", str(place / "with spaces"))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    settings = {"PATH": path, "MIEN_RECIPE": "small.yaml", "OMP_NUM_THREADS": "1"}
    env = os.environ | settings | {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    for _ in range(2):
        result = subprocess.run(
            ["bash", "-c", line], cwd=place, env=env, capture_output=True, text=True, timeout=300
        )
        assert result.returncode == 0, result.stderr
        assert "--audio-feature-type has no effect" in result.stdout
        assert "person, test split" in result.stdout
    assert "was trained before by this command" in result.stdout


@pytest.mark.slow
def test_valid_and_test_judge_what_the_command_trained_or_a_checkpoint(
    here: Callable, place: Path, capsys
) -> None:
    dense = PUBLISHED["dense"]
    assert main(here(dense)) == 0
    run = re.findall(r"^the run: (.*)$", capsys.readouterr().out, re.M)[0]
    for options, part in (
        ("--valid", "valid"),
        ("--test", "test"),
        (f"--test --ckpt={run}", "test"),
    ):
        assert main(here(f"{dense} {options}")) == 0
        shown = capsys.readouterr().out
        assert f"emotion, {part} split" in shown
        assert f"the run: {run}" in shown
    assert main(here(f"{dense} --seed=5 --test")) == 1
    assert "there is no run in savings that this command trained" in capsys.readouterr().err
    assert main(here(f"{dense} --test --valid")) == 0
    assert re.findall(r"emotion, (\w+) split", capsys.readouterr().out) == ["valid", "test"]
    assert main(here(f"{dense} --seed=5 --ckpt={run} --ckpt-mod=a")) == 0
    assert (
        f"initialised the encoders of audio from {run}, and the heads of emotion"
        in capsys.readouterr().err
    )


SMALL = {"width": 0.125, "temporal_dim": 16, "temporal_layers": 1, "temporal_heads": 2}


def checkpoint(path: Path, seed: int) -> Path:
    """A checkpoint as the published code writes it, of a small model that has learnt nothing."""
    torch.manual_seed(seed)
    own = {"modalities": "va", "audio_spectrogram": "published", "temporal_feedforward": 32}
    return published(MultimodalModel(preset(**SMALL, **own), {"emotion": 6}), path)


def told(shown: str) -> tuple[Path, str]:
    """The run that a command has named, and its tables."""
    (folder,) = re.findall(r"^the run: (.*)$", shown, re.M)
    return Path(folder), shown[shown.index("\nemotion, ") :]


@pytest.mark.slow
def test_the_figures_are_those_of_the_checkpoint_that_is_there_now(
    here: Callable, place: Path, capsys
) -> None:
    line, path = f"{PUBLISHED['dense']} -mod=VA", checkpoint(place / "mme2e_va.pt", seed=0)
    content = path.read_bytes()

    def run(options: str) -> tuple[Path, str]:
        assert main(here(f"{line} {options}")) == 0
        return told(capsys.readouterr().out)

    first, figures = run(f"--test --ckpt={path}")
    assert first.name.startswith("import-mme2e-emotion-av-")
    assert "emotion, test split" in figures
    chosen = Run(first).read("thresholds.json")["emotion"]
    assert set(chosen) == set(Run(first).config.tasks[0].labels)
    checkpoint(path, seed=1)
    second, others = run(f"--test --ckpt={path}")
    assert second != first
    assert others != figures, "of other weights under the same name"
    (place / "copy.pt").write_bytes(content)
    assert run("--test --ckpt=copy.pt") == (first, figures)

    # training that begins with it is a run of its own, and never stands in for it
    path.write_bytes(content)
    tuned, _ = run(f"--ckpt={path}")
    assert not tuned.name.startswith("import-")
    assert (tuned / "log" / "metrics.csv").is_file(), "it has been trained"
    assert run(f"--test --ckpt={path}") == (first, figures)
    checkpoint(path, seed=1)
    assert run(f"--ckpt={path}")[0] != tuned, "it begins with other weights"
    judged, both = run(f"--valid --test --ckpt={tuned}")
    assert judged == tuned
    assert re.findall(r"emotion, (\w+) split", both) == ["valid", "test"]


@pytest.mark.slow
def test_what_was_stopped_goes_on_whatever_was_judged_in_between(
    here: Callable, place: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = f"{PUBLISHED['dense']} -mod=a --seed=21"
    monkeypatch.setattr("mien.training.fit.remove_state", lambda _: None)
    assert main(here(line)) == 0
    run, figures = told(capsys.readouterr().out)
    (run / DIGESTS).unlink()  # as if it had been stopped before its end
    assert main(here(f"{line} --test")) == 0
    shown = capsys.readouterr().out
    assert "not been trained to its end" in shown
    assert "the same command without --test resumes training" in shown
    assert (run / "thresholds.json").is_file()
    assert main(here(line)) == 0
    shown = capsys.readouterr().out
    assert told(shown) == (run, figures)
    assert json.loads((run / DIGESTS).read_text())["checkpoint"] is None
    (run / DIGESTS).unlink()  # stopped when training was over
    remove_state(run)
    assert main(here(line)) == 0
    shown = capsys.readouterr().out
    assert "its training is finished" in shown
    assert told(shown) == (run, figures)


@pytest.mark.slow
def test_what_cannot_be_judged_is_refused_in_one_line(here: Callable, place: Path, capsys) -> None:
    path = checkpoint(place / "six.pt", seed=0)
    persons = PUBLISHED["dense, persons"]
    assert main(here(f"{persons} -mod=va --test --ckpt={path}")) == 1
    assert "does not have the labels" in capsys.readouterr().err
    torch.save({"valid": {"f1": np.float64(0.5)}}, place / "stats.pt")
    (place / "stats.pkl").write_bytes(pickle.dumps({"valid": [0.5]}))
    for name in ("stats.pt", "stats.pkl"):
        assert main(here(f"{PUBLISHED['dense']} --test --ckpt={name}")) == 1
        (message,) = capsys.readouterr().err.splitlines()
        assert message.startswith(f"main.py: {name} is not a checkpoint of tensors only (")
        assert "weights_only" not in message
    assert not list(place.glob("savings/import-*.part"))


# The data as the authors distribute them


def write_processed(root: Path) -> None:
    """Both corpora in the authors' layout: 18 synthetic utterances of IEMOCAP's, 12 of MOSEI's."""
    iemocap, mosei, lists = {}, {}, {"IEMOCAP": [], "MOSEI": []}
    time = np.arange(8000) / 16_000
    for number in range(18):
        name = f"Ses0{number % 3 + 1}F_impro0{number // 9 + 1}_{'FM'[number % 2]}{number:03}"
        label = ("ang", "hap", "sad")[number % 3]
        iemocap[name] = {"label": label, "text": f"Synthetic {label}.", "fps": 30.0, "sr": 16_000}
        place = root / "IEMOCAP_RAW_PROCESSED" / name.rpartition("_")[0] / name
        place.mkdir(parents=True)
        wave = 0.3 * np.sin(2 * np.pi * (300 + 200 * (number % 3)) * time)
        soundfile.write(place / f"audio_{'LR'[number % 2]}.wav", wave, 16_000)
        lists["IEMOCAP"].append(name)
    for number in range(12):
        name, label = f"-synthetic{number}_1", [number % 2, 0, 0, (number + 1) % 2, 0, 0]
        mosei[name] = {"text": ("so angry", "so happy")[number % 2], "label": label}
        (root / "MOSEI_RAW_PROCESSED" / name).mkdir(parents=True)
        lists["MOSEI"].append(name)
    for corpus, meta in (("IEMOCAP", iemocap), ("MOSEI", mosei)):
        (root / f"{corpus}_RAW_PROCESSED" / "meta.pkl").write_bytes(pickle.dumps(meta, 3))
        (root / f"{corpus}_SPLIT").mkdir()
        third = len(lists[corpus]) // 3
        for place, part in enumerate(("train", "valid", "test")):
            names = lists[corpus][place * third : (place + 1) * third]
            text = "\n".join([*names, f"Ses09F_absent_F00{place}"])
            (root / f"{corpus}_SPLIT" / f"{part}_split.txt").write_text(text)


@pytest.mark.slow
def test_the_authors_folder_is_prepared_and_divided_by_its_lists(
    here: Callable, place: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    write_processed(tmp_path / "data")
    (tmp_path / "small.yaml").write_text((place / "small.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    line = PUBLISHED["dense"]
    for options, shares, found in (
        ("-mod=ta", "6 of 6 train, 6 of 6 valid, 6 of 6 test", "happy, sad, angry"),
        ("-mod=t --dataset=mosei", "4 of 4 train, 4 of 4 valid, 4 of 4 test", "happy, angry"),
    ):
        assert main(here(f"{line} {options}")) == 0
        shown, said = capsys.readouterr()
        assert f"protocol given: {shares}" in said
        assert "3 (Ses09F_absent_F000, Ses09F_absent_F001, Ses09F_absent_F002) listed" in shown
        count = len(found.split(", "))
        assert f"--num-emotions=6: the training split has {count}, and the model predicts" in shown
        assert f"these: {found}" in shown


@pytest.mark.slow
def test_persons_are_learnt_from_the_forks_own_data(
    here: Callable, place: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    """Its meta.pkl has a speaker_id, right for half of the utterances, and no label."""
    write_processed(tmp_path / "data")
    path = tmp_path / "data" / "IEMOCAP_RAW_PROCESSED" / "meta.pkl"
    meta = pickle.loads(path.read_bytes())
    for name, entry in meta.items():
        del entry["label"]
        entry |= {"start_time": 1.0, "end_time": 1.5, "speaker_id": name.partition("_")[0]}
    path.write_bytes(pickle.dumps(meta, 3))
    (tmp_path / "small.yaml").write_text((place / "small.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    assert main(here(f"{PUBLISHED['dense, persons']} -mod=ta")) == 0
    shown, said = capsys.readouterr()
    assert "protocol given: 6 of 6 train, 6 of 6 valid, 6 of 6 test" in said
    (folder,) = re.findall(r"^the run: (.*)$", shown, re.M)
    (task,) = Run(folder).config.tasks
    assert task.labels == ("Ses01F", "Ses01M", "Ses02F", "Ses02M", "Ses03F", "Ses03M")
    (skipped,) = tmp_path.glob("savings/data-*/skipped.jsonl")
    assert skipped.read_text().count("note: speaker_id in meta.pkl is") == 9


def test_data_that_have_changed_are_prepared_anew(tmp_path: Path, monkeypatch, capsys) -> None:
    made = []

    def prepare(items: list, out: Path, *, corpus: str, **settings: object) -> str:
        out.mkdir()
        (out / "prepare.json").write_text(json.dumps({"options": settings["options"]}))
        (out / "dataset.json").write_text("{}")
        made.append(out)
        assert settings["face_size"] == 48
        return "prepared"

    def folder(dataset: str = "iemocap", interval: float = 0.5) -> Path:
        found = prepared(root, dataset, interval, savings)
        assert prepared(root, dataset, interval, savings) == found, "what is the same stays"
        return found

    monkeypatch.setattr("mien.published.data.prepare", prepare)
    root, savings = tmp_path / "data", tmp_path / "savings"
    write_processed(root)
    folder()
    assert "before they changed" not in capsys.readouterr().out
    lists, audio = root / "IEMOCAP_SPLIT" / "test_split.txt", "Ses01F_impro01/Ses01F_impro01_F000"
    lists.write_text("\n".join(lists.read_text().split()[1:]))
    folder()
    assert f"{made[0]} was prepared from these data before they changed" in capsys.readouterr().out
    path = root / "IEMOCAP_RAW_PROCESSED" / "meta.pkl"
    meta = pickle.loads(path.read_bytes())
    path.write_bytes(pickle.dumps(meta, 4))
    assert folder() == made[1], "the same entries in another protocol"
    meta["Ses01F_impro01_F000"]["label"] = "sad"
    path.write_bytes(pickle.dumps(meta, 3))
    folder()
    meta["Ses01F_impro01_F777"] = meta["Ses01F_impro01_F000"]
    path.write_bytes(pickle.dumps(meta, 3))
    folder()
    sound = root / "IEMOCAP_RAW_PROCESSED" / audio / "audio_L.wav"
    soundfile.write(sound, np.zeros(4000), 16_000)
    folder()
    folder(interval=0.25)
    folder("mosei")
    assert len(made) == len(set(made)) == 7


def write_mosei_features(folder: Path, ids: list[str], value: float) -> None:
    folder.mkdir(exist_ok=True)
    sizes = {"text": 300, "audio": 74, "vision": 35}
    for number, phase in enumerate(("train", "valid", "test")):
        own = ids[number::3]
        parts = {name: np.full((len(own), 2, size), value) for name, size in sizes.items()}
        content = pickle.dumps({"id": own, **parts})
        (folder / f"mosei_senti_hcf_{phase}.pkl").write_bytes(content)


def test_the_features_are_those_that_lie_there_now(tmp_path: Path, capsys) -> None:
    samples = [sample(number) for number in range(3)]
    data = store(tmp_path / "savings" / "data-1", samples).folder
    published, ids = tmp_path / "MOSEI_HCF_FEATURES", [s.utterance.id for s in samples]

    def sizes() -> dict[str, int]:
        use_features(tmp_path, "mosei", data, 60.0)
        shown, settings = capsys.readouterr().out, FeatureStore(data).settings
        for m, name in (("t", "words"), ("a", "voice"), ("v", "face")):
            assert f"{settings.sizes[m]} features per step ({settings.sources[m]}), of" in shown, (
                name
            )
        return settings.sizes

    own = {"t": 256, "a": 144, "v": 35}
    assert sizes() == own
    write_mosei_features(published, ids, 1.0)
    assert sizes() == {"t": 300, "a": 74, "v": 35}, "they have appeared"
    assert FeatureStore(data)[0].features["a"][0, 0] == 1.0
    write_mosei_features(published, ids, 2.5)
    sizes()
    assert FeatureStore(data)[0].features["a"][0, 0] == 2.5, "they have changed"
    before = (data / "features" / "features.json").stat().st_mtime_ns
    sizes()
    assert (data / "features" / "features.json").stat().st_mtime_ns == before
    rmtree(published)
    assert sizes() == own, "they are gone"


def test_features_that_the_user_made_stay_and_are_named(tmp_path: Path, capsys) -> None:
    data = store(tmp_path / "own", [sample(number) for number in range(3)]).folder
    extract(data, modalities="a", workers=1, progress=False)
    write_mosei_features(data / "MOSEI_HCF_FEATURES", ["synthetic-000"], 1.0)
    use_features(data, "mosei", data, 60.0)
    assert "audio   144 features per step (voice-1), of 3 of 3" in capsys.readouterr().out
    assert FeatureStore(data).settings.sizes == {"a": 144}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--datapath=nowhere", "--datapath=nowhere: no such folder"),
        ("--datapath=.", "holds no data of iemocap that mien knows"),
        ("--dataset=mosei", "holds no data of mosei that mien knows"),
        ("--ckpt=gone.pt", "--ckpt=gone.pt is neither a run folder nor a checkpoint"),
    ],
)
def test_what_is_not_there_is_named(here: Callable, capsys, options: str, message: str) -> None:
    assert main(here(f"{PUBLISHED['dense']} {options}")) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("main.py: ")
    assert message in line
