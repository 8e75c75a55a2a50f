"""The model on padded tensors gives the answers of the model on ragged batches."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from transformers import BertConfig, WhisperConfig

from mien.batch import Batch, Ragged
from mien.errors import MienError
from mien.modality import Modality
from mien.models.config import ModelConfig
from mien.models.export.tensor_model import TensorModel
from mien.models.model import MultimodalModel

COUNTS = {
    Modality.TEXT: (3, 0, 1, 6, 2),
    Modality.AUDIO: (2, 3, 0, 1, 1),
    Modality.VIDEO: (4, 1, 2, 0, 3),
}
SMALL = {
    "width": 0.125,
    "temporal_dim": 16,
    "temporal_layers": 1,
    "temporal_heads": 2,
    "temporal_feedforward": 32,
}
FEATURES = {"feature_size": 12, "standardize": True}


def config(kind: str, fusion: str = "weighted", size: int = 8, **settings: Any) -> ModelConfig:
    if kind == "rnn":
        own: dict[str, Any] = {m: {"kind": "rnn", **FEATURES, **settings} for m in Modality}
    elif kind == "feature-transformer":
        own = {m: {"kind": kind, **FEATURES, **settings} for m in Modality}
    else:
        cnn = {"kind": kind, **SMALL, **settings}
        own = {"text": {}, "audio": cnn, "video": cnn}
    return ModelConfig(encoders=own, fusion=fusion, embedding_size=size)


def build(chosen: ModelConfig) -> MultimodalModel:
    torch.manual_seed(0)
    bert = BertConfig(
        vocab_size=50,
        hidden_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    described = None if chosen.text is None else {Modality.TEXT: [bert.to_dict()]}
    model = MultimodalModel(chosen, {"emotion": 4, "person": 3}, described)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    return model.eval()


def steps(modality: Modality, chosen: ModelConfig, count: int) -> torch.Tensor:
    if chosen.hand_crafted:
        return torch.randn(count, 12)
    if modality is Modality.TEXT:
        return torch.randint(1, 50, (count,))
    if modality is Modality.AUDIO:
        return torch.randn(count, 1, 128, 32)
    return torch.randint(0, 256, (count, 3, 48, 48), dtype=torch.uint8)


def padded(sequences: list[torch.Tensor]) -> torch.Tensor:
    """Pad with numbers that would show if they were used."""
    return pad_sequence(sequences, batch_first=True, padding_value=7)


def compare(chosen: ModelConfig) -> None:
    model = build(chosen)
    torch.manual_seed(1)
    sequences = {m: [steps(m, chosen, n) for n in COUNTS[m]] for m in chosen.modalities}
    with torch.no_grad():
        ragged = model(Batch(inputs={m: Ragged.join(own) for m, own in sequences.items()}))
        values = [padded(own) for own in sequences.values()]
        counts = [torch.tensor(COUNTS[m]) for m in sequences]
        found = TensorModel(model).named(values, counts)
    for task, logits in ragged.logits.items():
        torch.testing.assert_close(found[task], logits, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found["embedding"], ragged.embedding, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("fusion", ["weighted", "concat", "attention"])
@pytest.mark.parametrize("kind", ["vgg", "feature-transformer"])
def test_every_fusion(kind: str, fusion: str) -> None:
    compare(config(kind, fusion))


def test_without_a_speaker_embedding_and_with_positions() -> None:
    compare(config("vgg", size=0, positions=True))


@pytest.mark.parametrize("attention", ["learned", "published"])
@pytest.mark.parametrize("sparsity", ["sites", "frames", "both"])
def test_sparse_convolutions(sparsity: str, attention: str) -> None:
    settings = {"attention": attention, "sparse_threshold": 0.6, "positions": True}
    compare(config("sparse-vgg", sparsity=sparsity, **settings))


@pytest.mark.parametrize("rnn", ["lstm", "gru"])
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("layers", [1, 2])
def test_recurrent_encoders(rnn: str, bidirectional: bool, layers: int) -> None:
    compare(config("rnn", rnn=rnn, bidirectional=bidirectional, rnn_layers=layers))


def test_a_single_modality() -> None:
    compare(ModelConfig(encoders={"audio": {"kind": "vgg", **SMALL}}))


def whisper(**settings: Any) -> tuple[ModelConfig, dict[str, Any]]:
    chosen = {"kind": "pretrained", "model": "whisper-tiny.en", **settings}
    described = WhisperConfig(
        d_model=24,
        encoder_layers=3,
        encoder_attention_heads=2,
        encoder_ffn_dim=32,
        num_mel_bins=80,
        max_source_positions=1500,
    ).to_dict()
    return ModelConfig(encoders={"audio": chosen}), {"model_type": "whisper", **described}


@pytest.mark.parametrize("pooling", ["mean", "mean+std", "attentive", "temporal"])
@pytest.mark.parametrize("states", ["last", "weighted", "all"])
def test_whisper_on_waveforms_of_any_length(pooling: str, states: str) -> None:
    chosen, described = whisper(pooling=pooling, layer_states=states, layers=2)
    torch.manual_seed(0)
    model = MultimodalModel(chosen, {"emotion": 4}, {Modality.AUDIO: [described]}).eval()
    lengths = (16_000, 0, 250, 20_481, 401, 320)
    waves = [torch.randn(length) * 0.1 for length in lengths]
    with torch.no_grad():
        ragged = model(Batch(inputs={Modality.AUDIO: Ragged.join(waves)}))
        found = TensorModel(model).named([padded(waves)], [torch.tensor(lengths)])
    torch.testing.assert_close(found["emotion"], ragged.logits["emotion"], rtol=1e-4, atol=2e-5)


def test_what_depends_on_the_batch_is_refused() -> None:
    chosen = config("sparse-vgg", attention="published-unmended")
    with pytest.raises(MienError, match="moves features from one utterance to another"):
        TensorModel(build(chosen))
