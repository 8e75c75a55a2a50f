"""mien predict over folders, patterns and lists, into a file that survives an interruption."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import soundfile
from media_files import murmur
from samples import tiny_run

CLIPS = 30


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_text: Path) -> Path:
    """A run that has learnt nothing."""
    return tiny_run(tmp_path_factory.mktemp("run") / "run", tiny_text).folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic sounds, of which one has two segments and one is broken; one has a transcript."""
    folder = tmp_path_factory.mktemp("clips")
    for number in range(CLIPS):
        seconds = 20 if number == 7 else 0.3 + number % 3 / 10
        wave = murmur(round(seconds * 16_000)) * (0.2 + 0.02 * number)
        soundfile.write(folder / f"synthetic{number:02}.wav", wave, 16_000)
    (folder / "synthetic11.wav").write_bytes(b"RIFF")
    (folder / "synthetic03.txt").write_text("I am glad that you came.")
    (folder / "notes.md").write_text("nothing to hear")
    return folder


@pytest.fixture(scope="module")
def whole(program, run: Path, folder: Path) -> Path:
    """The predictions for them, by a command that nothing interrupted."""
    out = run.parent / "whole.jsonl"
    result = program("predict", run, folder, "--out", out, "--workers", 1)
    assert result.returncode == 1
    assert result.stdout.startswith(f"{out}: 30 clips, 1 of them failed\n  31 s of recordings in ")
    assert f"{folder}: 30 clips; skipped 1 files that are no recordings (1 .md)" in result.stderr
    assert "1 of 30 clips could not be predicted: the column error of" in result.stderr
    return out


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_folder_gives_a_row_a_clip(whole: Path, folder: Path, run: Path) -> None:
    found = rows(whole)
    assert [row["source"] for row in found] == [
        str(folder / f"synthetic{number:02}.wav") for number in range(CLIPS)
    ]
    assert [number for number, row in enumerate(found) if row["error"]] == [11]
    assert "cannot be read as a media file" in found[11]["error"]
    assert found[3]["warnings"][0] == "text from synthetic03.txt beside the clip"
    assert found[3]["modalities"] == ["text", "audio"]
    assert len(found[7]["segments"]) == 2
    assert {row["run"] for row in found} == {str(run), None}
    assert not whole.with_name("whole.jsonl.journal").exists()


def test_rows_depend_on_neither_processes_nor_batches(
    mien, run: Path, folder: Path, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a.jsonl"
    flags = ["--out", out, "--workers", 2, "--batch-size", 3]
    assert mien("predict", run, folder, *flags).returncode == 1
    assert out.read_bytes() == whole.read_bytes()


def test_rows_are_what_the_command_tells_of_a_few_clips(
    mien, run: Path, folder: Path, whole: Path
) -> None:
    few = [folder / f"synthetic{number:02}.wav" for number in (3, 7, 8)]
    result = mien("predict", run, *few, "--batch-size", 1, "--json", "-")
    told = [{k: v for k, v in one.items() if k != "embedding"} for one in json.loads(result.stdout)]
    found = [rows(whole)[number] for number in (3, 7, 8)]
    assert [{k: v for k, v in row.items() if k != "error"} for row in found] == told


def start(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "mien", "predict", *map(str, words)]
    quiet = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    pipe, own = subprocess.PIPE, os.environ | quiet
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=own, process_group=0)


def wait_for(out: Path, lines: int, process: subprocess.Popen[str]) -> None:
    """Wait until a command has written so many rows, or has ended."""
    while process.poll() is None:
        if out.exists() and out.read_bytes().count(b"\n") >= lines:
            return
        time.sleep(0.005)


@pytest.mark.slow
def test_a_command_that_is_killed_again_and_again_ends_like_any_other(
    program, run: Path, folder: Path, whole: Path, tmp_path: Path
) -> None:
    out, draw = tmp_path / "killed.jsonl", random.Random(0)
    words = (run, folder, "--out", out, "--workers", 2, "--resume")
    for lines in (0, *sorted(draw.sample(range(1, CLIPS - 4), 4))):
        process = start(*words)
        wait_for(out, lines, process)
        time.sleep(draw.uniform(0, 1.5 if lines == 0 else 0.02))
        process.kill()
        assert process.wait() == -signal.SIGKILL
    result = program("predict", *words)
    assert result.returncode == 1
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.glob("killed*")) == [out.name]


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on(run: Path, folder: Path, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.jsonl"
    process = start(run, folder, "--out", out, "--workers", 2)
    wait_for(out, 5, process)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate()[1]
    assert process.returncode == 1
    assert said.splitlines()[-1] == (
        "mien: interrupted; what is done is kept: the same command with --resume goes on"
    )
    assert "Traceback" not in said
    assert whole.read_bytes().startswith(out.read_bytes())
    again = start(run, folder, "--out", out)
    assert again.communicate()[1].startswith(f"{folder}: 30 clips")
    assert again.returncode == 1


def test_a_list_brings_texts_and_columns_and_gets_them_back(
    mien, run: Path, folder: Path, tmp_path: Path
) -> None:
    listed = folder / "list.csv"
    with listed.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["clip", "text", "Sprecher*in", "person"])
        lines.writerow(["synthetic00.wav", "I am glad.", "=cmd()", "Anna"])
        lines.writerow(["gone.wav", "", "-3", ""])
        lines.writerow(["", "only words", "é", ""])
    tables = {}
    for kind in ("csv", "parquet"):
        out = tmp_path / f"a.{kind}"
        result = mien("predict", listed, "--model", run, "--out", out, "--workers", 1)
        assert result.returncode == 1
        table = pq.read_table(out).to_pylist() if kind == "parquet" else None
        tables[kind] = table or list(csv.DictReader(out.open(newline="")))
    first, gone, words = tables["csv"]
    assert (first["Sprecher_in"], first["list_person"]) == ("'=cmd()", "Anna")
    assert (first["modalities"], words["modalities"]) == ("text; audio", "text")
    assert (gone["error"], gone["Sprecher_in"]) == (f"{folder / 'gone.wav'} does not exist", "-3")
    assert (words["source"], words["clip"]) == ("text alone", "")
    assert tables["parquet"][0]["Sprecher_in"] == "=cmd()"
    assert tables["parquet"][0]["emotion_happy"] == float(first["emotion_happy"])
    assert tables["parquet"][1]["emotion_happy"] is None


