"""Jobs are done in this process or in others, and one that fails stops no other."""

import logging
import os
import re
from collections.abc import Callable

import pytest
import torch
from study_jobs import first_fails, first_is_killed, threads

from mien.errors import MienError
from mien.studies.jobs import run_jobs
from mien.studies.study import Job

JOBS = [Job(1, seed) for seed in range(3)]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO, "mien.studies.jobs")
    return lambda: list(caplog.messages)


def test_progress_counts_what_was_done_before(lines: Callable[[], list[str]]) -> None:
    run_jobs(JOBS[1:], lambda job: f"seed {job.seed}", workers=1, total=3)
    assert lines() == [
        "1 of 3 trainings were done before",
        "fold-1-seed-1: seed 1 (2 of 3, 0 s left)",
        "fold-1-seed-2: seed 2 (3 of 3)",
    ]


def test_jobs_that_fail_are_counted_and_the_first_is_told(lines: Callable[[], list[str]]) -> None:
    with pytest.raises(MienError) as caught:
        run_jobs(JOBS, first_fails, workers=1, total=3)
    assert str(caught.value) == (
        "2 of 3 trainings failed; fold-1-seed-0: no room. The others are kept: run the same"
        " command again to try these once more"
    )
    assert lines()[0] == "fold-1-seed-0: failed: no room (1 of 3, 0 s left)"
    assert "unexpected ZeroDivisionError: a mistake" in lines()[1]
    assert lines()[2] == "fold-1-seed-2: done (3 of 3)"


def test_an_interruption_says_how_to_go_on() -> None:
    def interrupted(job: Job) -> str:
        raise MienError("resume the run") from KeyboardInterrupt()

    def ended(job: Job) -> str:
        raise KeyboardInterrupt

    for work in (interrupted, ended):
        with pytest.raises(MienError, match=r"^interrupted; .*run the same command again") as found:
            run_jobs(JOBS, work, workers=1, total=3)
        assert isinstance(found.value.__cause__, KeyboardInterrupt)


@pytest.mark.slow
def test_processes_share_the_threads_of_this_one(
    lines: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    run_jobs(JOBS, threads, workers=2, total=3)
    found = re.findall(r"3 of 3 in (\d+)", " ".join(lines()))
    assert len(found) == 3
    assert str(os.getpid()) not in found


@pytest.mark.slow
def test_jobs_that_fail_in_other_processes(lines: Callable[[], list[str]]) -> None:
    with pytest.raises(MienError, match=r"^2 of 3 trainings failed; "):
        run_jobs(JOBS, first_fails, workers=2, total=3)
    assert sum("failed: no room" in line for line in lines()) == 1
    assert sum("failed: unexpected ZeroDivisionError: a mistake" in line for line in lines()) == 1
    assert sum(": done (" in line for line in lines()) == 1


@pytest.mark.slow
def test_a_process_that_is_killed_ends_the_study_with_advice() -> None:
    with pytest.raises(MienError, match="a process that trained was killed") as caught:
        run_jobs(JOBS, first_is_killed, workers=2, total=3)
    assert caught.value.parameter == "jobs"
