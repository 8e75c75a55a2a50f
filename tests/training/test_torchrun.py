"""Several processes: the numbers of one with the same global batch, one writer, one message."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from mien.cli import main
from mien.runs.run import Run

pytestmark = pytest.mark.slow
SMALL = ["--protocol", "dialogues", "--width", "0.125", "--temporal-dim", "16"]
SMALL += ["--temporal-layers", "1", "--temporal-heads", "2", "--temporal-feedforward", "32"]
SMALL += ["--dropout", "0"]
SMALL += ["--task", "emotion+person", "--optimizer", "sgd", "--lr", "0.01", "--clip", "1"]
SMALL += ["--modality-dropout", "0.3", "--modality-loss", "0.3"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}

BROKEN = """
import os, sys
from mien.errors import MienError
from mien.training.module import Learner

step, number, where = Learner.training_step, *sys.argv.pop(1).split()

def broken(learner, batch, index):
    if learner.current_epoch == 1 and index == 1 and os.environ["RANK"] == number:
        raise MienError(f"process {number} breaks") if where == "breaks" else SystemExit(9)
    return step(learner, batch, index)

Learner.training_step = broken
from mien.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def text(tiny_text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text encoder without dropout, in which processes would differ."""
    folder = Path(shutil.copytree(tiny_text, tmp_path_factory.mktemp("text") / "encoder"))
    config = json.loads((folder / "config.json").read_text())
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config | none))
    return folder


def command(data: Path, out: Path, text: Path, *flags: object) -> list[str]:
    return ["train", *map(str, (data, "--out", out, "--text-model", text, *SMALL, *flags))]


def torchrun(*words: object, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TORCHRUN, *map(str, words)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def messages(stderr: str) -> list[str]:
    """What mien says; the rest is torchrun's."""
    return re.findall(r"^(?:.*\r)?(mien: .*)$", stderr, re.MULTILINE)


def curve(run: Path) -> list[dict[str, float]]:
    rows = csv.DictReader((run / "log" / "metrics.csv").open())
    return [{name: float(value) for name, value in row.items()} for row in rows]


def test_two_processes_learn_as_one_does_with_the_same_global_batch(
    tiny_data: Path, tmp_path: Path, text: Path
) -> None:
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    assert main(command(tiny_data, one, text, "--batch-size", 10, "--epochs", 2)) == 0
    flags = ("--batch-size", 5, "--epochs", 2)
    result = torchrun("-m", "mien", *command(tiny_data, two, text, *flags))
    assert result.returncode == 0, result.stderr
    assert len(curve(one)) == 2
    for alone, shared in zip(curve(one), curve(two), strict=True):
        assert shared == pytest.approx(alone, abs=1e-5)
    said = result.stdout + result.stderr
    assert said.count("is trained") == said.count("protocol dialogues:") == 1
    assert said.count("epoch 2 of 2:") == 1
    recorded = Run(two).config.training
    assert (recorded["devices"], recorded["batch_size"], recorded["strategy"]) == (2, 5, "auto")
    assert Run(one).read("thresholds.json").keys() == Run(two).read("thresholds.json").keys()

    spawned = [sys.executable, "-m", "mien", *command(tiny_data, three, text, *flags)]
    subprocess.run([*spawned, "--devices", "2"], env=ENVIRONMENT, check=True, timeout=300)
    assert curve(three) == curve(two), "whoever starts the processes"


@pytest.mark.parametrize(
    ("number", "how", "told"),
    [
        (0, "breaks", r"mien: process 0 breaks"),
        (1, "breaks", r"mien: process 1 breaks"),
        (1, "ends", r"mien: interrupted; resume the run in .* from its last finished epoch"),
    ],
)
def test_where_one_process_fails_all_end_with_one_message_and_a_resumed_run_is_the_same(
    tiny_data: Path, tmp_path: Path, text: Path, number: int, how: str, told: str
) -> None:
    script, run = tmp_path / "broken.py", tmp_path / "run"
    script.write_text(BROKEN)
    flags = ("--epochs", 3, "--batch-size", 5, "--devices", 2)
    began = time.monotonic()
    result = torchrun(script, f"{number} {how}", *command(tiny_data, run, text, *flags))
    assert result.returncode == 1
    (message,) = messages(result.stderr)
    assert re.fullmatch(told, message)
    assert time.monotonic() - began < 120
    assert len(curve(run)) == 1
    if number == 0:
        whole = tmp_path / "whole"
        for words in (
            command(tiny_data, whole, text, *flags),
            ["train", "--resume", "--out", run],
        ):
            result = torchrun("-m", "mien", *words)
            assert result.returncode == 0, result.stderr
        assert curve(run) == curve(whole)
        weights = [load_file(r / "model.safetensors") for r in (run, whole)]
        assert all(weights[0][name].equal(weights[1][name]) for name in weights[1])


def test_a_folder_that_is_there_already_is_refused_once(
    tiny_data: Path, tmp_path: Path, text: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").touch()
    result = torchrun("-m", "mien", *command(tiny_data, tmp_path / "run", text))
    assert result.returncode == 1
    (message,) = messages(result.stderr)
    assert "run exists and is not empty" in message


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_torchrun_ends_it_and_leaves_a_run_to_resume(
    tiny_data: Path, tmp_path: Path, text: Path, sent: signal.Signals
) -> None:
    run = tmp_path / "run"
    words = [*TORCHRUN, "-m", "mien", *command(tiny_data, run, text, "--epochs", 500)]
    with subprocess.Popen(
        [*words, "--early-stop", "500"], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    ) as process:
        limit = time.monotonic() + 200
        while not (run / "state" / "last.safetensors").exists() and time.monotonic() < limit:
            time.sleep(0.2)
        process.send_signal(sent)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode != 0
    (message,) = messages(stderr)
    assert f"resume the run in {run} to continue from its last finished epoch" in message
    assert not list(run.rglob("*.part"))