def test_a_list_or_a_pattern_is_also_shown_as_tables(mien, run: Path, folder: Path) -> None:
    result = mien("predict", run, f"{folder}/synthetic0[0-3].wav")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("; from text, audio") == 1
    assert "  note: text from synthetic03.txt beside the clip\n" in result.stdout
    result = mien("predict", run, folder / "synthetic03.wav", "--no-sidecar")
    assert "; from audio" in result.stdout


def test_references_that_a_model_does_not_take_are_refused(
    mien, run: Path, folder: Path, tmp_path
) -> None:
    flags = ["--references", folder / "synthetic00.wav"]
    result = mien("predict", run, folder, "--out", tmp_path / "a.jsonl", *flags, "--workers", 1)
    assert result.returncode == 1
    assert "--references: the model of" in result.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["CLIP", "--resume"], 2, "--workers, --resume and --embeddings need --out"),
        (["CLIP", "--workers", "0"], 2, "'0' is not a whole number of at least 1"),
        (["CLIP", "--out", "a.jsonl", "--json", "-"], 2, "--json is for a few clips"),
        (["CLIP", "CLIP", "--text", "Yes.", "--out", "a.csv"], 2, "are for a single clip"),
        (["CLIP", "--out", "a.xlsx"], 1, "--out: a.xlsx has none of the suffixes .jsonl, .csv"),
        (["CLIP", "--out", "gone/a.csv"], 1, "gone: can't be written"),
        (["CLIP", "--out", "a.csv", "--embeddings"], 1, "--embeddings: a .csv file holds none"),
        (["CLIP", "RUN", "--out", "a.csv"], 1, "is a run folder: name it first"),
        (["EMPTY", "--out", "a.csv"], 1, "is no run folder, and holds no media file"),
        (["CLIP", "--device", "cuda:9", "--out", "a.csv"], 1, "--device: 'cuda:9' is not on this"),
    ],
)
def test_what_does_not_fit_is_told(
    mien, run: Path, folder: Path, tmp_path: Path, monkeypatch, words, status: int, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    named = {"CLIP": folder / "synthetic00.wav", "RUN": run, "EMPTY": tmp_path / "empty"}
    result = mien("predict", *(named.get(word, word) for word in words))
    assert (result.returncode, told in result.stderr) == (status, True), result.stderr
    assert os.listdir(tmp_path) == ["empty"]


def test_an_existing_file_is_not_overwritten_and_other_options_are_refused(
    mien, run: Path, folder: Path, whole: Path, tmp_path: Path
) -> None:
    words = ("predict", run, folder, "--out")
    result = mien(*words, whole)
    assert f"--out: {whole} exists: delete it, or name another file" in result.stderr
    result = mien(*words, whole, "--resume")
    assert result.returncode == 1, "a clip of it failed"
    assert "complete already, nothing was left to do" in result.stdout
    out = tmp_path / "a.jsonl"
    header = {"journal": 1, "settings": {"model": "other"}}
    out.with_name("a.jsonl.journal").write_text(json.dumps(header) + "\n")
    assert "--resume: " in mien(*words, out).stderr
    assert "--model: " in mien(*words, out, "--resume").stderr


@pytest.mark.slow
def test_every_odd_or_hostile_recording_gives_a_row(
    mien, run: Path, odd: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a.jsonl"
    result = mien("predict", run, odd, "--max-seconds", 5, "--out", out, "--workers", 2)
    assert result.returncode == 1
    found = {Path(row["source"]).name: row["error"] for row in rows(out)}
    named = {p.name for p in odd.rglob("*") if p.suffix in (".wav", ".mkv", ".mp4", ".avi", ".flv")}
    assert named <= {*found}
    assert found["voice.wav"] is found["two_joined.ts"] is None
    assert all("unexpected" not in (error or "") for error in found.values()), found
    assert "files that are no recordings (" in result.stderr
