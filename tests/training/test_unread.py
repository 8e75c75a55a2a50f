"""A setting that would change nothing is refused, and the table of who reads what is true."""

from pathlib import Path

import pytest
import torch
import yaml
from mien.models.build import build
from rule import ALBERT_BASE_V2

from mien.errors import MienError
from mien.models import ModelConfig
from mien.tasks import Task
from mien.training import TrainConfig, train
from mien.training.unread import READERS, drop_unread, given, refuse_unread, unread

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))

OTHER = {
    "fold": 3,
    "init_modalities": "a",
    "balance": False,
    "modality_dropout": 0.2,
    "embedding_loss": 0.5,
    "embedding_size": 64,
    "augment": True,
    "max_seconds": 5.0,
    "text_lr_factor": 3.0,
    "freeze_text": True,
    "text_model": "albert-base-v2",
    "text_pooling": "first",
    "text_max_len": 50,
    "front_end": "published",
    "width": 0.5,
    "cnn_dropout": 0.5,
    "trans_dim": 32,
    "trans_nheads": 2,
    "sparse_threshold": 0.7,
    "sparsity": "frames",
    "attention": "published",
    "feature_sizes": (3, 4, 5),
    "standardize": True,
    "audio_feature_type": 2,
    "rnn": "gru",
    "rnn_layers": 2,
    "rnn_hidden": 8,
    "bidirectional": False,
    "rnn_state": "published",
    "trans_nlayers": 1,
    "trans_feedforward": 16,
    "positions": True,
    "dropout": 0.5,
}
"""Another value than the default for every setting that some runs do not read."""

MODELS = [
    {"modalities": "t"},
    {"modalities": "v"},
    {"modalities": "a"},
    {"modalities": "ta", "model": "mme2e-sparse"},
    {"modalities": "tav", "model": "lf-rnn"},
    {"modalities": "v", "model": "lf-rnn"},
    {"modalities": "tav", "model": "lf-transformer"},
]


def settings(**values: object) -> tuple[ModelConfig, TrainConfig]:
    model = {name: value for name, value in values.items() if name in ModelConfig.model_fields}
    rest = {name: value for name, value in values.items() if name not in model}
    return ModelConfig.model_validate(model), TrainConfig.model_validate(rest)


def test_the_table_names_settings_and_this_test_has_a_value_for_each() -> None:
    fields = {**ModelConfig.model_fields, **TrainConfig.model_fields}
    assert set(READERS) == set(OTHER)
    for name, value in OTHER.items():
        assert fields[name].default != value


@pytest.mark.parametrize(
    ("idle", "reader", "told"),
    [
        ({"fold": 3}, {"protocol": "sessions"}, "only --protocol sessions reads it"),
        ({"fold": 3, "protocol": "persons"}, {"protocol": "sessions"}, "--fold"),
        ({"init_modalities": "a"}, {"init": "runs/1"}, "only --init reads it"),
        ({"sparse_threshold": 0.9}, {"model": "mme2e-sparse"}, "--model mme2e-sparse"),
        ({"sparsity": "both"}, {"model": "mme2e-sparse"}, "--sparsity"),
        ({"attention": "published"}, {"model": "mme2e-sparse"}, "--attention"),
        ({"rnn": "gru"}, {"model": "lf-rnn"}, "only --model lf-rnn reads it"),
        ({"rnn": "gru", "model": "lf-transformer"}, {"model": "lf-rnn"}, "--rnn"),
        ({"rnn_hidden": 8}, {"model": "lf-rnn"}, "--rnn-hidden"),
        ({"standardize": True}, {"model": "lf-rnn"}, "--standardize"),
        ({"width": 0.5, "model": "lf-rnn"}, {"model": "mme2e"}, "--width"),
        ({"width": 0.5, "modalities": "t"}, {"modalities": "ta"}, "--width"),
        ({"text_model": "x", "modalities": "av"}, {"modalities": "t"}, "a model of words"),
        ({"text_model": "x", "model": "lf-rnn"}, {"model": "mme2e"}, "a model of words"),
        ({"text_max_len": 9, "modalities": "a"}, {"modalities": "ta"}, "--text-max-len"),
        ({"freeze_text": True, "modalities": "av"}, {"modalities": "tav"}, "--text-freeze"),
        ({"text_lr_factor": 2.0, "freeze_text": True}, {"freeze_text": False}, "that learns"),
        ({"front_end": "published", "modalities": "tv"}, {"modalities": "a"}, "a model of sound"),
        ({"augment": True, "modalities": "t"}, {"modalities": "tv"}, "--augment"),
        ({"modality_dropout": 0.1, "modalities": "a"}, {"modalities": "ta"}, "several modalities"),
        ({"embedding_size": 8}, {"task": "both"}, "the task person or both"),
        ({"embedding_loss": 1.0, "task": "person", "embedding_size": 0}, {"embedding_size": 8}, ""),
        ({"balance": False, "task": "sentiment"}, {"task": "emotion"}, "a task with labels"),
        ({"dropout": 0.5, "model": "lf-rnn"}, {"rnn_layers": 2}, "--rnn-layers 2"),
        ({"audio_feature_type": 1, "model": "lf-rnn", "modalities": "t"}, {"modalities": "a"}, ""),
    ],
)
def test_what_nothing_reads_is_refused_and_who_reads_it_is_said(idle, reader, told) -> None:
    flag = "--" + next(iter(idle)).replace("_", "-")
    with pytest.raises(MienError, match=rf"^{flag} changes nothing here: only ") as raised:
        refuse_unread(*settings(**idle))
    assert told in str(raised.value)
    refuse_unread(*settings(**idle | reader))


