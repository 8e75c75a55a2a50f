"""How far work has come: a bar on a terminal, a line now and then elsewhere, else nothing."""

import sys

import pytest

from mien import progress
from mien.progress import Progress, follow


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give the time that is read, to be set."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_lines_come_at_intervals_with_speed_and_time_left(clock: list[float], caplog) -> None:
    caplog.set_level("INFO", "mien")
    with Progress("features", "utterances", 200) as told:
        for _ in range(10):
            clock[0] += 10
            told.update(10)
    assert caplog.messages == [
        "features: 30 of 200 utterances (15%), 1.0 a second, 2 min 50 s left",
        "features: 60 of 200 utterances (30%), 1.0 a second, 2 min 20 s left",
        "features: 90 of 200 utterances (45%), 1.0 a second, 1 min 50 s left",
    ]


def test_without_a_total_there_is_no_time_left(clock: list[float], caplog) -> None:
    caplog.set_level("INFO", "mien")
    items = iter(range(3))
    for _ in follow(items, "reading", "clips"):
        clock[0] += 20
    assert caplog.messages == ["reading: 2 clips, 0.1 a second"]


def test_the_last_is_not_told_because_results_follow(clock: list[float], caplog) -> None:
    caplog.set_level("INFO", "mien")
    for _ in follow([1, 2], "reading", "clips"):
        clock[0] += 40
    assert len(caplog.messages) == 1


def test_a_terminal_gets_a_bar_and_no_line(
    clock: list[float], caplog, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO", "mien")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for _ in follow(range(4), "reading", "clips"):
        clock[0] += 40
    assert caplog.messages == []
    shown = capsys.readouterr().err
    assert "reading:   0%" in shown
    assert "| 4/4 [" in shown


@pytest.mark.parametrize(("level", "shown"), [("WARNING", True), ("INFO", False)])
def test_the_quiet_get_nothing(
    clock: list[float], caplog, capsys, monkeypatch, level: str, shown: bool
) -> None:
    caplog.set_level(level, "mien")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for _ in follow(range(4), "reading", "clips", shown=shown):
        clock[0] += 40
    assert caplog.messages == []
    assert capsys.readouterr() == ("", "")
