"""The chain of the audit log shows what was done to it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import MienError
from mien.gallery.audit import AuditLog


def log(folder: Path, lines: int = 5) -> AuditLog:
    made = AuditLog(folder / "audit.jsonl")
    for number in range(lines):
        made.append("enrol", f"subject-{number}", templates=number)
    return made


def test_lines_say_who_did_what_and_when(tmp_path: Path) -> None:
    first, *_ = log(tmp_path).lines()
    assert first["act"] == "enrol"
    assert first["subject"] == "subject-0"
    assert first["detail"] == {"templates": 0}
    assert first["actor"]
    assert first["time"].endswith("+00:00")


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


@pytest.mark.parametrize("cut", [1, 40])
def test_half_a_line_is_mended_and_recorded(tmp_path: Path, cut: int) -> None:
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
from mien.gallery.audit import AuditLog
for _ in range(50):
    AuditLog(Path(sys.argv[1])).append("identify", durable=False)
"""


def test_processes_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    workers = [subprocess.Popen([sys.executable, "-c", WRITE, str(path)]) for _ in range(2)]
    assert [worker.wait() for worker in workers] == [0, 0]
    assert [line["number"] for line in AuditLog(path).lines()] == list(range(1, 101))
