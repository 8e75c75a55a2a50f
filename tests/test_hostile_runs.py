"""A run folder, or an encoder's, from somebody who means harm: refused, and nothing of it runs."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file
from samples import tiny_run

from mien.errors import MienError
from mien.modality import Modality
from mien.models.encoders.text import TextEncoder, load_weights
from mien.models.pretrained.text_source import load_config, load_tokenizer
from mien.runs.run import Run

CODE = """
open({mark!r}, "w").write("code of the folder ran")
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
class Evil(PreTrainedTokenizerFast): pass
class EvilConfig(BertConfig): pass
class EvilModel(BertModel): pass
"""
MAPS: dict[str, Any] = {
    "AutoTokenizer": ["evil.Evil", "evil.Evil"],
    "AutoConfig": "evil.EvilConfig",
    "AutoModel": "evil.EvilModel",
}


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file that hostile code would leave; the user would say yes to every question."""
    asked: list[str] = []
    modules = tmp_path / "modules"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.input", lambda question="": asked.append(question) or "y")
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(modules))
    mark = tmp_path / "EXECUTED"
    yield mark
    assert not mark.exists(), "code of the folder ran"
    assert not asked, f"asked {asked}"
    assert not modules.exists(), "code was copied to a cache"


@pytest.fixture
def run(tmp_path: Path, tiny_text: Path) -> Run:
    return tiny_run(tmp_path / "run", tiny_text)


def edit(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(content | changes))


def own(run: Run, **changes: Any) -> None:
    """Let the folder's author write its config.yaml, who names no digests."""
    path = run.folder / "config.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"files": {}} | changes))


def told(error: pytest.ExceptionInfo[MienError], *words: str) -> None:
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


def evil(folder: Path, trap: Path) -> None:
    (folder / "evil.py").write_text(CODE.format(mark=str(trap)))


def class_beside(folder: Path, trap: Path) -> None:
    evil(folder, trap)
    edit(folder / "tokenizer_config.json", tokenizer_class="Evil", auto_map=MAPS)


def class_of_old(folder: Path, trap: Path) -> None:
    evil(folder, trap)
    edit(folder / "tokenizer_config.json", auto_map=["evil.Evil", None])


def class_on_the_hub(folder: Path, trap: Path) -> None:
    edit(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["a/b--evil.Evil", None]})


def class_in_the_config(folder: Path, trap: Path) -> None:
    evil(folder, trap)
    edit(folder / "config.json", model_type="evil", auto_map=MAPS, tokenizer_class="Evil")


def class_in_a_later_config(folder: Path, trap: Path) -> None:
    evil(folder, trap)
    edit(folder / "config.json", model_type="bert", configuration_files=["config.4.0.0.json"])
    edit(folder / "config.4.0.0.json", model_type="evil", auto_map=MAPS)


def unknown_class(folder: Path, trap: Path) -> None:
    edit(folder / "tokenizer_config.json", tokenizer_class="Evil")


def class_that_is_no_name(folder: Path, trap: Path) -> None:
    edit(folder / "tokenizer_config.json", tokenizer_class=["Evil"])


def deep_config(folder: Path, trap: Path) -> None:
    (folder / "tokenizer_config.json").write_text('{"a":' * 100_000 + "1" + "}" * 100_000)


def tokens_of_another_type(folder: Path, trap: Path) -> None:
    (folder / "tokenizer.json").write_text('["no", "tokenizer"]')


def tokens_that_are_a_folder(folder: Path, trap: Path) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").mkdir()


def test_the_trap_springs_where_transformers_is_asked_without_care(
    tiny_text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoTokenizer

    folder, mark = Path(shutil.copytree(tiny_text, tmp_path / "encoder")), tmp_path / "EXECUTED"
    modules = tmp_path / "modules"
    monkeypatch.setattr("builtins.input", lambda question="": "y")
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(modules))
    monkeypatch.syspath_prepend(str(modules))
    class_beside(folder, mark)
    (folder / "config.json").unlink()  # as in a run's folder: nothing else says what it is
    AutoTokenizer.from_pretrained(folder)
    assert mark.exists()
    assert modules.exists()


TOKENIZERS = [
    class_beside,
    class_of_old,
    class_on_the_hub,
    class_in_the_config,
    class_in_a_later_config,
    unknown_class,
    class_that_is_no_name,
    deep_config,
    tokens_of_another_type,
    tokens_that_are_a_folder,
]


@pytest.mark.parametrize("harm", TOKENIZERS)
@pytest.mark.parametrize("by", ["author", "somebody later"])
def test_a_runs_tokenizer(
    run: Run, trap: Path, harm: Callable[[Path, Path], None], by: str
) -> None:
    harm(run.folder / "tokenizer", trap)
    if by == "author":
        own(run)
    with pytest.raises(MienError) as error:
        Run(run.folder).tokenizer()
    told(error, str(run.folder / "tokenizer"))


@pytest.mark.parametrize("harm", TOKENIZERS)
def test_an_encoders_folder(
    tiny_text: Path, tmp_path: Path, trap: Path, harm: Callable[[Path, Path], None]
) -> None:
    folder = Path(shutil.copytree(tiny_text, tmp_path / "encoder"))
    harm(folder, trap)
    with pytest.raises(MienError) as error:
        load_tokenizer(str(folder))
    told(error, str(folder))


