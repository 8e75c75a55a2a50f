"""A setting that would change nothing is refused, and the table of who reads what is true."""

from pathlib import Path
from typing import Any, Literal

import pytest

from mien.cli.recipe import read_recipe
from mien.errors import MienError
from mien.modality import Modality
from mien.models import ModelConfig, preset
from mien.models.encoders.base import EncoderConfig, Reader
from mien.models.encoders.modality_encoder import ModalityEncoder
from mien.training import TrainConfig, train
from mien.training.unread import READERS, drop_unread, given, refuse_unread

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))

TRAIN = set(TrainConfig.model_fields)


def settings(**values: Any) -> tuple[ModelConfig, TrainConfig]:
    training = {name: value for name, value in values.items() if name in TRAIN}
    rest = {name: value for name, value in values.items() if name not in TRAIN}
    return preset(rest.pop("model", "mme2e"), **rest), TrainConfig.model_validate(training)


def test_the_table_names_settings() -> None:
    assert set(READERS) <= TRAIN | {"embedding_size"}


@pytest.mark.parametrize(
    ("idle", "reader", "told"),
    [
        ({"fold": 3}, {"protocol": "sessions"}, "only a protocol of folds"),
        ({"fold": 3, "protocol": "persons"}, {"protocol": "sessions"}, "fold"),
        ({"init_modalities": "a"}, {"init": "runs/1"}, "only a training with init"),
        ({"text_lr_factor": 2.0, "text_freeze": True}, {"text_freeze": False}, "that learns"),
        ({"augment": True, "modalities": "t"}, {"modalities": "tv"}, "augment"),
        ({"modality_dropout": 0.1, "modalities": "a"}, {"modalities": "ta"}, "several modalities"),
        ({"embedding_size": 8}, {"task": "emotion+person"}, "the task person"),
        ({"embedding_loss": 1.0, "task": "person", "embedding_size": 0}, {"embedding_size": 8}, ""),
        ({"balance": False, "task": "sentiment"}, {"task": "emotion"}, "a task with labels"),
    ],
)
def test_what_nothing_reads_is_refused_and_who_reads_it_is_said(idle, reader, told) -> None:
    name = next(iter(idle))
    with pytest.raises(MienError, match=rf"^{name}: has no effect here: only ") as raised:
        refuse_unread(*settings(**idle))
    assert told in str(raised.value)
    refuse_unread(*settings(**idle | reader))


class OwnConfig(EncoderConfig):
    """Settings of an encoder of somebody else, which can't augment."""

    modalities = (Modality.AUDIO,)
    kind: Literal["own"] = "own"

    def reader(self, modality: Modality, tokenizer: Any = None) -> Reader:
        raise NotImplementedError

    def build(self, modality: Modality, **how: Any) -> ModalityEncoder:
        raise NotImplementedError


def test_the_length_is_read_by_whatever_takes_media_or_features() -> None:
    own = ModelConfig.model_validate({"encoders": {"audio": OwnConfig()}})
    cut = TrainConfig(max_seconds=5.0)
    for model in (own, preset(modalities="v"), preset("lf-rnn", modalities="t")):
        refuse_unread(model, cut)
    with pytest.raises(MienError, match=r"^max_seconds: .* a model of audio or video uses it"):
        refuse_unread(preset(modalities="t"), cut)
    with pytest.raises(MienError, match=r"^augment: has no effect"):
        refuse_unread(own, TrainConfig(augment=True))


def test_tokens_are_counted_where_a_text_encoder_has_them() -> None:
    refuse_unread(preset(modalities="ta"), TrainConfig(group_by="tokens"))
    for model in (preset(modalities="a"), preset("lf-rnn", modalities="t")):
        with pytest.raises(MienError, match=r"^group_by: .* a pretrained text encoder uses it"):
            refuse_unread(model, TrainConfig(group_by="tokens"))


def test_a_setting_of_several_encoders_is_refused_if_none_of_them_uses_it() -> None:
    encoders = {"audio": {"kind": "whisper-tiny.en"}, "video": {"kind": "vgg"}}
    both = ModelConfig.model_validate({"encoders": encoders})
    refuse_unread(both, TrainConfig(), {"temporal_dim"})
    with pytest.raises(MienError, match=r"^audio_temporal_dim: .* only the pooling temporal"):
        refuse_unread(both, TrainConfig(), {"audio_temporal_dim"})
    alone = ModelConfig.model_validate({"encoders": {"audio": encoders["audio"]}})
    with pytest.raises(MienError, match=r"^temporal_dim: "):
        refuse_unread(alone, TrainConfig(), {"temporal_dim"})
    pooled = {"audio": encoders["audio"] | {"pooling": "temporal", "temporal_dim": 32}}
    refuse_unread(ModelConfig.model_validate({"encoders": pooled}), TrainConfig())


def test_settings_of_encoders_without_effect_are_left_out() -> None:
    audio = {"kind": "voice", "layers": 2, "copies": 3, "hidden": 0}
    model = ModelConfig.model_validate({"encoders": {"audio": audio}})
    left, _, notes = drop_unread(model, TrainConfig())
    assert left.encoders[Modality.AUDIO].model_fields_set == {"kind", "model", "hidden"}
    assert sorted(note.partition(" ")[0] for note in notes) == ["audio_copies", "audio_layers"]
    assert drop_unread(left, TrainConfig())[2] == []


def test_defaults_are_no_settings_given_but_a_typed_flag_is() -> None:
    model, config = settings(embedding_size=256, fold=None, lr=1e-3)
    assert (given(model), given(config)) == (set(), {"lr"})
    refuse_unread(model, config)
    with pytest.raises(MienError, match="embedding_size: has no effect"):
        refuse_unread(model, config, {"embedding_size"})


def test_what_is_left_out_is_told_and_the_rest_stays() -> None:
    model, config = settings(model="lf-rnn", rnn="gru", embedding_size=8, fold=5, lr=1e-3)
    left, training, notes = drop_unread(model, config)
    assert left == preset("lf-rnn", rnn="gru")
    assert given(training) == {"lr"}
    assert sorted(note.partition(" ")[0] for note in notes) == ["embedding_size", "fold"]
    refuse_unread(left, training)
    assert drop_unread(left, training) == (left, training, [])


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_has_no_setting_that_nothing_reads(path: Path) -> None:
    content = read_recipe(path)
    model, config = ModelConfig(**content["model"]), TrainConfig(**content["training"])
    assert drop_unread(model, config)[2] == []


def test_training_refuses_it_before_there_is_a_folder(
    tiny_data: Path, tmp_path: Path, small: ModelConfig
) -> None:
    for number in range(1, 4):
        with pytest.raises(MienError, match="fold: has no effect here: only a protocol of f"):
            train(tiny_data, tmp_path / "run", small, TrainConfig(fold=number), progress=False)
    assert not (tmp_path / "run").exists()
