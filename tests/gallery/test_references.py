"""References are stored with the templates, in one step, and go with them."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from people import LATER, gallery, name, newcomer, traces, views

from mien.errors import MienError
from mien.gallery import Enrolment, Gallery, templates
from mien.gallery import gallery as module
from mien.gallery.audit_log import AuditLog
from mien.gallery.journal import Journal
from mien.gallery.templates import Templates

MODEL, OTHER = "5" * 64, "a" * 64
SIZE = 37


def state(clip: str) -> np.ndarray:
    """What a model would need of a clip: large and small numbers, none of them of unit length."""
    random = np.random.default_rng(list(clip.encode()))
    return (random.standard_normal(SIZE) * 10.0 ** random.integers(-4, 4, SIZE)).astype(np.float32)


def with_states(enrolment: Enrolment) -> Enrolment:
    return replace(enrolment, states={clip: state(clip) for clip in enrolment.clips})


def enrol(g: Gallery, *persons: int, model: str = MODEL, **options: object) -> Gallery:
    newcomers = [with_states(newcomer(person, **options)) for person in persons]
    g.enrol_all(newcomers, encoder="v1", references=model)
    return g


def remains(folder: Path, *persons: int) -> list[str]:
    """What of persons stands in a folder's files, states too."""
    files = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    found = traces(folder, *persons)
    for clip in (clip for person in persons for clip in newcomer(person).clips):
        needles = (clip.encode(), state(clip).tobytes())
        found += [f"{clip} in {path}" for path, b in files.items() for n in needles if n in b]
    return found


def test_states_come_back_as_they_were_stored(tmp_path: Path) -> None:
    g = enrol(Gallery(tmp_path), 0, 1)
    expected = np.stack([state(clip) for clip in newcomer(0).clips])
    assert np.array_equal(g.states(name(0), model=MODEL), expected)
    assert np.array_equal(g.states(name(0), model=MODEL, without="clip-0-1"), expected[[0, 2]])
    assert len(g.states(name(0), model=OTHER)) == 0, "of another model there are none"
    assert len(g.states(name(2), model=MODEL)) == 0
    g.enrol_all([newcomer(2)], encoder="v1")
    assert len(g.states(name(2), model=MODEL)) == 0, "enrolled without"
    found = {record.person: record.references for record in g.list()}
    assert found == {name(0): {MODEL: 3}, name(1): {MODEL: 3}, name(2): {}}


def test_each_model_has_a_table_of_its_own(tmp_path: Path) -> None:
    g = enrol(Gallery(tmp_path), 0)
    later = replace(newcomer(0), clips=("x",), embeddings=views(0, 1, seed=4))
    g.enrol_all([replace(later, states={"x": np.ones(5)})], encoder="v1", references=OTHER)
    (record,) = g.list()
    assert record.references == {MODEL: 3, OTHER: 1}
    assert g.states(name(0), model=OTHER).tolist() == [[1.0] * 5]
    odd = replace(newcomer(3), states={"clip-3-0": np.ones(5)})
    with pytest.raises(MienError, match=r"of the encoder 5{12} \(37 numbers\)"):
        g.enrol_all([odd], encoder="v1", references=MODEL)
    g.forget(name(0))
    assert remains(tmp_path, 0) == []
    assert g.audit_problems() == []


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ({"another": state("a")}, "another, which is none of the clips"),
        ({"clip-0-0": state("a"), "clip-0-1": state("a")[:-1]}, "vectors .* of one length"),
        ({"clip-0-0": state("a")[None]}, "vectors .* of one length"),
        ({"clip-0-0": np.full(3, np.inf)}, "not finite"),
    ],
)
def test_odd_states_are_refused(tmp_path: Path, states: dict, told: str) -> None:
    odd = replace(newcomer(0), states=states)
    with pytest.raises(MienError, match=told):
        Gallery(tmp_path / "g").enrol_all([odd], encoder="v1", references=MODEL)
    assert not (tmp_path / "g").exists()


def test_forgetting_leaves_no_bytes_of_a_state(tmp_path: Path) -> None:
    g = enrol(enrol(Gallery(tmp_path), 0, 1), 2)
    assert len(remains(tmp_path, 0)) >= 3 * 2 + 5
    g.forget(name(0))
    assert remains(tmp_path, 0) == []
    assert len(remains(tmp_path, 1, 2)) >= 2 * (3 * 2 + 5)
    assert len(g.states(name(1), model=MODEL)) == 3
    assert [line["act"] for line in g.audit.lines()] == ["enrol"] * 3 + ["forget"]
    assert g.audit_problems() == []
    enrol(g, 0)
    assert len(g.states(name(0), model=MODEL)) == 3


def test_expired_references_are_not_used_and_are_purged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    g = enrol(enrol(Gallery(tmp_path), 0, expires=date(2990, 1, 1)), 1)
    monkeypatch.setattr(module, "_today", lambda: date(2990, 1, 1))
    assert len(g.states(name(0), model=MODEL)) == 3, "the last day counts"
    monkeypatch.setattr(module, "_today", lambda: date(2990, 1, 2))
    assert len(g.states(name(0), model=MODEL)) == 0
    assert len(remains(tmp_path, 0)) >= 3 * 2 + 5
    assert g.purge() == 1
    assert remains(tmp_path, 0) == []
    assert len(g.states(name(1), model=MODEL)) == 3