def test_defaults_are_no_settings_given_but_a_typed_flag_is() -> None:
    model, config = settings(sparse_threshold=0.5, fold=None, positions=True)
    assert given(model) == {"positions"}
    refuse_unread(model, config)
    with pytest.raises(MienError, match="--sparse-threshold changes nothing"):
        refuse_unread(model, config, {"sparse_threshold"})


@pytest.mark.parametrize("own", MODELS, ids=lambda own: "-".join(own.values()))
def test_a_setting_of_the_model_that_nothing_reads_changes_no_weight(own) -> None:
    tasks = [Task(name="emotion", labels=("happy", "sad"), loss="bce")]
    small = {"width": 0.125, "trans_dim": 16, "trans_nheads": 4, "trans_feedforward": 8}

    def weights(**values: object) -> dict[str, torch.Tensor]:
        config = ModelConfig.model_validate({**small, "trans_nlayers": 2, **own, **values})
        text = ALBERT_BASE_V2 if "t" in config.decoded else None
        torch.manual_seed(0)
        return dict(
            build(config, {task.name: len(task.labels) for task in tasks}, text).state_dict()
        )

    before = weights()
    idle = set(unread(ModelConfig.model_validate(own), TrainConfig())) & {*ModelConfig.model_fields}
    assert idle
    for name in idle:
        after = weights(**{name: OTHER[name]})
        assert after.keys() == before.keys(), name
        assert all(torch.equal(after[key], before[key]) for key in before), name


def test_what_is_left_out_is_told_and_the_rest_stays() -> None:
    model, config = settings(model="lf-rnn", width=0.5, rnn="gru", fold=5, lr=1e-3, task="person")
    left, training, notes = drop_unread(model, config)
    assert (given(left), given(training)) == ({"model", "rnn"}, {"lr", "task"})
    assert sorted(note.partition(" ")[0] for note in notes) == ["fold", "width"]
    refuse_unread(left, training)
    assert drop_unread(left, training) == (left, training, [])


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_has_no_setting_that_nothing_reads(path: Path) -> None:
    content = yaml.safe_load(path.read_text())
    model, config = ModelConfig(**content["model"]), TrainConfig(**content["training"])
    assert drop_unread(model, config)[2] == []


def test_training_refuses_it_before_there_is_a_folder(
    tiny_data: Path, tmp_path: Path, small: ModelConfig
) -> None:
    for number in range(1, 4):
        with pytest.raises(MienError, match="--fold changes nothing here: only --protocol sess"):
            train(tiny_data, tmp_path / "run", small, TrainConfig(fold=number), progress=False)
    assert not (tmp_path / "run").exists()
