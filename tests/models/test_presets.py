"""Encoders by kind, models by name, and settings by flat names."""

from copy import copy
from typing import Any, Literal

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from mien.batch import Batch, Ragged
from mien.errors import MienError
from mien.modality import Modality
from mien.models import ModelConfig, MultimodalModel, preset
from mien.models.encoders.base import ENCODERS, EncoderConfig, Reader, register_encoder
from mien.models.encoders.modality_encoder import ModalityEncoder
from mien.models.presets import PRESETS, name_of, setting_names

TEXT, AUDIO, VIDEO = Modality


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_its_name_and_comes_back_from_plain_values(name: str) -> None:
    config = preset(name)
    assert name_of(config) == name
    assert ModelConfig.model_validate(config.model_dump(mode="json")) == config


def test_a_shared_setting_goes_to_every_encoder_that_has_it_and_ones_own_before_it() -> None:
    config = preset(width=0.5, video_width=0.25, text_max_len=50, weight_init="published")
    assert (config.encoders[AUDIO].width, config.encoders[VIDEO].width) == (0.5, 0.25)
    assert (config.encoders[TEXT].max_len, config.weight_init) == (50, "published")
    sparse = preset("mme2e-sparse", weight_init="published")
    places = (sparse, sparse.encoders[AUDIO], sparse.encoders[VIDEO])
    assert {place.weight_init for place in places} == {"published"}


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("mme2e", {"widht": 1}, "widht: is not a setting .did you mean width.."),
        ("mme2e", {"modalities": "t", "width": 1}, "width: has no effect here: only an encoder"),
        ("mme2e", {"sparsity": "both"}, "sparsity: has no .* sparse-vgg of audio or video uses"),
        ("mme2e", {"video_spectrogram": "log"}, "video_spectrogram: is not a setting"),
        (
            "lf-rnn",
            {"text_model": "x"},
            "only an encoder transformer of text, pretrained of text uses it",
        ),
        ("lf-rnn", {"temporal_dim": 8}, "temporal_dim: has no effect"),
        ("mme2f", {}, "no model 'mme2f' .did you mean mme2e..; known: mme2e"),
    ],
)
def test_a_setting_without_a_place_is_refused(name: str, settings: dict, message: str) -> None:
    with pytest.raises(MienError, match=message):
        preset(name, **settings)


@pytest.mark.parametrize(
    ("encoders", "place", "message"),
    [
        (
            {"audio": {"kind": "vggg"}},
            "",
            "no audio encoder 'vggg' .did you mean vgg..; choose from",
        ),
        ({"audio": {"widht": 1}}, "audio", "vgg has no setting 'widht' .did you mean width"),
        ({"audio": {"width": 9}}, "audio.width", "less than or equal to 4"),
        ({"adio": {}}, "", "no modality 'adio' .did you mean audio"),
        ({"audio": {"temporal_dim": 10}}, "audio", "10 is not a multiple of temporal_heads 4"),
        ({"audio": {"kind": "rnn"}, "text": {}}, "", "cannot mix"),
        ({"audio": {"kind": "rnn", "dropout": 0.4}}, "audio", "between the layers of an RNN"),
        ({"text": {"kind": "vgg"}}, "", "no text encoder 'vgg'"),
        ({"text": 3}, "", "text encoder must be a section"),
    ],
)
def test_what_is_wrong_in_an_encoder_is_told_with_its_place(encoders, place, message) -> None:
    with pytest.raises(ValidationError, match=message) as raised:
        ModelConfig(encoders=encoders)
    (first, *_) = raised.value.errors()
    assert ".".join(map(str, first["loc"])) == ".".join(filter(None, ("encoders", place)))


class Loudness(Reader):
    """One number for each utterance: how loud it is."""

    def read(self, sample: Any) -> Tensor:
        wave = sample.waveform
        return torch.zeros(0, 1) if wave is None else torch.tensor([[float(abs(wave).mean())]])


class LoudnessEncoder(ModalityEncoder):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layer, self.dim = nn.Linear(1, dim), dim

    def forward(self, ragged: Ragged, guide: Tensor | None = None) -> tuple[Tensor, None]:
        return self.layer(ragged.values), None


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> type[EncoderConfig]:
    """An encoder from elsewhere, known for one test."""
    registry = copy(ENCODERS[AUDIO])
    monkeypatch.setitem(ENCODERS, AUDIO, registry)

    @register_encoder
    class LoudnessConfig(EncoderConfig):
        modalities = (AUDIO,)
        kind: Literal["loudness"] = "loudness"
        loud_dim: int = 4

        def reader(self, modality: Modality, tokenizer: Any = None) -> Reader:
            return Loudness()

        def build(self, modality: Modality, **how: Any) -> ModalityEncoder:
            return LoudnessEncoder(self.loud_dim)

    return LoudnessConfig


def test_an_encoder_from_elsewhere_is_one_class_and_a_decorator(plugin) -> None:
    config = ModelConfig(encoders={"audio": {"kind": "loudness", "loud_dim": 6}})
    assert isinstance(config.encoders[AUDIO], plugin)
    assert ModelConfig.model_validate(config.model_dump(mode="json")) == config
    assert {"loud_dim", "audio_loud_dim"} <= set(setting_names())
    assert name_of(config) == "audio loudness"
    model = MultimodalModel(config, {"emotion": 3})
    output = model(Batch(inputs={AUDIO: Ragged.join([torch.ones(1, 1), torch.zeros(0, 1)])}))
    assert output.logits["emotion"].shape == (2, 3)
    assert output.present[AUDIO].tolist() == [True, False]
    with pytest.raises(MienError, match="'loudness' already"):
        register_encoder(type("Other", (plugin,), {}))


def test_a_frozen_encoder_has_no_gradient_and_stays_in_eval_mode(tiny_text) -> None:
    from mien.models.encoders.text import TextEncoder
    from mien.models.pretrained.text_source import load_config

    encoder = TextEncoder(load_config(str(tiny_text)), freeze=True)
    assert not encoder.training
    assert not encoder.train().training
    assert not any(p.requires_grad for p in encoder.parameters())
    assert list(encoder.pretrained_parameters()) == []
    learning = TextEncoder(load_config(str(tiny_text)))
    assert len(list(learning.pretrained_parameters())) == len(list(learning.parameters()))