class Died(Exception):
    """What stands for the end of a process."""


def dying(real: Callable, *, before: bool, table: str | None = None) -> Callable:
    """Die before or after a step, whatever it is on, or only on one table."""

    def step(self: object, *arguments: object, **named: object) -> object:
        mine = table is None or self.name.startswith(table)
        if mine and before:
            raise Died
        result = real(self, *arguments, **named)
        if mine:
            raise Died
        return result

    return step


WRITES = [(Templates, "add", "references"), (Templates, "add", "templates")]
STEPS = [(AuditLog, "extend", None), (Journal, "end", None)]


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "step", "table"), WRITES + STEPS)
def test_a_killed_enrolment_is_whole_or_not_there(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    step: str,
    table: str | None,
    before: bool,
) -> None:
    g = enrol(Gallery(tmp_path), 0)
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, dying(getattr(owner, step), before=before, table=table))
        with pytest.raises(Died):
            enrol(g, 1)
    g = Gallery(tmp_path)
    there = [record.person for record in g.list()] == [name(0), name(1)]
    assert there == (owner is not Templates or (table == "templates" and not before))
    assert len(g.states(name(1), model=MODEL)) == (3 if there else 0)
    assert there == bool(remains(tmp_path, 1)), "nothing is left of half an enrolment"
    lines = list(g.audit.lines())
    last = lines[-1] if there else {"act": "enrol", "detail": {"references": 3}}
    assert (last["act"], last["detail"]["references"]) == ("enrol", 3)
    assert there == (lines[-1]["act"] == "enrol")
    if not there:
        enrol(g, 1)  # the same command
    assert len(g.states(name(0), model=MODEL)) == len(g.states(name(1), model=MODEL)) == 3
    assert g.audit_problems() == []


REMOVALS = [
    (Templates, step, t)
    for step in ("remove", "compact", "vacuum")
    for t in ("references", "templates")
]


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "step", "table"), REMOVALS)
def test_a_killed_removal_is_ended_by_the_next_command(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    step: str,
    table: str,
    before: bool,
) -> None:
    g = enrol(Gallery(tmp_path), 0, 1)
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, dying(getattr(owner, step), before=before, table=table))
        with pytest.raises(Died):
            g.forget(name(1))
    assert [record.person for record in Gallery(tmp_path).list()] == [name(0)]
    assert remains(tmp_path, 1) == []
    assert len(Gallery(tmp_path).states(name(0), model=MODEL)) == 3


def test_a_journal_of_before_there_were_references_is_understood(tmp_path: Path) -> None:
    g = gallery(tmp_path, [0])
    Journal(tmp_path / "unfinished.json").begin({"act": "enrol", "enrolment": "none"})
    enrol(g, 1)
    acts = [line["act"] for line in g.audit.lines()]
    assert acts == ["enrol", "abandon", "enrol"]


@pytest.mark.parametrize("ending", ["json", "parquet"])
def test_an_export_holds_the_references_too(tmp_path: Path, ending: str) -> None:
    g = enrol(Gallery(tmp_path / "g"), 0, 1)
    g.enrol_all([newcomer(2)], encoder="v1")
    out = tmp_path / f"one.{ending}"
    beside = tmp_path / f"one-references-{MODEL[:16]}.{ending}"
    assert g.export(out, name(0)) == {out: 3, beside: 3}
    assert beside.stat().st_mode & 0o777 == 0o600
    if ending == "json":
        content = json.loads(beside.read_text())
        assert content["encoder"] == MODEL
        rows = content["templates"]
    else:
        rows = pq.read_table(beside).to_pylist()
    assert {row["person"] for row in rows} == {name(0)}
    for row in rows:
        assert np.array(row["vector"], np.float32).tolist() == state(row["clip"]).tolist()
    assert g.export(out) == {out: 9, beside: 6}
    beside.unlink()
    assert g.export(out, name(2)) == {out: 3}
    assert not beside.exists()


def test_the_audit_finds_references_of_nobody(tmp_path: Path) -> None:
    g = enrol(Gallery(tmp_path), 0, 1)
    (subject,) = (record.subject for record in g.list() if record.person == name(1))
    g._templates.remove(templates.of_subjects([subject]))
    problems = Gallery(tmp_path).audit_problems()
    assert "1 persons have references and are not enrolled" in problems
    Gallery(tmp_path).forget(name(1))
    assert remains(tmp_path, 1) == []


def test_many_small_enrolments_are_compacted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "FRAGMENTS", 3)
    g = Gallery(tmp_path)
    for person in range(5):
        enrol(g, person)
    data = tmp_path / f"references-{MODEL[:16]}.lance" / "data"
    assert len(list(data.iterdir())) < 5
    assert all(len(g.states(name(person), model=MODEL)) == 3 for person in range(5))


def test_an_expired_clip_may_be_enrolled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    g = enrol(Gallery(tmp_path), 0, expires=date(2990, 1, 1))
    monkeypatch.setattr(module, "_today", lambda: date(2990, 1, 2))
    enrol(g, 0, expires=LATER)
    assert len(g.states(name(0), model=MODEL)) == 3, "those whose consent holds"
