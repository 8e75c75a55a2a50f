"""Tiny studies on synthetic utterances of four speakers."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from study_data import write_study_data

from mien.cli import main

SETTINGS = "--protocol kfold-speakers --num-folds 2 --modalities t --loss ce --batch-size 4"
SETTINGS += " --lr 5e-3 --text-lr-factor 1 --epochs 3"


@pytest.fixture(scope="session")
def study_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 utterances of 4 speakers and 3 emotions, with text alone."""
    return write_study_data(tmp_path_factory.mktemp("studies") / "data")


@pytest.fixture(scope="session")
def cv(study_data: Path, tiny_text: Path) -> list[str]:
    """The words of a command that trains four networks: two folds with two seeds."""
    words = ["cv", str(study_data), *SETTINGS.split(), "--text-model", str(tiny_text)]
    return [*words, "--seeds", "0", "1", "--device", "cpu"]


@pytest.fixture(scope="session")
def study(cv: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of that study, which nothing has interrupted."""
    folder = tmp_path_factory.mktemp("studies") / "study"
    assert main([*cv, "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def started() -> Callable[..., subprocess.Popen[str]]:
    """Start `mien ...` as a user does, with one thread, which makes equal numbers."""
    program = Path(sys.executable).parent / "mien"
    one = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}

    def start(*arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(program), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | one,
            # a shell that starts the tests in the background has their children ignore Ctrl-C
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    return start


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Give what a command says that is wrong."""

    def run(*words: object) -> str:
        with pytest.raises(SystemExit) as stop:
            main([*map(str, words)])
        assert stop.value.code == 2
        return capsys.readouterr().err

    return run
