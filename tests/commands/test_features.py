"""What a user types for the two-phase baselines, from prepared data to answers."""

import json
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from mien.inference.prediction import Prediction

SMALL = ["--task", "emotion+person", "--protocol", "dialogues", "--modalities", "ta"]
SMALL += ["--lr", "2e-3"]


@pytest.fixture(scope="module")
def featured(program, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the clips' data with features beside them."""
    folder = tmp_path_factory.mktemp("featured") / "data"
    copytree(data, folder)
    result = program("features", folder, "--workers", 2)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "text    256 features per step (wordllama-256), of 36 of 36 utterances",
        "audio   144 features per step (voice-1), of 36 of 36 utterances",
    ]
    return folder


@pytest.fixture(scope="module")
def baseline(program, featured: Path) -> Path:
    run = featured.parent / "run"
    result = program(
        *("train", featured, "--out", run, "--model", "lf-rnn", "--rnn-hidden", 16, *SMALL),
        *("--clip", 2, "--epochs", 6),
    )
    assert result.returncode == 0, result.stderr
    return run


def test_evaluate_and_report(program, baseline: Path) -> None:
    result = program("evaluate", baseline)
    assert result.returncode == 0, result.stderr
    metrics = json.loads((baseline / "metrics.json").read_text())
    assert set(metrics["tasks"]) == {"emotion", "person"}
    assert metrics["tasks"]["emotion"]["n"] == 6
    result = program("report", baseline)
    assert result.returncode == 0, result.stderr
    assert "happy" in (baseline / "report.html").read_text()


def test_predict_extracts_the_features_of_a_clip(program, baseline: Path, clips: Path) -> None:
    clip = clips / "synthetic3.wav"
    result = program("predict", baseline, clip, "--text", "what a joy", "--json", "-")
    assert result.returncode == 0, result.stderr
    (prediction,) = map(Prediction.model_validate, json.loads(result.stdout))
    assert prediction.modalities == ["text", "audio"]
    assert prediction.seconds == 0.5
    assert sum(prediction.answers["person"].scores.values()) == pytest.approx(1, abs=1e-4)


def test_inspect_tells_of_the_features(mien, featured: Path) -> None:
    shown = mien("inspect", featured).stdout
    assert "features of t wordllama-256 (256), a voice-1 (144)\n  ta     36 100.0%" in shown


def test_again_there_is_nothing_to_do(mien, featured: Path) -> None:
    result = mien("features", featured)
    assert result.returncode == 0, result.stderr
    assert "nothing to do" in result.stderr
    assert "36 of 36" in result.stdout


def test_resume_and_explain(mien, baseline: Path, clips: Path, tmp_path: Path) -> None:
    before = (baseline / "model.safetensors").read_bytes()
    assert mien("train", "--resume", "--out", baseline).returncode == 0
    assert (baseline / "model.safetensors").read_bytes() == before
    result = mien("explain", baseline, clips / "synthetic3.wav", "--out", tmp_path / "looks")
    assert result.returncode == 1
    assert "a sparse one" in result.stderr


def told(result, *words: str) -> None:
    assert result.returncode == 1
    (message,) = result.stderr.strip().splitlines()[-1:]
    assert message.startswith("mien: ")
    for word in words:
        assert word in message, message


def test_training_without_features(mien, data: Path, tmp_path: Path) -> None:
    result = mien("train", data, "--out", tmp_path / "run", "--model", "lf-rnn")
    told(result, "has no features", f"mien features {data}")
    assert not (tmp_path / "run").exists()


def test_training_with_wrong_sizes_or_idle_settings(mien, featured: Path, tmp_path: Path) -> None:
    train = ["train", featured, "--out", tmp_path / "run", "--model", "lf-rnn", *SMALL]
    size = mien(*train, "--text-feature-size", 300)
    told(size, "--text-feature-size: ", "text features of size 256, not 300", "leave it out")
    told(
        mien(*train, "--audio-feature-type", 6),
        "--audio-feature-type: selection 6",
        "published files",
    )
    told(mien(*train, "--text-freeze"), "--text-freeze: has no effect")
    assert mien(*train, "--text-feature-size", "many").returncode == 2
    assert mien(*train, "--audio-feature-type", 7).returncode == 2
    assert not (tmp_path / "run").exists()


def test_a_selection_of_the_voice_features(mien, featured: Path, tmp_path: Path) -> None:
    train = ["train", featured, "--model", "lf-transformer", *SMALL, "--temporal-layers", 1]
    train += ["--temporal-feedforward", 16, "--epochs", 1]
    result = mien(*train, "--out", tmp_path / "run", "--audio-feature-type", 3)
    assert result.returncode == 0, result.stderr
    config = (tmp_path / "run" / "config.yaml").read_text()
    sizes = [line.split(": ")[1] for line in config.splitlines() if "feature_size:" in line]
    assert sizes == ["256", "34"]


def test_features_of_things_that_are_not_there(mien, data: Path, tmp_path: Path) -> None:
    told(mien("features", tmp_path), "not a prepared folder")
    copytree(data, tmp_path / "data")
    features = ["features", tmp_path / "data", "--workers", 1]
    told(mien(*features, "--glove", tmp_path / "no.txt"), "no.txt", "does not exist")
    told(mien(*features, "--read", tmp_path / "no"), "does not exist")
    assert mien(*features, "--modalities", "xyz").returncode == 2
    result = mien(*features, "--modalities", "tav")
    assert result.returncode == 0, result.stderr
    assert "no utterance has features of video" in result.stdout
    assert mien("features", tmp_path / "data", "--workers", 0).returncode == 2


def test_features_that_are_read(mien, data: Path, tmp_path: Path) -> None:
    copytree(data, tmp_path / "data")
    own = tmp_path / "own"
    own.mkdir()
    from mien.dataset.store import Store

    for number, utterance in enumerate(Store(data).utterances):
        np.savez(own / f"{utterance.id}.npz", face=np.full((2, 10), number % 2))
    result = mien("features", tmp_path / "data", "--read", own, "--workers", 1)
    assert result.returncode == 0, result.stderr
    assert "video    10 features per step (own), of 36 of 36 utterances" in result.stdout
