"""The run folder: what is written comes back, what is damaged is refused by name."""

import errno
import json
import pickle
import pickletools
import random
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

from mien.dataset.collate import collate
from mien.errors import MienError
from mien.models import MultimodalModel
from mien.models.pretrained.text_source import load_config, load_tokenizer
from mien.runs.config import DataConfig, RunConfig
from mien.runs.environment import environment
from mien.runs.run import Run
from mien.tasks import EmotionTask, PersonTask
from mien.tensor_file import read_tensors, write_tensors

# words that YAML would read as something else
EMOTION = EmotionTask(labels=("no", "null", "1e3"), loss="bce")
PERSON = PersonTask(labels=("01", "02", "0x3", "true"), loss="ce")


def config(text: Path | None = None, **changes: Any) -> RunConfig:
    modalities = "tav" if text else "av"
    own: dict[str, Any] = {
        "model": tiny(modalities=modalities, **({"text_model": str(text)} if text else {})),
        "tasks": (EMOTION, PERSON),
        "data": DataConfig(path="data", corpus="synthetic", protocol="random", synthetic=True),
        "training": {"lr": 5e-5, "protocol": None},
    }
    if text:
        encoder = load_config(str(text))
        own["pretrained"] = {"text": [encoder.to_dict() | {"model_type": encoder.model_type}]}
    return RunConfig(**(own | changes))


def numbers(model: MultimodalModel, tokenizer: Any) -> torch.Tensor:
    samples = [sample(i, m) for i, m in enumerate(("tav", "a", "tv", "va"))]
    with torch.inference_mode():
        output = model(collate(samples, model.config.readers(tokenizer)))
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
        with pytest.raises(MienError, match=r"^out: .* choose another") as error:
            Run.create(folder, config())
        assert str(folder) in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    (tmp_path / "empty").mkdir()
    assert Run.create(tmp_path / "empty", config()).config == config()


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(MienError, match="is not a run folder") as error:
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
        b"format: 3\nmodel: {modalities: xyz}\n",
        b"!!python/object/apply:pytest.fail ['YAML ran code']",
    ],
)
def test_a_damaged_configuration_is_refused(run: Run, content: bytes) -> None:
    (run.folder / "config.yaml").write_bytes(content)
    with pytest.raises(MienError, match="damaged") as error:
        Run(run.folder)
    assert str(run.folder / "config.yaml") in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("number", [0, 1, 2, "3", None])
def test_another_format_is_refused(run: Run, number: object) -> None:
    path = run.folder / "config.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"format": number}))
    with pytest.raises(MienError, match=r"has format .*, and this version .* reads 3") as error:
        Run(run.folder)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    "text", [{}, {"model_type": "no-such-kind"}, {"model_type": "bert", "hidden_size": "wide"}]
)
def test_a_text_section_that_describes_no_encoder_is_refused(
    wordy: Run, text: dict[str, Any]
) -> None:
    path = wordy.folder / "config.yaml"
    path.write_text(
        yaml.safe_dump(yaml.safe_load(path.read_text()) | {"pretrained": {"text": [text]}})
    )
    with pytest.raises(MienError, match=str(path)):
        Run(wordy.folder).model()


def test_a_model_with_words_needs_its_encoder_described() -> None:
    with pytest.raises(ValidationError, match="needs its section pretrained"):
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
    fewer = {name: t for name, t in weights.items() if name != "heads.emotion.audio.bias"}
    more = weights | {"unknown": torch.zeros(1)}
    other = tiny_model(None, modalities="av", temporal_dim=8).state_dict()
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


def flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["model.safetensors", "state/last.safetensors"])
def test_a_flipped_bit_in_tensors_is_refused_or_changes_nothing(run: Run, name: str) -> None:
    path = run.folder / name
    tensors = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(3), "c": torch.zeros(0)}
    path.parent.mkdir(exist_ok=True)
    write_tensors(path, tensors | {"d": torch.ones(3, dtype=torch.bfloat16)}, {"state": "[1, 2]"})
    right, good = read_tensors(path), path.read_bytes()
    assert right[1] == {"state": "[1, 2]"}
    assert set(right[0]) == {"a", "b", "c", "d"}
    refused = 0
    for bit in random.Random(0).sample(range(8 * len(good)), 500):
        flip(path, bit)
        try:
            tensors, texts = read_tensors(path)
        except MienError:
            refused += 1
        else:
            assert all(torch.equal(tensors[n], t) for n, t in right[0].items()), bit
            assert texts["state"] == right[1]["state"]  # the digest's own name is no content
        path.write_bytes(good)
    assert refused > 450


def test_weights_of_another_program_have_no_digest_and_are_read(run: Run) -> None:
    weights = run.weights()
    save_file(weights, run.folder / "model.safetensors")
    assert all(torch.equal(w, weights[n]) for n, w in Run(run.folder).weights().items())


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_neither_written_nor_read(run: Run, number: float) -> None:
    good = (run.folder / "model.safetensors").read_bytes()
    model = tiny_model(None, modalities="av")
    with torch.no_grad():
        next(p for p in model.parameters() if p.ndim == 1)[0] = number
    with pytest.raises(MienError, match=r"NaN or infinite, in .*keeps those of the epochs before"):
        run.write_model(model)
    assert (run.folder / "model.safetensors").read_bytes() == good
    write_tensors(run.folder / "model.safetensors", model.state_dict())
    with pytest.raises(MienError, match="weights that are NaN or infinite") as error:
        run.weights()
    assert str(run.folder / "model.safetensors") in str(error.value)


def test_the_tokenizer_is_the_one_that_the_run_began_with(wordy: Run) -> None:
    path = wordy.folder / "tokenizer" / "tokenizer.json"
    assert set(wordy.config.files) == {f"tokenizer/{p.name}" for p in path.parent.iterdir()}
    right, good = wordy.tokenizer()("how lovely")["input_ids"], path.read_bytes()
    place = good.index(b'"lovely"')
    flip(path, 8 * (place + 1))
    with pytest.raises(MienError, match=r"tokenizer\.json is damaged or was replaced"):
        Run(wordy.folder).tokenizer()
    path.write_bytes(good)
    assert Run(wordy.folder).tokenizer()("how lovely")["input_ids"] == right


@pytest.mark.parametrize("value", ["1.5", "-0.1", "1e999", "NaN", "true", '"0.5"', "null", "[0.5]"])
def test_thresholds_that_make_no_sense(run: Run, value: str) -> None:
    path = run.folder / "thresholds.json"
    path.write_text('{"emotion": {"no": 0.5, "null": VALUE, "1e3": 0}}'.replace("VALUE", value))
    with pytest.raises(MienError, match="damaged") as error:
        run.thresholds(EMOTION)
    assert str(path) in str(error.value)
    path.write_text('{"emotion": {"no": 1, "null": 0.25, "1e3": 0}}')
    assert run.thresholds(EMOTION) == [1.0, 0.25, 0.0]


def test_what_can_not_be_written_is_known_to_the_work_at_hand(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = {"emotion": {"no": 0.1, "null": 0.2, "1e3": 0.3}}

    def fail(path: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr("mien.files.sync", fail)
        with pytest.raises(MienError, match=r"thresholds\.json: can't be written \(Read-only"):
            run.write("thresholds.json", chosen)
    assert run.thresholds(EMOTION) == [0.1, 0.2, 0.3]
    assert Run(run.folder).thresholds(EMOTION) == [0.5] * 3
    run.write("thresholds.json", chosen)
    assert Run(run.folder).thresholds(EMOTION) == [0.1, 0.2, 0.3]


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
