"""A study that is killed and started again gives the numbers of one that is not."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

Start = Callable[..., subprocess.Popen[str]]


def kill_when(process: subprocess.Popen[str], ready: Callable[[], bool], number: int) -> None:
    """Send a signal once something is so."""
    until = time.monotonic() + 120
    while not ready():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.005)
    process.send_signal(number)


def finish(process: subprocess.Popen[str]) -> str:
    told = process.communicate(timeout=300)
    assert process.returncode == 0, told[1]
    return told[1]


def assert_same(study: Path, other: Path) -> None:
    for name in ("predictions.parquet", "metrics.json"):
        assert (study / name).read_bytes() == (other / name).read_bytes(), name


def children(pid: int) -> set[int]:
    """Give the processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(number) for path in tasks for number in path.read_text().split()}


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_killed_three_times_and_resumed(
    study: Path, cv: list[str], started: Start, tmp_path: Path
) -> None:
    """While a network trains, between two trainings, and before an epoch of one is finished."""
    out = tmp_path / "study"
    first, second, third = (
        out / "runs" / name for name in ("fold-1-seed-0", "fold-1-seed-1", "fold-2-seed-0")
    )
    done = out / "folds" / f"{first.name}.parquet"
    moments = (
        lambda: (first / "state" / "last.safetensors").is_file(),
        lambda: done.is_file() and not (second / "state").exists(),
        lambda: (third / "config.yaml").is_file(),
    )
    for number, moment in enumerate(moments):
        process = started(*cv, "--out", out)
        kill_when(process, moment, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert len(list((out / "folds").glob("*.parquet"))) == (0, 1, 2)[number]
        assert not (out / "metrics.json").exists()
    told = finish(started(*cv, "--out", out))
    assert "2 of 4 trainings were done before" in told
    assert_same(out, study)


def test_two_at_a_time_killed_and_resumed(
    study: Path, cv: list[str], started: Start, tmp_path: Path
) -> None:
    """The processes that train end with the one that started them."""
    out = tmp_path / "study"
    process = started(*cv, "--out", out, "--jobs", 2, "--keep", "none")
    workers = set[int]()

    def ready() -> bool:
        workers.update(children(process.pid))
        return any(out.glob("runs/*/state/last.safetensors"))

    kill_when(process, ready, signal.SIGKILL)
    process.communicate()
    assert len(workers) >= 2
    until = time.monotonic() + 10
    while any(map(running, workers)):
        assert time.monotonic() < until, "a process still trains"
        time.sleep(0.1)
    finish(started(*cv, "--out", out, "--jobs", 2, "--keep", "none"))
    assert_same(out, study)
    assert not list(out.rglob("*.safetensors"))


def test_interrupted_by_the_user(cv: list[str], started: Start, tmp_path: Path) -> None:
    out = tmp_path / "study"
    process = started(*cv, "--out", out, "--jobs", 2, "--epochs", 5000, "--early-stop", 5000)
    kill_when(process, lambda: any(out.glob("runs/*/state/last.safetensors")), signal.SIGINT)
    told = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert told.splitlines()[-1] == (
        "mien: interrupted; what is done is kept: run the same command again to go on"
    )
    assert "Traceback" not in told
    assert not out.joinpath("metrics.json").exists()
