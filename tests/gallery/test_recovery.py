"""Whatever a process was doing when it died, the next one finishes it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from people import gallery, name, newcomer, traces, views

from mien.gallery import Gallery, templates
from mien.gallery.audit_log import AuditLog
from mien.gallery.journal import Journal
from mien.gallery.templates import Templates


class Died(Exception):
    """What stands for the end of a process."""


def dying(*_: object, **__: object) -> None:
    raise Died


def after(step: Callable) -> Callable:
    """Do the step, then die."""

    def both(*arguments: object, **named: object) -> None:
        step(*arguments, **named)
        raise Died

    return both


STEPS = [(Templates, "add"), (AuditLog, "extend"), (Journal, "end")]
"""What enrolling does once its intent is noted."""


@pytest.mark.parametrize("when", [lambda step: dying, after], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "step"), STEPS)
def test_an_enrolment_is_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: type, step: str, when: Callable
) -> None:
    g = gallery(tmp_path, [0])
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, when(getattr(owner, step)))
        with pytest.raises(Died):
            g.enrol_all([newcomer(1)], encoder="v1")
    g = Gallery(tmp_path)
    stored = [record.person for record in g.list()]
    not_yet = when is not after and step == "add"
    assert stored == ([name(0)] if not_yet else [name(0), name(1)])
    acts = [line["act"] for line in g.audit.lines()]
    assert acts == (["enrol", "abandon"] if not_yet else ["enrol", "enrol"])
    assert not (tmp_path / "unfinished.json").exists()
    if not_yet:
        assert traces(tmp_path, 1) == []
        g.enrol_all([newcomer(1)], encoder="v1")
        assert len(g.list()) == 2


def test_an_index_is_sorted_at_home_and_what_a_crash_leaves_there_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "INDEX_FROM", 300)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))  # whoever writes there fails
    g = gallery(tmp_path / "g", range(120))
    assert g._templates.metadata.trained == 360
    assert os.environ["TMPDIR"] == str(tmp_path / "nowhere")
    assert not (tmp_path / "g" / "scratch").exists()
    left = tmp_path / "g" / "scratch" / ".tmp1"
    left.mkdir(parents=True)
    (left / "shuffle").write_bytes(views(1)[0].tobytes())  # stands for codes, not so plain
    g.forget(name(1))
    assert traces(tmp_path, 1) == []


REMOVALS = [(Templates, "remove"), (Templates, "compact"), (Templates, "vacuum")]


@pytest.mark.parametrize("when", [lambda step: dying, after], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "step"), [*REMOVALS, *STEPS[1:]])
def test_who_was_to_be_forgotten_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: type, step: str, when: Callable
) -> None:
    g = gallery(tmp_path, [0, 1])
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, when(getattr(owner, step)))
        with pytest.raises(Died):
            g.forget(name(1))
    g = Gallery(tmp_path)
    assert [record.person for record in g.list()] == [name(0)]
    assert traces(tmp_path, 1) == []
    assert "forget" in [line["act"] for line in g.audit.lines()]
    assert not (tmp_path / "unfinished.json").exists()
