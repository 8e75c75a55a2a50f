"""Encoders of audio and of faces of 112 pixels, and a task, of one file each, by the commands."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file

from .conftest import HERE, Run

SESSIONS = ("S0", "S4", "S21", "S5")
TOYS = ("toy_audio_encoder", "toy_video_encoder", "toy_task", "toy_protocol")


@pytest.fixture(scope="module")
def mien(mien_with: Callable[..., Run]) -> Run:
    return mien_with(*TOYS)


@pytest.fixture(scope="module")
def clips(shared_data: Path) -> list[Path]:
    """Real clips of people who speak, whose emotions are made up here."""
    return sorted((shared_data / "grid").glob("*.mpg"))[:8]


@pytest.fixture(scope="module")
def data(mien: Run, clips: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("grid")
    with (folder / "clips.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "video", "audio", "person", "session", "emotion"])
        for number, clip in enumerate(clips):
            session, emotion = SESSIONS[number // 2], ("happy", "sad")[number % 2]
            table.writerow([clip.stem, clip, clip, f"P{number}", session, emotion])
    out = folder / "data"
    result = mien("prepare", "manifest", folder / "clips.csv", out, "--workers", 1)
    assert result.returncode == 0, result.stderr
    assert json.loads((out / "dataset.json").read_text())["face_size"] == 112
    return out


def test_their_settings_are_flags_with_choices(mien: Run) -> None:
    shown = " ".join(mien("train", "--help").stdout.split())
    known = "vgg, sparse-vgg, rnn, feature-transformer, pretrained, loudness"
    assert f"another encoder for audio: {known};" in shown
    assert "patches" in shown
    assert "--audio-loudness-size VALUE" in shown
    result = mien("train", "data", "--out", "run", "--video-encoder", "patchs")
    assert result.returncode == 2
    assert "did you mean patches?" in result.stderr


@pytest.mark.slow
def test_a_model_of_them_is_trained_evaluated_and_answers(
    mien: Run, mien_with: Callable[..., Run], clips: list[Path], data: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    command = ["train", data, "--out", run, "--task", "pleasure", "--protocol", "session-hash"]
    command += ["--modalities", "av", "--audio-encoder", "loudness", "--video-encoder", "patches"]
    command += ["--audio-loudness-size", 5, "--epochs", 2, "--lr", "2e-3", "--workers", 1]
    result = mien(*command)
    assert result.returncode == 0, result.stderr
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["model"]["encoders"] == {
        "audio": {"kind": "loudness", "loudness_size": 5},
        "video": {"kind": "patches"},
    }
    weights = load_file(run / "model.safetensors")
    assert weights["encoders.audio.layer.weight"].shape == (5, 1)
    assert weights["encoders.video.patches.weight"].shape == (12, 3, 16, 16)
    assert mien("evaluate", run).returncode == 0
    metrics = json.loads((run / "metrics.json").read_text())["tasks"]["pleasure"]
    assert (metrics["n"], metrics["labels"]) == (2, ["pleasant", "unpleasant"])
    answer = mien("predict", run, clips[-1], "--json", "-")
    assert answer.returncode == 0, answer.stderr
    (prediction,) = json.loads(answer.stdout)
    assert prediction["modalities"] == ["audio", "video"]
    assert set(prediction["answers"]["pleasure"]["scores"]) == {"pleasant", "unpleasant"}
    refused = mien_with()("predict", run, clips[-1])
    assert refused.returncode == 1
    assert "'loudness'" in refused.stderr or "'patches'" in refused.stderr


@pytest.mark.parametrize("name", TOYS[:3])
def test_the_page_shows_these_files(name: str) -> None:
    page = (HERE.parents[1] / "docs" / "extending.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    assert (HERE / f"{name}.py").read_text() in blocks
