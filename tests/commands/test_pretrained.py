"""Pretrained encoders by name on the command line, and evaluation with references."""

import json
from pathlib import Path

import pytest
from pretrained_models import write_whisper
from samples import store
from training_data import synthetic_sample

from mien.inference.predictions_file import read_predictions
from mien.models.pretrained.catalogue import CATALOGUE
from mien.runs.run import Run

FLAGS = ("--modalities", "a", "--protocol", "dialogues", "--loss", "ce", "--epochs", 1)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic data of 4 persons and 6 dialogues."""
    folder = tmp_path_factory.mktemp("spoken") / "data"
    return store(folder, [synthetic_sample(number) for number in range(36)]).folder


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_whisper(tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="module")
def trained(program, spoken: Path, whisper: Path, tmp_path_factory) -> Path:
    """A run with references, trained in a process of its own."""
    out = tmp_path_factory.mktemp("trained") / "run"
    own = ("--audio-encoder", whisper, "--layers", 2, "--layer-states", "all", "--references")
    result = program("train", spoken, "--out", out, *FLAGS, *own, "--augment", "--copies", 1)
    assert result.returncode == 0, result.stderr
    assert f"{out} is trained" in result.stdout
    return out


def test_a_run_records_what_the_flags_say(trained: Path, whisper: Path, spoken: Path) -> None:
    run = Run(trained)
    (encoder,) = run.config.model.encoders.values()
    assert encoder.kind == "pretrained"
    assert (encoder.model, encoder.layers, encoder.references) == (str(whisper), 2, True)
    (key,) = (spoken / "states").glob("*/key.json")
    assert json.loads(key.read_text())["layers"] == 2
    assert {path.name for path in key.parent.iterdir()} == {"key.json", "copy-0", "copy-1-1"}


def test_evaluation_reports_a_model_with_and_without_references(mien, trained: Path) -> None:
    result = mien("evaluate", trained)
    assert result.returncode == 0, result.stderr
    assert "with references of the same speaker: 10" in result.stdout
    metrics = json.loads((trained / "metrics.json").read_text())
    assert metrics["references"] is None
    plain = metrics["tasks"]["emotion"]
    assert metrics["with_references"]["emotion"]["n"] == plain["n"]
    assert read_predictions(trained / "predictions.parquet").info.references is None


@pytest.mark.parametrize("choice", ["10", "sad:1", "0"])
def test_references_are_chosen_and_recorded(
    choice: str, mien, trained: Path, tmp_path: Path
) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in trained.iterdir()}
    out = tmp_path / "out"
    result = mien("evaluate", trained, "--references", choice, "--out", out)
    assert result.returncode == 0, result.stderr
    assert json.loads((out / "metrics.json").read_text())["references"] == choice
    assert {path.name: path.stat().st_mtime_ns for path in trained.iterdir()} == before
    found = read_predictions(out / "predictions.parquet")
    mien("evaluate", trained, "--out", tmp_path / "without")
    without = read_predictions(tmp_path / "without" / "predictions.parquet")
    assert found.info.references == choice
    same = found.scores["emotion"] == without.scores["emotion"]
    assert same.all() == (choice == "0")


@pytest.mark.parametrize(
    ("flags", "status", "told"),
    [
        (("--references", "2"), 2, "--references needs --out"),
        (("--references", "cheerful:2", "--out", "o"), 1, "--references: 'cheerful' is no emotion"),
        (("--references", "many", "--out", "o"), 1, "--references: 'many' is no number"),
    ],
)
def test_wrong_references_are_refused(
    flags: tuple[str, ...], status: int, told: str, mien, trained: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = mien("evaluate", trained, *flags)
    assert result.returncode == status
    assert told in result.stderr


@pytest.mark.parametrize(
    ("flags", "status", "told"),
    [
        (("--audio-encoder", "wisper"), 2, "(did you mean whisper?)"),
        (("--audio-encoder", "wavlm-large"), 2, "(did you mean microsoft/wavlm-large?)"),
        (("--audio-encoder", "no/such"), 1, "`mien models fetch no/such` with MIEN_CACHE=DIR"),
        (("--lora", "4", "--audio-freeze", "none"), 2, "lora adapts a frozen network"),
        (("--references", "--audio-pooling", "attentive"), 2, "references need a frozen network"),
        (("--references", "--task", "emotion+person"), 1, "removes what identifies the speaker"),
        (("--copies", "2"), 1, "--copies: has no effect here: only a training with augment"),
        (("--audio-specaugment",), 1, "--audio-specaugment: has no effect here"),
        (
            ("--lr-factor", "2"),
            1,
            "--lr-factor: has no effect here",
        ),
        (("--temporal-dim", "32"), 1, "--temporal-dim: has no effect here: only the pooling"),
        (("--hidden", "8", "--fusion", "concat"), 1, "--hidden: has no effect here"),
        (("--audio-encoder", "voice", "--layers", "2"), 1, "--layers: has no effect here: only a"),
        (("--audio-encoder", "voice", "--layer-states", "all"), 1, "--layer-states: has no effect"),
        (("--layers", "9"), 1, "has 3 layers: choose 3 or fewer, not 9"),
        (("--audio-freeze", "3"), 1, "computes 3 layers, so that none is above 3 frozen ones"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_has_no_effect_or_cannot_be_is_refused(
    flags: tuple[str, ...],
    status: int,
    told: str,
    mien,
    spoken: Path,
    whisper: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    named = () if "--audio-encoder" in flags else ("--audio-encoder", whisper)
    result = mien("train", spoken, "--out", out, *FLAGS, *named, *flags)
    assert result.returncode == status, result.stderr
    assert told in result.stderr
    assert not out.exists()


def test_what_a_flag_makes_useless_in_a_recipe_is_noted(
    mien, spoken: Path, whisper: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.yaml"
    audio = {"kind": "pretrained", "model": str(whisper), "copies": 2, "hidden": 8}
    training = {"augment": True, "protocol": "dialogues", "loss": "ce", "epochs": 1}
    recipe.write_text(json.dumps({"model": {"encoders": {"audio": audio}}, "training": training}))
    result = mien("train", spoken, "--out", tmp_path / "run", "--config", recipe, "--no-augment")
    assert result.returncode == 0, result.stderr
    assert "audio_copies has no effect here: only a training with augment uses it" in result.stdout
    (encoder,) = Run(tmp_path / "run").config.model.encoders.values()
    assert (encoder.copies, encoder.hidden) == (4, 8)


# the package is an extra; `make setup` installs it, so the test runs there and in CI
@pytest.mark.slow
@pytest.mark.skipif(
    not CATALOGUE["whisper-tiny.en"].is_installed(), reason="the packaged Whisper is not installed"
)
def test_the_packaged_whisper_by_its_name(program, spoken: Path, tmp_path: Path) -> None:
    own = ("--audio-encoder", "whisper-tiny.en", "--layers", 2)
    result = program("train", spoken, "--out", tmp_path / "run", *FLAGS, *own)
    assert result.returncode == 0, result.stderr
    (source,) = Run(tmp_path / "run").config.frozen.values()
    assert source.name == "whisper-tiny.en"
    assert (tmp_path / "run" / "model.safetensors").stat().st_size < 1_000_000
