"""Where the audit log and the gallery disagree."""

import shutil
from pathlib import Path

import pytest
from people import gallery, name, newcomer

from mien.gallery import Gallery


def test_a_complete_log_has_no_problems(tmp_path: Path) -> None:
    g = gallery(tmp_path, range(3))
    g.forget(name(1))
    g.enrol_all([newcomer(1)], encoder="v1")
    assert g.audit_problems() == []


@pytest.mark.parametrize("seal", [True, False])
def test_a_log_without_some_enrolments_is_reported(tmp_path: Path, seal: bool) -> None:
    g = gallery(tmp_path, range(3))
    g.audit.path.write_bytes(b"")
    if not seal:
        g.audit.seal.path.unlink()
    g.enrol_all([newcomer(5)], encoder="v1")
    unknown = "it does not know 3 of the 4 persons enrolled"
    lost = ["line 1 says that 3 lines before it were lost"] if seal else []
    assert g.audit_problems() == [*lost, unknown]


def test_an_old_copy_of_the_table_is_reported(tmp_path: Path) -> None:
    g = gallery(tmp_path / "g", range(2))
    old = shutil.copytree(tmp_path / "g" / "templates.lance", tmp_path / "old")
    g.enrol_all([newcomer(5)], encoder="v1")
    g.forget(name(0))
    shutil.rmtree(tmp_path / "g" / "templates.lance")
    shutil.copytree(old, tmp_path / "g" / "templates.lance")
    problems = Gallery(tmp_path / "g").audit_problems()
    assert problems == [
        "1 persons forgotten by the log are in the gallery",
        "1 persons enrolled by the log are not in the gallery",
    ]
