"""Every family of pretrained networks: its states are those that transformers computes."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pretrained_models import (
    AUDIO,
    LAYERS,
    STAGED,
    VISION,
    WIDTH,
    built,
    modality_of,
    steps_of,
    write_network,
    write_whisper,
)
from safetensors import safe_open
from torch import Tensor
from transformers import AutoModel

from mien.errors import MienError
from mien.modality import Modality
from mien.models.pretrained.source import quiet
from mien.models.pretrained.trunk import FAMILIES, LayerChoice, Trunk

TRANSFORMERS = [*AUDIO, *VISION]


def whole(folder: Path, kind: str, trunk: Trunk) -> Any:
    """The output of the whole network in transformers, for the trunk's own input."""
    with quiet():
        network = AutoModel.from_pretrained(folder).eval()
    if kind in AUDIO:
        values = trunk.features(steps_of(kind))
    else:
        values = trunk.images.prepare(steps_of(kind))
        network = getattr(network, "vision_model", network)
    with torch.no_grad():
        return network(values, output_hidden_states=True)


def states_of(trunk: Trunk, kind: str) -> Tensor:
    with torch.no_grad():
        return trunk(steps_of(kind))


def pooled(states: Tensor, kind: str) -> Tensor:
    """The state of an image: of the class token, or the mean over patches."""
    if kind in AUDIO:
        return states[0]
    if kind.startswith("siglip"):
        return states.mean(dim=1)
    return states[:, 1:].mean(dim=1) if kind == "beit" else states[:, 0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "network"


def test_every_family_is_tested() -> None:
    tested = {kind.partition(" ")[0] for kind in (*AUDIO, *VISION, *STAGED)} - {"clip", "siglip"}
    media = (Modality.AUDIO, Modality.VIDEO)  # those of text are in test_texts
    known = {kind for modality in media for kind in FAMILIES[modality]}
    assert tested == known - {"whisper", "resemblyzer"}


@pytest.mark.parametrize("kind", TRANSFORMERS)
def test_states_are_those_of_the_whole_network(kind: str, folder: Path) -> None:
    write_network(folder, kind)
    modality = modality_of(kind)
    trunk = built(folder, modality, LayerChoice(2, "weighted"))
    expected = [pooled(s, kind) for s in whole(folder, kind, trunk).hidden_states]
    states = states_of(trunk, kind)
    assert states.shape[1:] == (3, WIDTH) == (trunk.depth, trunk.width)
    for layer in range(3):
        assert torch.allclose(states[:, layer], expected[layer], atol=1e-5), layer
    second = states_of(built(folder, modality, LayerChoice(2)), kind)
    assert torch.equal(second[:, 0], states[:, 2])
    every = states_of(built(folder, modality, LayerChoice(None, "all")), kind)
    assert every.shape[1] == LAYERS
    assert torch.equal(every[:, :2], states[:, 1:])
    # other layers change the state, or the test could not fail
    assert not torch.allclose(every[:, 2], every[:, 1], atol=1e-2)


@pytest.mark.parametrize("kind", TRANSFORMERS)
def test_the_last_state_of_all_layers_is_the_final_one(kind: str, folder: Path) -> None:
    write_network(folder, kind)
    trunk = built(folder, modality_of(kind))
    output, states = whole(folder, kind, trunk), states_of(trunk, kind)
    expected = pooled(output.last_hidden_state, kind)
    if kind.startswith(("clip", "beit")):
        expected = output.pooler_output
    assert torch.allclose(states[:, 0], expected, atol=1e-5)


@pytest.mark.parametrize("kind", STAGED)
def test_networks_of_stages_have_one_state(kind: str, folder: Path) -> None:
    write_network(folder, kind)
    trunk = built(folder, Modality.VIDEO)
    states = states_of(trunk, kind)
    assert torch.allclose(states[:, 0], whole(folder, kind, trunk).pooler_output, atol=1e-5)
    with pytest.raises(MienError, match="built of stages") as raised:
        built(folder, Modality.VIDEO, LayerChoice(2))
    assert raised.value.parameter == "layers"


@pytest.mark.parametrize("kind", [*TRANSFORMERS, *STAGED, "whisper"])
@pytest.mark.parametrize(
    "choice", [LayerChoice(), LayerChoice(2), LayerChoice(None, "all"), LayerChoice(2, "weighted")]
)
def test_every_weight_learns(kind: str, choice: LayerChoice, folder: Path) -> None:
    if kind in STAGED and choice != LayerChoice():
        return
    write_whisper(folder) if kind == "whisper" else write_network(folder, kind)
    trunk = built(folder, modality_of(kind), choice)
    states = trunk(steps_of(kind))
    (
        states * torch.randn(states.shape, generator=torch.Generator().manual_seed(2))
    ).sum().backward()
    learning = {name: w for name, w in trunk.named_parameters() if w.requires_grad}
    assert len(learning) > 10
    assert [name for name, weight in learning.items() if weight.grad is None] == []


@pytest.mark.parametrize("kind", ["wavlm stable", "clip", "whisper"])
def test_weights_of_other_layers_are_not_read(
    kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_whisper(folder) if kind == "whisper" else write_network(folder, kind)
    read = watch_reading(monkeypatch)
    trunk = built(folder, modality_of(kind), LayerChoice(1))
    layers = {name for name in read if ".layers." in name and "text_model" not in name}
    assert layers
    assert {name.partition(".layers.")[2][0] for name in layers} == {"0"}
    assert not any("text_model" in name or "decoder" in name for name in read)
    assert len(trunk.layers()) == 1
    assert len(read) < 2 / 3 * len(keys_of(folder))


def keys_of(folder: Path) -> list[str]:
    with safe_open(folder / "model.safetensors", "pt") as file:
        return list(file.keys())


def watch_reading(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the name of every tensor whose values are read from safetensors."""
    import transformers.modeling_utils

    import mien.models.pretrained.whisper

    read: list[str] = []

    class Slice:
        def __init__(self, inner: Any, name: str) -> None:
            self.inner, self.name = inner, name

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def __getitem__(self, index: Any) -> Any:
            read.append(self.name)
            return self.inner[index]

    class File:
        def __init__(self, *args: Any, **options: Any) -> None:
            self.inner = safe_open(*args, **options)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def __enter__(self) -> Any:
            self.inner.__enter__()
            return self

        def __exit__(self, *args: Any) -> None:
            self.inner.__exit__(*args)

        def get_tensor(self, name: str) -> Any:
            read.append(name)
            return self.inner.get_tensor(name)

        def get_slice(self, name: str) -> Any:
            return Slice(self.inner.get_slice(name), name)

    monkeypatch.setattr(transformers.modeling_utils, "safe_open", File)
    monkeypatch.setattr(mien.models.pretrained.whisper, "safe_open", File)
    return read
