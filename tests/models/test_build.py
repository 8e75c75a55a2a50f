"""Models are built from dimensions that may come from a damaged file."""

from typing import Any

import pytest
import torch
from transformers import BertConfig

from mien.errors import MienError
from mien.modality import Modality
from mien.models import build, preset
from mien.models.encoders.base import EncoderConfig, Reader
from mien.models.encoders.cnn import AudioCNN
from mien.models.encoders.face_reader import FaceReader
from mien.models.encoders.modality_encoder import ModalityEncoder
from mien.models.pretrained.source import describe

TINY = {"width": 0.125, "temporal_dim": 16, "temporal_heads": 2, "temporal_layers": 1}
TINY |= {"modalities": "va"}
TEXT = {
    "vocab_size": 13,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
}


def test_planning_a_model_first_leaves_its_random_weights_alone() -> None:
    config = preset(**TINY)
    torch.manual_seed(3)
    first = build(config, {"emotion": 3}, None).state_dict()
    torch.manual_seed(3)
    with torch.random.fork_rng():
        build(config, {"emotion": 3}, None)
    again = build(config, {"emotion": 3}, None).state_dict()
    assert all(torch.equal(weight, again[name]) for name, weight in first.items())


@pytest.mark.parametrize("size", [2**63, 10**30], ids=["an overflow", "thirty digits"])
def test_sizes_that_no_tensor_can_have_are_refused(size: int) -> None:
    with pytest.raises(MienError, match="no model can have these dimensions"):
        build(preset(**TINY, embedding_size=size), {"person": 3}, None)


def test_a_model_too_large_is_refused_before_it_takes_memory() -> None:
    with pytest.raises(MienError, match=r"would have [0-9,]{13,} weights"):
        build(preset(**TINY, embedding_size=10**9), {"person": 3}, None)


@pytest.mark.parametrize(
    "damage",
    [{"chunk_size_feed_forward": 0.5}, {"hidden_act": "none such"}, {"hidden_size": 17}],
    ids=["read in forward", "an unknown name", "sizes that don't fit"],
)
def test_a_text_encoder_that_cannot_encode_is_refused(damage: dict[str, object]) -> None:
    config = preset(modalities="t")
    assert build(config, {"emotion": 3}, {Modality.TEXT: [describe(BertConfig(**TEXT))]})
    with pytest.raises(MienError, match="no text encoder can be built from its configuration"):
        build(config, {"emotion": 3}, {Modality.TEXT: [describe(BertConfig(**TEXT)) | damage]})


@pytest.mark.parametrize("missing", ["reader", "build"])
def test_settings_of_an_encoder_need_a_reader_and_a_network(missing: str) -> None:
    class Half(EncoderConfig):
        modalities = (Modality.AUDIO,)
        kind: str = "half"

        def reader(self, modality: Modality, tokenizer: Any = None) -> Reader:
            return FaceReader(48)

        def build(self, modality: Modality, **how: Any) -> ModalityEncoder:
            return AudioCNN(preset(**TINY).encoders[Modality.AUDIO])

    Half()
    methods = {missing: getattr(EncoderConfig, missing)}
    with pytest.raises(TypeError, match=f"abstract method '?{missing}'?"):
        type("Less", (Half,), methods | {"__module__": __name__})()


def test_an_encoder_that_was_never_trained_before_has_nothing_to_load() -> None:
    model = build(preset(**TINY), {"emotion": 3})
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    with pytest.raises(MienError, match=r"^AudioCNN has no pretrained part: .* of 'wavlm'$"):
        model.encoder(Modality.AUDIO).load_pretrained("wavlm")
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
