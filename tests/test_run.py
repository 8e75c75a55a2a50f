"""The run folder: what is written comes back, what is damaged is refused by name."""

import json
import pickle
import pickletools
import shutil
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from samples import sample, tiny, tiny_model

from mien.dataset.examples import collate
from mien.errors import MienError
from mien.models import MME2E
from mien.models.text import load_config, load_tokenizer
from mien.run import DataConfig, Run, RunConfig, environment
from mien.tasks import Task

# words that YAML would read as something else
EMOTION = Task(name="emotion", labels=("no", "null", "1e3"), loss="bce")
PERSON = Task(name="person", labels=("01", "02", "0x3", "true"), loss="ce")


def config(text: Path | None = None, **changes: Any) -> RunConfig:
    modalities = "tav" if text else "av"
    own: dict[str, Any] = {
        "model": tiny(modalities=modalities, text_model=str(text)),
        "tasks": (EMOTION, PERSON),
        "data": DataConfig(path="data", corpus="synthetic", protocol="random", synthetic=True),
        "training": {"lr": 5e-5, "protocol": None},
    }
    if text:
        encoder = load_config(str(text))
        own["text"] = encoder.to_dict() | {"model_type": encoder.model_type}
    return RunConfig(**(own | changes))


def numbers(model: MME2E, tokenizer: Any) -> torch.Tensor:
    samples = [sample(i, m) for i, m in enumerate(("tav", "a", "tv", "va"))]
    with torch.inference_mode():
        output = model(collate(samples, model.config, tokenizer))
    return torch.cat([output.embedding, *output.logits.values()], dim=1)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of a model without words, with weights."""
    run = Run.create(tmp_path / "run", config())
    run.write_model(tiny_model(None, modalities="av"))
    return run


@pytest.fixture
def wordy(tmp_path: Path, tiny_text: Path) -> Run:
    """A run of a model with words, with weights."""
    run = Run.create(tmp_path / "wordy", config(tiny_text), load_tokenizer(str(tiny_text)))
    run.write_model(tiny_model(tiny_text))
    return run


def test_a_run_folder_is_enough_wherever_it_is(tiny_text: Path, tmp_path: Path) -> None:
    encoder = Path(shutil.copytree(tiny_text, tmp_path / "encoder"))
    tokenizer, model = load_tokenizer(str(encoder)), tiny_model(encoder).eval()
    run = Run.create(tmp_path / "here", config(encoder), tokenizer)
    run.write_model(model)
    expected = numbers(model, tokenizer)
    shutil.rmtree(encoder)
    run.folder.rename(tmp_path / "there")
    moved = Run(tmp_path / "there")
    assert moved.config == run.config
    again = moved.model()
    assert not again.training
    assert torch.equal(numbers(again, moved.tokenizer()), expected)


def test_a_model_without_words_needs_no_tokenizer(run: Run) -> None:
    assert run.text_config() is None
    assert run.tokenizer() is None
    model = tiny_model(None, modalities="av").eval()
    assert torch.equal(numbers(run.model(), None), numbers(model, None))


def test_labels_and_settings_come_back_as_they_were(run: Run) -> None:
    again = Run(run.folder).config
    assert [task.labels for task in again.tasks] == [EMOTION.labels, PERSON.labels]
    assert again == config()
    assert not (run.folder / "tokenizer").exists()


def is_pickle(path: Path) -> bool:
    try:
        list(pickletools.genops(path.read_bytes()))
    except (ValueError, UnicodeDecodeError):
        return False
    return True


def test_nothing_in_a_run_folder_is_a_pickle(wordy: Run, tmp_path: Path) -> None:
    wordy.write("thresholds.json", {"emotion": dict.fromkeys(EMOTION.labels, 0.5)})
    files = [path for path in wordy.folder.rglob("*") if path.is_file()]
    names = {"config.yaml", "environment.json", "model.safetensors", "thresholds.json"}
    assert names < {path.name for path in files}
    for path in files:
        assert not is_pickle(path), path
        assert not zipfile.is_zipfile(path), path
    # and these checks would find one
    torch.save({"a": torch.zeros(2)}, tmp_path / "torch.pt")
    assert zipfile.is_zipfile(tmp_path / "torch.pt")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        (tmp_path / "p").write_bytes(pickle.dumps({"a": [1]}, protocol))
        assert is_pickle(tmp_path / "p")


def test_a_pickle_in_the_place_of_weights_is_not_opened(run: Run) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (pytest.fail, ("a pickle was loaded",))

    (run.folder / "model.safetensors").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(MienError, match=r"model\.safetensors"):
        run.model()


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path, tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(MienError, match="choose another --out") as error:
            Run.create(folder, config())
        assert str(folder) in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    (tmp_path / "empty").mkdir()
    assert Run.create(tmp_path / "empty", config()).config == config()


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(MienError, match="no run folder") as error:
            Run(folder)
        assert str(folder) in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"model: [",
        b"- a list",
        b"\xff\xfe\x00\x01",
        b"\x00",
        b"format: 1\n",
        b"format: 1\nmodel: {modalities: xyz}\n",
        b"!!python/object/apply:pytest.fail ['YAML ran code']",
    ],
)
def test_a_damaged_configuration_is_refused(run: Run, content: bytes) -> None:
    (run.folder / "config.yaml").write_bytes(content)
    with pytest.raises(MienError, match="damaged") as error:
        Run(run.folder)
    assert str(run.folder / "config.yaml") in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("number", [0, 2, "1", None])
def test_another_format_is_refused(run: Run, number: object) -> None:
    path = run.folder / "config.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"format": number}))
    with pytest.raises(MienError, match=r"is of format .*, this mien reads 1") as error:
        Run(run.folder)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    "text", [{}, {"model_type": "no-such-kind"}, {"model_type": "bert", "hidden_size": "wide"}]
)
def test_a_text_section_that_describes_no_encoder_is_refused(
    wordy: Run, text: dict[str, Any]
) -> None:
    path = wordy.folder / "config.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"text": text}))
    with pytest.raises(MienError, match=str(path)):
        Run(wordy.folder).model()


def test_a_model_with_words_needs_its_encoder_described() -> None:
    with pytest.raises(ValidationError, match="section text"):
        config(model=tiny(modalities="ta"))


def test_missing_weights(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", config())
    with pytest.raises(MienError, match=r"first epoch.*train again") as error:
        run.model()
    assert str(run.folder / "model.safetensors") in str(error.value)


@pytest.mark.parametrize("kept", [0, 4, 1000, -1])
def test_damaged_weights(run: Run, kept: int) -> None:
    path = run.folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(MienError, match=str(path)):
        run.model()


def test_weights_of_another_model(run: Run) -> None:
    path = run.folder / "model.safetensors"
    weights = load_file(path)
    fewer = {name: t for name, t in weights.items() if name != "heads.emotion.a.bias"}
    more = weights | {"unknown": torch.zeros(1)}
    other = tiny_model(None, modalities="av", trans_dim=8).state_dict()
    for wrong in (fewer, more, other):
        save_file({name: t.contiguous() for name, t in wrong.items()}, path)
        with pytest.raises(MienError, match="does not fit") as error:
            run.model()
        assert str(path) in str(error.value)
        assert len(str(error.value)) < 600


@pytest.mark.parametrize("content", ["{garbage", "{}", None])
def test_a_damaged_tokenizer(wordy: Run, content: str | None) -> None:
    path = wordy.folder / "tokenizer" / "tokenizer.json"
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    with pytest.raises(MienError, match=str(path.parent)):
        wordy.tokenizer()
    shutil.rmtree(path.parent)
    with pytest.raises(MienError, match="is missing"):
        wordy.tokenizer()


def test_thresholds(run: Run) -> None:
    assert run.thresholds(EMOTION) == [0.5, 0.5, 0.5]
    run.write("thresholds.json", {"emotion": {"1e3": 0.3, "null": 0.2, "no": 0.1}})
    assert run.thresholds(EMOTION) == [0.1, 0.2, 0.3]
    assert run.thresholds(PERSON) == [0.5] * 4


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[1]",
        b"\xff",
        b'{"emotion": {"no": 0.1}}',
        b'{"emotion": [0.1, 0.2, 0.3]}',
        b'{"emotion": {"no": 0.1, "null": "high", "1e3": 0.2}}',
    ],
)
def test_damaged_thresholds(run: Run, content: bytes) -> None:
    (run.folder / "thresholds.json").write_bytes(content)
    with pytest.raises(MienError) as error:
        run.thresholds(EMOTION)
    assert str(run.folder / "thresholds.json") in str(error.value)


def test_read_and_write(run: Run) -> None:
    assert run.read("metrics.json") == {}
    run.write("metrics.json", {"grüße": [1.5, None]})
    assert run.read("metrics.json") == {"grüße": [1.5, None]}
    with pytest.raises(ValueError, match="nan"):
        run.write("metrics.json", {"f1": float("nan")})
    assert run.read("metrics.json") == {"grüße": [1.5, None]}


@pytest.mark.parametrize("kind", [OSError, SafetensorError])
def test_files_appear_whole_or_not_at_all(
    run: Run, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}

    def fail_half_way(tensors: Any, path: Path, metadata: Any) -> None:
        path.write_bytes(b"half")
        raise kind("no space left")

    monkeypatch.setattr("mien.tensor_file.save_file", fail_half_way)
    with pytest.raises(MienError, match=r"model\.safetensors.*no space left"):
        run.write_model(tiny_model(None, seed=1, modalities="av"))
    assert before == {path.name: path.read_bytes() for path in run.folder.iterdir()}


def test_the_environment_is_recorded(run: Run) -> None:
    recorded = json.loads((run.folder / "environment.json").read_text())
    assert recorded.keys() == environment().keys()
    assert recorded["packages"]["torch"] == version("torch")
    assert recorded["threads"] == torch.get_num_threads()
