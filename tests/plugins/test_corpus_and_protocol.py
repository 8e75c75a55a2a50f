"""A corpus and a protocol of one file each, through the public commands."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from .conftest import HERE, TINY, Run

SESSIONS = {"S0": "train", "S4": "train", "S21": "valid", "S5": "test"}


@pytest.fixture(scope="module")
def mien(mien_with: Callable[..., Run]) -> Run:
    return mien_with("toy_corpus", "toy_protocol")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy corpus: tones of two heights, which four speakers mean as joy and as grief."""
    folder = tmp_path_factory.mktemp("toy")
    random = np.random.default_rng(0)
    rows = []
    for session in SESSIONS:
        for number in range(6):
            time = np.arange(8000) / 16_000
            wave = 0.3 * np.sin(2 * np.pi * (300 + 900 * (number % 2)) * time)
            name = f"{session}-{number}.wav"
            soundfile.write(folder / name, wave + random.normal(0, 0.01, 8000), 16_000)
            meant, heard = ("happy", "sad")[number % 2], ("sad", "happy")[number % 2]
            rows.append("\t".join([name, f"P{number % 3}", session, meant, heard, "synthetic"]))
    rows.append("gone.wav\tP0\tS0\thappy\thappy\t")
    (folder / "clips.tsv").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="module")
def data(mien: Run, clips: Path) -> Path:
    out = clips.parent / f"{clips.name}-data"
    result = mien("prepare", "toy", clips, out, "--labels", "heard", "--workers", 1)
    assert result.returncode == 0, result.stderr
    assert "toy: 24 utterances of 3 known persons" in result.stdout
    return out


def test_the_help_shows_them(mien: Run) -> None:
    shown = mien("prepare", "--help").stdout
    assert "  toy         a folder of WAV files with their list, clips.tsv (--labels)\n" in shown
    assert "--labels {meant,heard}" in shown
    assert "toy: the emotion that was meant, or that was heard (default: meant)" in shown
    assert ",emobox,session-hash}" in mien("train", "--help").stdout


def test_the_options_of_a_plugin_are_read_and_recorded(data: Path) -> None:
    begun = json.loads((data / "prepare.json").read_text())
    assert begun["corpus"] == "toy"
    assert begun["options"]["labels"] == "heard"
    skipped = [json.loads(line) for line in (data / "skipped.jsonl").read_text().splitlines()]
    (gone,) = (item for item in skipped if not item["kind"].startswith("note: "))
    assert (gone["id"], gone["reason"]) == ("gone.wav", "file missing: gone.wav")


def test_an_option_of_another_corpus_is_refused(mien: Run, clips: Path, tmp_path: Path) -> None:
    result = mien("prepare", "ravdess", clips, tmp_path / "out", "--labels", "heard")
    assert result.returncode == 2
    assert "--labels is not for the corpus ravdess, but for toy\n" in result.stderr
    result = mien("prepare", "toy", clips, tmp_path / "out", "--labels", "seen")
    assert result.returncode == 2
    assert "error: --labels: Input should be 'meant' or 'heard' (given: 'seen')" in result.stderr


def test_inspect_measures_the_protocol(mien: Run, data: Path) -> None:
    lines = mien("inspect", data).stdout.splitlines()
    (row,) = (line.split() for line in lines if line.startswith("  session-hash"))
    assert row[1:7] == ["12", "6", "6", "100%", "-", "100%"]
    assert " ".join(row[7:]) == "sessions by a hash of their names"


@pytest.mark.slow
def test_a_model_is_trained_evaluated_and_answers(
    mien: Run, mien_with: Callable[..., Run], clips: Path, data: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    command = ["train", data, "--out", run, "--modalities", "a", "--epochs", 2, *TINY]
    result = mien(*command, "--protocol", "session-hash", "--workers", 1)
    assert result.returncode == 0, result.stderr
    assert "protocol session-hash: 12 of 12 train, 6 of 6 valid, 6 of 6 test" in result.stderr
    data_section = yaml.safe_load((run / "config.yaml").read_text())["data"]
    assert (data_section["corpus"], data_section["protocol"]) == ("toy", "session-hash")
    assert "toy_corpus" not in (run / "config.yaml").read_text()
    result = mien("evaluate", run)
    assert result.returncode == 0, result.stderr
    metrics = json.loads((run / "metrics.json").read_text())
    assert (metrics["protocol"], metrics["tasks"]["emotion"]["n"]) == ("session-hash", 6)
    plain = mien_with()
    clip = clips / "S5-0.wav"
    assert plain("predict", run, clip).stdout == mien("predict", run, clip).stdout != ""
    refused = plain("evaluate", run)
    assert refused.returncode == 1
    assert "no protocol 'session-hash'" in refused.stderr
    assert plain("evaluate", run, "--split", "all").returncode == 0


@pytest.mark.slow
def test_cross_validation_takes_a_protocol_with_folds(
    mien_with: Callable[..., Run], data: Path, tmp_path: Path
) -> None:
    mien, study = mien_with("toy_corpus", "toy_folds"), tmp_path / "study"
    result = mien(
        *("cv", data, "--protocol", "session-folds", "--folds", 1, 4, "--modalities", "a"),
        *("--epochs", 1, "--keep", "none", "--out", study, *TINY),
    )
    assert result.returncode == 0, result.stderr
    found = json.loads((study / "metrics.json").read_text())
    splits = [(row["fold"], row["train"], row["valid"], row["test"]) for row in found["leakage"]]
    assert splits == [(1, 12, 6, 6), (4, 12, 6, 6)]
    assert found["tasks"]["emotion"]["n"] == 12
    refused = mien("cv", data, "--protocol", "session-folds", "--folds", 5, "--out", study)
    assert "--folds: 5 is not one of the folds of session-folds, which are 1 to 4" in refused.stderr


def test_worker_processes_know_plugins(mien_with: Callable[..., Run]) -> None:
    result = mien_with("toy_corpus", program=["-m", "toy_workers"])()
    assert result.returncode == 0, result.stderr
    assert result.stdout == "a folder of WAV files with their list, clips.tsv\n" * 2


def test_a_plugin_that_fails_is_named_in_a_line(mien_with: Callable[..., Run]) -> None:
    result = mien_with("toy_corpus", "no_such_plugin")("prepare", "--help")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        "mien: the plugin no_such_plugin, named by MIEN_PLUGINS, cannot be imported"
        " (ModuleNotFoundError: No module named 'no_such_plugin'): repair it or remove it\n"
    )


@pytest.mark.parametrize("name", ["toy_corpus", "toy_protocol", "toy_folds"])
def test_the_page_shows_these_files(name: str) -> None:
    page = (HERE.parents[1] / "docs" / "extending.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    assert (HERE / f"{name}.py").read_text() in blocks