def test_the_tokenizer_that_was_found(run: Run, trap: Path, shared_data: Path) -> None:
    for path in (shared_data / "odd" / "hostile" / "evil-tokenizer").iterdir():
        shutil.copyfile(path, run.folder / "tokenizer" / path.name)
    own(run)
    with pytest.raises(MienError, match=r"names code of its own .*evil\.Evil.*never runs") as error:
        Run(run.folder).tokenizer()
    told(error, str(run.folder / "tokenizer" / "tokenizer_config.json"))


@pytest.mark.parametrize("kind", ["evil", "bert"])
def test_a_class_of_models_beside_the_weights(
    tiny_text: Path, tmp_path: Path, trap: Path, kind: str
) -> None:
    folder = Path(shutil.copytree(tiny_text, tmp_path / "encoder"))
    encoder = TextEncoder(load_config(str(folder)))
    evil(folder, trap)
    edit(folder / "config.json", model_type=kind, auto_map=MAPS)
    for load in (load_config, lambda name: load_weights(encoder, name)):
        with pytest.raises(MienError, match="names code of its own") as error:
            load(str(folder))
        told(error, str(folder / "config.json"))


@pytest.mark.parametrize(
    "change",
    [
        {"auto_map": MAPS},
        {"auto_map": {"AutoModel": "a/b--evil.EvilModel"}},
        {"attn_implementation": "somebody/kernel"},
        {"_attn_implementation": {"": "somebody/kernel:forward"}},
    ],
    ids=str,
)
def test_code_in_the_description_of_the_encoder(
    run: Run, trap: Path, change: dict[str, Any]
) -> None:
    evil(run.folder, trap)
    own(run, pretrained={"text": [run.config.pretrained[Modality.TEXT][0] | change]})
    for use in (Run.build, Run.model):
        with pytest.raises(MienError, match="names code of its own") as error:
            use(Run(run.folder))
        told(error, str(run.folder / "config.yaml"))


class Bomb:
    """Pickles as a call that leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("weights", [None, "model.safetensors.index.json"])
def test_pickled_weights_are_never_opened(
    tiny_text: Path, tmp_path: Path, trap: Path, weights: str | None
) -> None:
    folder = Path(shutil.copytree(tiny_text, tmp_path / "encoder"))
    encoder = TextEncoder(load_config(str(folder)))
    names = list(load_file(folder / "model.safetensors"))
    (folder / "model.safetensors").unlink()
    torch.save(Bomb(trap), folder / "pytorch_model.bin")
    if weights:
        edit(folder / weights, metadata={}, weight_map=dict.fromkeys(names, "pytorch_model.bin"))
    with pytest.raises(MienError, match=r"model\.safetensors") as error:
        load_weights(encoder, str(folder))
    told(error, str(folder))


@pytest.mark.parametrize("name", ["model.safetensors", "config.yaml", "tokenizer/tokenizer.json"])
def test_a_link_out_of_the_folder(run: Run, tmp_path: Path, name: str) -> None:
    own(run)
    shutil.move(run.folder / name, tmp_path / "elsewhere")
    (run.folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(MienError, match="is a link out of the run folder") as error:
        (Run(run.folder).weights(), Run(run.folder).tokenizer())
    told(error, str(run.folder / name))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a\0b", r"'a\x00b', which no file can have"),
        ("\ud800", r"'\ud800', which no file can have"),
        ("../x", "'../x', which is outside the run folder"),
        ("/etc/passwd", "'/etc/passwd', which is outside the run folder"),
        ("tokenizer/../../" + "x" * 90, "xxx ...', which is outside the run folder"),
    ],
)
def test_a_name_that_is_none_of_a_file_in_the_folder(run: Run, name: str, why: str) -> None:
    own(run, files={name: "0" * 64})
    with pytest.raises(MienError, match="its section files has the name") as error:
        Run(run.folder).tokenizer()
    told(error, f"{run.folder / 'config.yaml'} is damaged", why)
    assert "link" not in str(error.value)


def test_a_name_that_is_too_long_is_told(run: Run) -> None:
    own(run, files={"x" * 5000: "0" * 64})
    with pytest.raises(MienError, match="File name too long") as error:
        Run(run.folder).tokenizer()
    told(error, "can't be read")


def test_links_in_a_circle(run: Run) -> None:
    own(run)
    (run.folder / "model.safetensors").unlink()
    (run.folder / "model.safetensors").symlink_to("model.safetensors")
    with pytest.raises(MienError, match=r"model\.safetensors is a link out of|is missing"):
        Run(run.folder).weights()


def test_a_link_within_the_folder_is_followed(run: Run) -> None:
    (run.folder / "model.safetensors").rename(run.folder / "best.safetensors")
    (run.folder / "model.safetensors").symlink_to("best.safetensors")
    assert Run(run.folder).weights()


def test_the_hub_is_asked_once_and_quietly(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked = []

    def nobody(host: Any, *rest: Any, **more: Any) -> Any:
        asked.append(host)
        raise OSError("Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", nobody)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("it waits, to try again"))
    with pytest.raises(MienError, match="'nobody/no-such-encoder' is not a folder") as error:
        load_config("nobody/no-such-encoder")
    told(error, "choose minilm")
    assert error.value.parameter == "text_model"
    assert len(asked) == 1
    assert capfd.readouterr() == ("", "")
