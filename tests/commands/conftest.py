"""A trained run made with the commands themselves, on a little synthetic corpus."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mien.cli import main

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def program() -> Command:
    """Run `mien ...` as a user does, in a process of its own."""
    path = Path(sys.executable).parent / "mien"
    quiet = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(path), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=300,
            env=os.environ | quiet,
        )

    return run


@pytest.fixture
def mien(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the same commands in this process, which spares seconds of imports each."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        capsys.readouterr()
        typed = [str(argument) for argument in arguments]
        try:
            status = main(typed)
        except SystemExit as stop:
            status = int(stop.code or 0)
        shown = capsys.readouterr()
        return subprocess.CompletedProcess(typed, status, shown.out, shown.err)

    return run


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's own list of 36 synthetic sound clips: tones for emotions, pitch for persons."""
    folder = tmp_path_factory.mktemp("clips")
    random = np.random.default_rng(0)
    with (folder / "clips.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["audio", "text", "person", "dialogue", "emotion"])
        for number in range(36):
            emotion, person = number % 2, number // 2 % 3
            time = np.arange(8000) / 16_000
            wave = np.sin(2 * np.pi * (300 + 900 * emotion + 100 * person) * time)
            name = f"synthetic{number}.wav"
            soundfile.write(folder / name, wave * 0.3 + random.normal(0, 0.01, 8000), 16_000)
            words = ("what a joy", "such grief")[emotion]
            label = ("happy", "sad")[emotion]
            rows.writerow([name, words, f"P{person}", f"D{number // 6}", label])
    return folder


@pytest.fixture(scope="session")
def data(program: Command, clips: Path) -> Path:
    """Prepared data of the clips."""
    out = clips / "data"
    result = program("prepare", "manifest", clips / "clips.csv", out, "--workers", 1)
    assert result.returncode == 0, result.stderr
    return out


SMALL = ["--width", "0.125", "--temporal-dim", "16", "--temporal-layers", "1"]
SMALL += ["--temporal-heads", "2", "--temporal-feedforward", "32", "--lr", "2e-3", "--text-freeze"]


@pytest.fixture(scope="session")
def run_folder(program: Command, data: Path, tiny_text: Path) -> Path:
    """A run trained and evaluated with the commands."""
    out = data.parent / "run"
    flags = ["--text-model", tiny_text, "--task", "emotion+person", "--protocol", "dialogues"]
    flags += ["--modalities", "ta"]
    result = program("train", data, "--out", out, *flags, "--epochs", 4, *SMALL)
    assert result.returncode == 0, result.stderr
    result = program("evaluate", out)
    assert result.returncode == 0, result.stderr
    return out
