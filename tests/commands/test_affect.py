"""Valence and arousal with the commands: a list with ratings, training, metrics, prediction."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mien.inference.prediction import Prediction

SMALL = ["--width", "0.125", "--temporal-dim", "16", "--temporal-layers", "1"]
SMALL += ["--temporal-heads", "2", "--temporal-feedforward", "32", "--lr", "2e-3", "--text-freeze"]


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of 36 synthetic clips: pitch is arousal, words are valence, some ratings missing."""
    folder = tmp_path_factory.mktemp("rated")
    random = np.random.default_rng(0)
    with (folder / "clips.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["audio", "text", "person", "dialogue", "valence", "arousal", "emotion"])
        for number in range(36):
            arousal, valence = number % 3, number // 3 % 2
            time = np.arange(8000) / 16_000
            wave = np.sin(2 * np.pi * (300 + 700 * arousal) * time) * 0.3
            name = f"synthetic{number}.wav"
            soundfile.write(folder / name, wave + random.normal(0, 0.01, 8000), 16_000)
            words = ("such grief", "what a joy")[valence]
            given = "" if number % 5 == 4 else f"{1.5 + 1.5 * arousal}"
            label = ("sad", "happy")[valence]
            person, dialogue = f"P{number % 4}", f"D{number // 6}"
            rows.writerow([name, words, person, dialogue, 2 + 2 * valence, given, label])
    return folder


@pytest.fixture(scope="module")
def data(program, rated: Path) -> Path:
    out = rated / "data"
    result = program("prepare", "manifest", rated / "clips.csv", out, "--workers", 1)
    assert result.returncode == 0, result.stderr
    assert "labels      arousal 29, valence 36" in result.stdout
    return out


@pytest.fixture(scope="module")
def run(program, data: Path, tiny_text: Path) -> Path:
    out = data.parent / "run"
    flags = ["--text-model", tiny_text, "--task", "emotion+affect", "--protocol", "dialogues"]
    result = program(
        "train", data, "--out", out, *flags, "--modalities", "ta", "--epochs", 8, *SMALL
    )
    assert result.returncode == 0, result.stderr
    return out


@pytest.mark.slow
def test_it_learns_is_evaluated_and_reported(mien, run: Path) -> None:
    log = list(csv.DictReader((run / "log" / "metrics.csv").open()))
    assert {"valid/ccc", "valid/f1"} <= set(log[0])
    result = mien("evaluate", run)
    assert result.returncode == 0, result.stderr
    block = json.loads((run / "metrics.json").read_text())["tasks"]["affect"]
    assert block["labels"] == ["valence", "arousal"]
    assert block["average"]["ccc"] > 0.3
    assert block["baselines"]["constant"]["average"]["ccc"] == 0
    assert block["intervals"]["ccc"]["arousal"] is not None
    assert "Agreement with the ratings, by dimension" in result.stdout
    result = mien("report", run)
    assert result.returncode == 0, result.stderr
    assert "Affect, " in (run / "report.html").read_text()


@pytest.mark.slow
def test_predictions_are_on_the_scale_of_the_ratings(
    mien, run: Path, rated: Path, tmp_path
) -> None:
    out = tmp_path / "prediction.json"
    clip = rated / "synthetic0.wav"
    result = mien("predict", run, clip, "--text", "such grief", "--json", out)
    assert result.returncode == 0, result.stderr
    (prediction,) = map(Prediction.model_validate, json.loads(out.read_text()))
    answer = prediction.answers["affect"]
    assert set(answer.values) == {"valence", "arousal"}
    assert all(0 < value < 6 for value in answer.values.values())
    assert f"  affect: valence {answer.values['valence']:.2f}, arousal " in result.stdout


def test_concordance_of_one_utterance_is_refused(mien, data: Path, tmp_path: Path) -> None:
    flags = ["--task", "affect", "--batch-size", 1, "--modalities", "a"]
    result = mien("train", data, "--out", tmp_path / "run", *flags)
    assert result.returncode == 1
    assert "choose 2 or more, or another loss" in result.stderr


def test_an_unknown_task_is_refused_with_the_one_that_is_meant(mien, data: Path, tmp_path) -> None:
    for task, told in (
        ("emotion+affcet", "no task 'affcet' (did you mean affect?)"),
        ("both", "no task 'both'; choose from"),
        ("person+person", "names the task 'person' twice"),
        ("", "no task ''"),
    ):
        result = mien("train", data, "--out", tmp_path / "run", "--task", task)
        assert result.returncode == 2
        assert told in result.stderr
