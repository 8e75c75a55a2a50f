"""`mien evaluate --degrade`: on a small synthetic run, as a user types it."""

import json
from pathlib import Path

import pytest

from mien.inference.predictions_file import read_predictions


@pytest.fixture(scope="module")
def noisy(program, run_folder: Path) -> Path:
    """The evaluation on noisy audio, in a process of its own."""
    out = run_folder.parent / "noisy"
    result = program("evaluate", run_folder, "--degrade", "white:-5", "--out", out)
    assert result.returncode == 0, result.stderr
    out.with_suffix(".txt").write_text(result.stdout)
    return out


def test_tables_are_headed_by_what_was_done(noisy: Path) -> None:
    lines = noisy.with_suffix(".txt").read_text().splitlines()
    place = lines.index("emotion, test split, protocol dialogues")
    assert lines[place + 1] == "degraded audio: white noise at -5 dB"


def test_files_go_to_the_folder_and_the_run_keeps_its_own(noisy: Path, run_folder: Path) -> None:
    own, found = (json.loads((f / "metrics.json").read_text()) for f in (run_folder, noisy))
    assert own["degraded"] is None
    assert found["degraded"] == "white:-5"
    assert found["tasks"]["emotion"]["n"] == own["tasks"]["emotion"]["n"]
    clean, degraded = (read_predictions(f / "predictions.parquet") for f in (run_folder, noisy))
    assert clean.info.degraded is None
    assert degraded.info.degraded == "white:-5"
    assert [o.id for o in degraded.origins] == [o.id for o in clean.origins]
    assert (degraded.scores["emotion"] != clean.scores["emotion"]).any()
    assert (degraded.truth["emotion"] == clean.truth["emotion"]).all()


def test_the_folder_is_compared_and_its_errors_listed(mien, noisy: Path, run_folder: Path) -> None:
    compared = mien("compare", run_folder, noisy, "--task", "emotion")
    assert compared.returncode == 0, compared.stderr
    assert "noisy was evaluated on degraded audio: white:-5." in compared.stdout
    errors = mien("errors", noisy)
    assert errors.returncode == 0, errors.stderr
    assert "emotion" in errors.stdout


def test_out_alone_writes_there_and_nothing_to_the_run(mien, run_folder: Path) -> None:
    before = run_folder.joinpath("metrics.json").stat().st_mtime_ns
    out = run_folder.parent / "valid"
    assert mien("evaluate", run_folder, "--out", out).returncode == 0
    assert run_folder.joinpath("metrics.json").stat().st_mtime_ns == before
    own, found = (json.loads((f / "metrics.json").read_text()) for f in (run_folder, out))
    assert own == found


@pytest.mark.parametrize(
    ("flags", "status", "message"),
    [
        (["--degrade", "white:10"], 2, "--degrade needs --out"),
        (
            ["--degrade", "white:10", "--out", "new", "--json", "run/metrics.json"],
            *(2, "--degrade needs --out, and no file in RUN"),
        ),
        (["--degrade", "whit:10", "--out", "new"], 1, "--degrade: no effect 'whit' (did you mean"),
        (["--degrade", "white:nan", "--out", "new"], 1, "--degrade: 'nan' is not the"),
        (["--degrade", "white:10", "--out", "run"], 1, "--out: run has other files than those"),
        (["--out", "run"], 1, "--out: run has other files than those"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(
    mien, monkeypatch, run_folder: Path, flags: list[str], status: int, message: str
) -> None:
    monkeypatch.chdir(run_folder.parent)
    before = run_folder.joinpath("metrics.json").read_bytes()
    result = mien("evaluate", run_folder, *flags)
    assert result.returncode == status
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not Path("new").exists()
    assert run_folder.joinpath("metrics.json").read_bytes() == before
