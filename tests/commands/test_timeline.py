"""mien timeline, as a user types it."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from samples import tiny_run

from mien.cli.timeline import FORMATS
from mien.corpora.synthetic.interview import interview
from mien.report.timeline import formats

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("voice_weights")]


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("talk") / "made"
    interview(folder, seconds=30, seed=5, progress=False)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_text: Path) -> Path:
    return tiny_run(tmp_path_factory.mktemp("runs") / "run", tiny_text).folder


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "mien", "timeline", *map(str, words)]


def test_the_formats_are_those_that_there_are() -> None:
    assert tuple(formats.FORMATS) == FORMATS


def test_everything_is_written_and_a_summary_shown(talk: Path, run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = command(run, talk / "interview.mp4", "--transcript", talk / "interview.srt")
    done = subprocess.run([*words, "--out", out, "--frames"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    files = {name for one in formats.FORMATS.values() for name in one.files}
    assert {path.name for path in out.iterdir()} == files | {"faces.csv", "audio.csv"}
    truth = json.loads((talk / "interview.json").read_text())
    assert f"{len(truth['turns'])} segments" in done.stdout
    assert all(one["name"] in done.stdout for one in truth["speakers"])
    rows = list(csv.DictReader((out / "segments.csv").open(encoding="utf-8")))
    assert [row["speaker"] for row in rows] == [turn["speaker"] for turn in truth["turns"]]
    assert [row["text"] for row in rows] == [turn["text"] for turn in truth["turns"]]
    for row, turn in zip(rows, truth["turns"], strict=True):
        assert float(row["start"]) == pytest.approx(turn["start"], abs=0.01)
        assert float(row["end"]) == pytest.approx(turn["end"], abs=0.01)
    faces = list(csv.DictReader((out / "faces.csv").open(encoding="utf-8")))
    assert {row["speaker"] for row in faces} == {one["name"] for one in truth["speakers"]}
    audio = list(csv.DictReader((out / "audio.csv").open(encoding="utf-8")))
    assert len(audio) == pytest.approx(10 * truth["seconds"], abs=1)


def test_killed_and_resumed_it_writes_the_same(talk: Path, run: Path, tmp_path: Path) -> None:
    options: list[Any] = [run, talk / "interview.mp4", "--formats", "json", "srt", "--embeddings"]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    subprocess.run(command(*options, "--out", whole), check=True, capture_output=True)
    for step in ("audio.json", "speech.json", "faces.safetensors"):
        process = subprocess.Popen(
            command(*options, "--out", cut, "--resume"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 120
        while not (cut / ".unfinished" / step).exists() and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    last = subprocess.run(
        command(*options, "--out", cut, "--resume"), capture_output=True, text=True
    )
    assert last.returncode == 0, last.stderr
    assert sorted(path.name for path in cut.iterdir()) == ["timeline.json", "timeline.srt"]
    for name in ("timeline.json", "timeline.srt"):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--speakers", "0"], 1, "--speakers"),
        (["--start", "9", "--end", "3"], 1, "--end"),
        (["--segments", "cues"], 1, "--segments"),
        (["--diarizer", "hmm"], 1, "--diarizer"),
        (["--formats", "doc"], 2, "json"),
        (["--language", "de"], 2, "--transcribe"),
        (["--encoder", "face"], 2, "--gallery"),
        (["--transcribe", "--transcript", "a.srt"], 2, "not allowed"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(
    talk: Path, run: Path, tmp_path: Path, words: list[str], status: int, said: str
) -> None:
    options = [run, talk / "interview.mp4", "--no-faces", "--out", tmp_path / "out"]
    done = subprocess.run(command(*options, *words), capture_output=True, text=True)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr
