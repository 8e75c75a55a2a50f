"""Text encoders whose layers are used: the states are those of transformers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from samples import store
from tokenizers import normalizers
from training_data import synthetic_sample
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    CamembertConfig,
    DebertaConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    MPNetConfig,
    PretrainedConfig,
    RobertaConfig,
    XLMRobertaConfig,
)

from mien.batch import Ragged
from mien.errors import MienError
from mien.inference.evaluate import predict_split
from mien.inference.recognizer import Recognizer
from mien.modality import Modality
from mien.models import ModelConfig
from mien.models.encoders.pretrained import PretrainedEncoder, describe_all
from mien.models.encoders.pretrained_settings import PretrainedTextConfig
from mien.models.encoders.text_reader import TokenReader
from mien.models.pretrained.trunk import FAMILIES
from mien.runs.run import Run
from mien.training import TrainConfig, train

SMALL = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
MODERN = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1}
CONFIGS = [
    BertConfig(**SMALL),
    RobertaConfig(**SMALL, max_position_embeddings=40),
    MPNetConfig(**SMALL),
    ElectraConfig(**SMALL, embedding_size=8),
    DebertaV2Config(**SMALL, relative_attention=True, pos_att_type=["p2c", "c2p"]),
    DebertaConfig(**SMALL, relative_attention=True, pos_att_type=["p2c", "c2p"]),
    XLMRobertaConfig(**SMALL, max_position_embeddings=40),
    CamembertConfig(**SMALL, max_position_embeddings=40),
    DistilBertConfig(vocab_size=50, dim=16, n_layers=3, n_heads=2, hidden_dim=32),
    ModernBertConfig(**SMALL, **MODERN, sep_token_id=2),
]


def test_every_family_is_tested() -> None:
    assert {config.model_type for config in CONFIGS} == set(FAMILIES[Modality.TEXT])


def encoder_of(model: Path, **settings: Any) -> PretrainedEncoder:
    config = PretrainedTextConfig(model=str(model), **settings)
    encoder = config.build(Modality.TEXT, pretrained=describe_all(Modality.TEXT, config.model))
    assert isinstance(encoder, PretrainedEncoder)
    encoder.load_pretrained(config.model)
    return encoder.eval()


def tokens(*lengths: int) -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    return [torch.randint(5, 50, (length,), generator=random) for length in lengths]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.model_type)
def test_the_states_of_the_layers_are_those_of_transformers(
    config: PretrainedConfig, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    AutoModel.from_config(config).save_pretrained(tmp_path)
    whole = AutoModel.from_pretrained(tmp_path).eval()
    (steps,) = tokens(7)
    with torch.no_grad():
        out = whole(input_ids=steps[None], output_hidden_states=True)
        last = encoder_of(tmp_path).trunks[0](steps)
        weighted = encoder_of(tmp_path, layer_states="weighted", layers=2).trunks[0](steps)
        side_by_side = encoder_of(tmp_path, layer_states="all", layers=2).trunks[0](steps)
    torch.testing.assert_close(last[:, 0], out.last_hidden_state[0])
    expected = torch.stack([state[0] for state in out.hidden_states[:3]], dim=1)
    torch.testing.assert_close(weighted, expected)
    assert torch.equal(side_by_side, weighted[:, 1:])


def test_texts_are_encoded_alone(tiny_text: Path) -> None:
    encoder = encoder_of(tiny_text, layer_states="all", pooling="mean+std")
    texts = tokens(3, 9, 1)
    with torch.no_grad():
        together = encoder.pooled(Ragged.join(texts))
        for row, steps in enumerate(texts):
            assert torch.equal(encoder.pooled(Ragged.join([steps]))[0], together[row])
    assert encoder.widths == [encoder.dim]


def fit(data: Path, out: Path, model: ModelConfig, **values: Any) -> Run:
    settings = {"protocol": "dialogues", "loss": "ce", "lr": 2e-3, "epochs": 2} | values
    return train(data, out, model, TrainConfig.model_validate(settings), progress=False)


@pytest.fixture
def model(tiny_text: Path) -> ModelConfig:
    text = {"kind": "pretrained", "model": str(tiny_text), "layer_states": "all", "hidden": 8}
    return ModelConfig.model_validate({"encoders": {"text": text}})


def test_stored_states_of_texts_do_not_change_training(tmp_path: Path, model: ModelConfig) -> None:
    samples = [synthetic_sample(number) for number in range(36)]
    data = store(tmp_path / "data", samples).folder
    cached = fit(data, tmp_path / "cached", model)
    assert list((data / "states").glob("*/copy-0/*.parquet"))
    fresh = fit(data, tmp_path / "fresh", model, cache=False)
    ours, theirs = cached.weights(), fresh.weights()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    scores = [predict_split(run, progress=False).scores["emotion"] for run in (cached, fresh)]
    assert np.array_equal(*scores)
    predicted = Recognizer.from_pretrained(cached.folder, device="cpu")(text="I am so glad")
    assert predicted.modalities == [Modality.TEXT]


def test_states_are_computed_again_for_other_lengths_and_tokenizers(
    tmp_path: Path, model: ModelConfig, tiny_text: Path
) -> None:
    data = store(tmp_path / "data", [synthetic_sample(number) for number in range(36)]).folder
    fit(data, tmp_path / "one", model, epochs=1)
    shorter = model.changed(Modality.TEXT, max_len=4)
    fit(data, tmp_path / "two", shorter, epochs=1)
    assert len(list((data / "states").iterdir())) == 2
    tokenizer = AutoTokenizer.from_pretrained(tiny_text)
    tokenizer.add_tokens(["glad"])
    tokenizer.save_pretrained(tiny := tmp_path / "other")
    AutoModel.from_pretrained(tiny_text).save_pretrained(tiny)
    fit(data, tmp_path / "three", model.changed(Modality.TEXT, model=str(tiny)), epochs=1)
    assert len(list((data / "states").iterdir())) == 3


def test_the_key_of_a_tokenizer_is_that_of_its_rules_and_not_of_its_folder(
    tmp_path: Path, tiny_text: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_text)
    tokenizer.save_pretrained(tmp_path)
    moved = AutoTokenizer.from_pretrained(tmp_path)
    assert TokenReader(tokenizer, 9).key() == TokenReader(moved, 9).key()
    assert TokenReader(tokenizer, 9).key() != TokenReader(tokenizer, 8).key()
    moved.backend_tokenizer.normalizer = normalizers.Lowercase()
    lower = TokenReader(moved, 9).key()
    moved.backend_tokenizer.normalizer = normalizers.NFD()
    assert TokenReader(moved, 9).key() != lower


def test_albert_shares_its_layers_and_is_refused(tmp_path: Path) -> None:
    from transformers import AlbertConfig

    AutoModel.from_config(AlbertConfig(**SMALL, embedding_size=8)).save_pretrained(tmp_path)
    with pytest.raises(MienError, match="albert"):
        encoder_of(tmp_path)
