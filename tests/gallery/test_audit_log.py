"""The chain of the audit log shows what was done to it."""

import json
import os
import pwd
import subprocess
import sys
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import MienError
from mien.gallery.audit_log import AuditLog


def log(folder: Path, lines: int = 5) -> AuditLog:
    folder.mkdir(exist_ok=True)
    made = AuditLog(folder / "audit.jsonl")
    for number in range(lines):
        made.append("enrol", f"subject-{number}", templates=number)
    return made


def test_lines_say_who_did_what_and_when(tmp_path: Path) -> None:
    first, *_ = log(tmp_path).lines()
    assert first["act"] == "enrol"
    assert first["subject"] == "subject-0"
    assert first["detail"] == {"templates": 0}
    assert first["actor"] == pwd.getpwuid(os.getuid()).pw_name
    assert first["time"].endswith("+00:00")


@pytest.mark.parametrize("variable", ["LOGNAME", "USER", "LNAME", "USERNAME"])
def test_the_actor_is_not_whom_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "mallory")
    (line,) = log(tmp_path, 1).lines()
    assert line["actor"] == pwd.getpwuid(os.getuid()).pw_name != "mallory"


def test_a_user_without_a_name_is_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_000_001)
    (line,) = log(tmp_path, 1).lines()
    assert line["actor"] == "user 4000001"


@given(line=st.integers(0, 4), what=st.sampled_from(["change", "drop", "double", "swap"]))
def test_tampering_shows(tmp_path_factory: pytest.TempPathFactory, line: int, what: str) -> None:
    made = log(tmp_path_factory.mktemp("log"))
    lines = made.path.read_text().splitlines(keepends=True)
    if what == "change":
        content = json.loads(lines[line]) | {"actor": "somebody else"}
        lines[line] = json.dumps(content) + "\n"
    elif what == "drop" and line < 4:
        del lines[line]
    elif what == "double":
        lines.insert(line, lines[line])
    else:
        lines[line], lines[line - 1] = lines[line - 1], lines[line]
    made.path.write_text("".join(lines))
    with pytest.raises(MienError, match="does not fit the line before it"):
        list(made.lines())


def test_lines_cut_off_show_by_the_head(tmp_path: Path) -> None:
    made = log(tmp_path)
    head = made.head
    lines = made.path.read_text().splitlines(keepends=True)
    made.path.write_text("".join(lines[:-1]))
    assert len(list(made.lines())) == 4
    assert made.head != head


def keep(path: Path, lines: int) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:lines]))


@pytest.mark.parametrize("left", [0, 1, 4])
def test_lines_cut_off_show_by_the_seal(tmp_path: Path, left: int) -> None:
    made = log(tmp_path)
    assert made.lost_lines() == []
    keep(made.path, left)
    (loss,) = made.lost_lines()
    assert f"ends at line {left}, and is not the log that had 5 lines" in loss
    made.append("forget", "subject-1")
    *_, repair, _ = made.lines()
    assert repair["detail"] == {"torn_bytes": 0, "lost_lines": 5 - left}
    assert made.lost_lines() == [f"line {left + 1} says that {5 - left} lines before it were lost"]


def test_a_log_that_is_gone_shows_by_the_seal(tmp_path: Path) -> None:
    made = log(tmp_path)
    made.path.unlink()
    assert "ends at line 0" in made.lost_lines()[0]
    made.append("enrol", "subject-9")
    assert made.lost_lines() == ["line 1 says that 5 lines before it were lost"]


def test_a_log_written_anew_shows_by_the_seal(tmp_path: Path) -> None:
    made, other = log(tmp_path), log(tmp_path / "other")
    made.path.write_bytes(other.path.read_bytes())
    assert len(list(made.lines())) == 5
    assert len(made.lost_lines()) == 1
    made.append("forget", "subject-1")
    assert made.lost_lines() == ["line 6 says that 5 lines before it were lost"]


@pytest.mark.parametrize("seal", [None, b"", b"{", b'{"number": "x"}', b"[]"])
def test_a_process_that_dies_before_the_seal_is_no_loss(tmp_path: Path, seal: bytes | None) -> None:
    made = log(tmp_path, 4)
    before = made.seal.path.read_bytes()
    made.append("enrol", "subject-4")
    made.seal.path.write_bytes(before if seal is None else seal)
    assert made.lost_lines() == []
    made.append("forget", "subject-1")
    assert [line["act"] for line in made.lines()] == ["enrol"] * 5 + ["forget"]
    assert made.lost_lines() == []


def test_time_never_goes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = log(tmp_path, 1)
    assert made.latest == datetime.now(UTC).date()
    (first,) = made.lines()

    class Back(datetime):
        @classmethod
        def now(cls, zone: tzinfo | None = None) -> datetime:
            return datetime(2001, 1, 1, tzinfo=zone)

    monkeypatch.setattr("mien.gallery.audit_log.datetime", Back)
    made.append("enrol", "subject-1")
    *_, last = made.lines()
    assert last["time"] == first["time"]
    assert last["clock"].startswith("2001-01-01")
    assert made.latest > date(2001, 1, 1)
    assert AuditLog(tmp_path / "none.jsonl").latest == date.min


@pytest.mark.parametrize("cut", [1, 40])
def test_an_incomplete_line_is_cut_off_and_recorded(tmp_path: Path, cut: int) -> None:
    made = log(tmp_path)
    whole = made.path.read_bytes()
    made.path.write_bytes(whole[:-cut])
    assert len(list(made.lines())) == 4
    made.append("forget", "subject-1")
    *_, repair, last = made.lines()
    assert repair["act"] == "repair"
    assert repair["detail"]["torn_bytes"] > 0
    assert last["act"] == "forget"


def test_a_log_that_is_all_torn_begins_anew(tmp_path: Path) -> None:
    made = AuditLog(tmp_path / "audit.jsonl")
    made.path.write_bytes(b'{"number": 1')
    made.append("enrol")
    assert [line["act"] for line in made.lines()] == ["repair", "enrol"]


def test_a_damaged_last_line_is_not_built_upon(tmp_path: Path) -> None:
    made = log(tmp_path)
    made.path.write_bytes(made.path.read_bytes() + b"rubbish\n")
    with pytest.raises(MienError, match="last line is damaged"):
        made.append("enrol")


WRITE = """
import sys
from pathlib import Path
from mien.gallery.audit_log import AuditLog
for _ in range(50):
    AuditLog(Path(sys.argv[1])).append("identify", durable=False)
"""


def test_processes_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    workers = [subprocess.Popen([sys.executable, "-c", WRITE, str(path)]) for _ in range(2)]
    assert [worker.wait() for worker in workers] == [0, 0]
    assert [line["number"] for line in AuditLog(path).lines()] == list(range(1, 101))
