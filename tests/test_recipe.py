"""Recipes that extend one another, and what flags make of them."""

from argparse import Namespace
from pathlib import Path

import pytest

from mien.cli import build_parser
from mien.cli.model_flags import model_settings
from mien.cli.recipe import MAX_DEPTH, read_recipe
from mien.cli.runs import training_settings
from mien.errors import MienError
from mien.modality import Modality
from mien.models import ModelConfig
from mien.models.presets import name_of
from mien.training import TrainConfig

BASE = """\
about: synthetic
model:
  encoders:
    text: {kind: transformer, max_len: 50}
    audio: {kind: vgg, width: 0.5, spectrogram: published}
    video: {kind: vgg, width: 0.5, positions: true}
training: {lr: 1.0e-3, epochs: 3}
"""


def args(*typed: object) -> Namespace:
    return build_parser().parse_args(["train", "data", "--out", "run", *map(str, typed)])


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path / "base.yaml"


def test_a_recipe_goes_before_the_one_that_it_extends(base: Path) -> None:
    path = base.with_name("own.yaml")
    path.write_text(
        "extends: base.yaml\nmodel:\n  encoders:\n    text: null\n    audio: {width: 0.25}\n"
        "    video: {kind: sparse-vgg, sparsity: both}\ntraining: {epochs: 1}\n"
    )
    content = read_recipe(path)
    assert content["training"] == {"lr": 1e-3, "epochs": 1}
    assert content["model"]["encoders"] == {
        "audio": {"kind": "vgg", "width": 0.25, "spectrogram": "published"},
        "video": {"kind": "sparse-vgg", "sparsity": "both"},
    }
    assert content["about"] == "synthetic"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("extends: own.yaml\n", "which extends this recipe"),
        ("extends: ../base.yaml\n", "is not in the same folder"),
        ("extends: /base.yaml\n", "is not in the same folder"),
        ("extends: gone.yaml\n", r"gone\.yaml can't be read"),
        ("extend: base.yaml\n", "no section 'extend' .did you mean extends."),
        ("extends: [base.yaml]\n", "a recipe has the sections"),
    ],
)
def test_what_can_not_be_extended_is_told(base: Path, content: str, message: str) -> None:
    path = base.with_name("own.yaml")
    path.write_text(content)
    with pytest.raises(MienError, match=message):
        read_recipe(path)


def test_recipes_extend_one_another_to_a_depth(tmp_path: Path) -> None:
    for number in range(MAX_DEPTH + 1):
        after = f"extends: {number + 1}.yaml\n" if number < MAX_DEPTH else "about: the last\n"
        (tmp_path / f"{number}.yaml").write_text(after)
    assert read_recipe(tmp_path / "1.yaml")["about"] == "the last"
    with pytest.raises(MienError, match=f"more than {MAX_DEPTH} recipes"):
        read_recipe(tmp_path / "0.yaml")


def test_flags_go_before_the_recipe(base: Path) -> None:
    config, notes = model_settings(args("--config", base, "--width", 0.25, "--audio-width", 0.125))
    audio, video = config.encoders[Modality.AUDIO], config.encoders[Modality.VIDEO]
    assert (audio.width, audio.spectrogram) == (0.125, "published")
    assert (video.width, video.positions) == (0.25, True)
    assert notes == []


def test_a_protocol_of_the_command_is_taken_where_nobody_names_one(base: Path) -> None:
    def settings(*typed: object) -> TrainConfig:
        return training_settings(args(*typed), "kfold-speakers")[1]

    assert settings("--num-folds", 3).protocol == "kfold-speakers"
    assert settings("--num-folds", 3).num_folds == 3
    assert settings("--protocol", "loso").protocol == "loso"
    base.write_text(BASE.replace("{lr:", "{protocol: persons, lr:"))
    assert settings("--config", base).protocol == "persons"


def test_encoders_can_be_left_out_and_changed(base: Path) -> None:
    config, notes = model_settings(args("--config", base, "--modalities", "ta"))
    assert config.letters == "ta"
    assert notes == ["the video encoder is left out: --modalities ta"]
    config, notes = model_settings(args("--config", base, "--video-encoder", "sparse-vgg"))
    assert config.encoders[Modality.VIDEO].kind == "sparse-vgg"
    assert config.encoders[Modality.VIDEO].positions
    assert (config.encoders[Modality.AUDIO].kind, notes) == ("vgg", [])
    config, notes = model_settings(args("--config", base, "--model", "lf-transformer"))
    assert name_of(config) == "lf-transformer"
    assert config.encoders[Modality.VIDEO].positions
    assert notes == [
        "the text encoder is feature-transformer, which has no max_len",
        "the audio encoder is feature-transformer, which has no width, spectrogram",
        "the video encoder is feature-transformer, which has no width",
    ]


def test_without_a_recipe_there_is_the_preset() -> None:
    assert model_settings(args()) == (ModelConfig(), [])
    config, _ = model_settings(args("--model", "mme2e-sparse", "--audio-encoder", "vgg"))
    assert name_of(config) == "text transformer, audio vgg, video sparse-vgg"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--widht", 1], "unrecognized arguments: --widht 1 (did you mean --width?)"),
        (["--model", "mme2"], "invalid choice: 'mme2' (did you mean mme2e?); choose from mme2e"),
        (["--audio-encoder", "vg"], "(did you mean vgg?)"),
        (["--width", 9], "error: --width: Input should be less than or equal to 4"),
        (["--width", 1, "--video-width", 9], "error: --video-width: Input should be less"),
        (["--fusion", "sum"], "error: --fusion: Input should be 'weighted'"),
        (["--dropout", 2], "error: --dropout: Input should be less than 1"),
        (["--modalities", "xyz"], "--modalities: "),
        (["--modalities", "t", "--audio-encoder", "vgg"], "--modalities leaves audio out"),
        (["--text-encoder", "rnn"], "cannot mix"),
    ],
)
def test_a_wrong_flag_is_told_with_the_right_one(capsys, flags: list, message: str) -> None:
    with pytest.raises(SystemExit) as stop:
        model_settings(args(*flags))
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["--loss", "bce", "--task", "sentiment"], "--loss: the losses of the task sentiment are"),
        (["--lr", "-1"], "--lr: Input should be greater than 0 (given: '-1')"),
        (["--task", "emotoin"], "--task: no task 'emotoin' (did you mean emotion?)"),
    ],
)
def test_a_wrong_setting_of_training_is_told_with_its_flag(
    capsys, base: Path, typed: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        training_settings(args("--config", base, *typed))
    assert stop.value.code == 2
    assert f"error: {message}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("model: {encoders: {audio: {widht: 1}}}\n", "model.encoders.audio: vgg has no setting"),
        ("model: {encoders: {audio: {kind: vggg}}}\n", "did you mean vgg"),
        ("model: {fushion: concat}\n", "did you mean fusion"),
    ],
)
def test_a_wrong_setting_of_a_recipe_is_told_with_its_file(base: Path, content, message) -> None:
    base.write_text(content)
    with pytest.raises(MienError, match=rf"base\.yaml: .*{message}"):
        model_settings(args("--config", base))
    with pytest.raises(MienError, match="sparsity: has no effect here: only an encoder sparse"):
        model_settings(args("--sparsity", "both"))
