"""Enrol, identify, verify, list, export, forget; consent and expiry."""

import json
from dataclasses import replace
from datetime import date, datetime, tzinfo
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from people import LATER, consent, gallery, name, named, newcomer, traces, views

from mien.errors import MienError
from mien.gallery import UNKNOWN, Gallery
from mien.gallery import audit_log as log
from mien.gallery import gallery as module
from mien.gallery import templates as store
from mien.identity.embedder import SHIPPED, Threshold

LOW = 0.6
"""A threshold that fits the noise of the synthetic views."""


def test_enrolled_persons_are_named_and_others_are_not(tmp_path: Path) -> None:
    g = gallery(tmp_path, range(20))
    g.set_threshold(LOW)
    assert [named(g, p) for p in range(20)] == [name(p) for p in range(20)]
    assert [named(g, p) for p in range(50, 60)] == [UNKNOWN] * 10


def test_the_score_is_that_of_the_mean_of_the_templates(tmp_path: Path) -> None:
    g = gallery(tmp_path, range(5))
    view = views(2, 1, seed=9)[0]
    answer = g.identify(5 * view, encoder="v1", top_k=15)
    means = {name(p): views(p).mean(axis=0) for p in range(5)}
    exact = {person: view @ mean / np.linalg.norm(mean) for person, mean in means.items()}
    assert {c.person: c.score for c in answer.candidates} == pytest.approx(exact, abs=1e-5)
    scores = [c.score for c in answer.candidates]
    assert scores == sorted(scores, reverse=True)
    assert g.verify(name(3), view, encoder="v1").score == pytest.approx(exact[name(3)], abs=1e-5)
    with pytest.raises(MienError, match="0 templates can't be looked at"):
        g.identify(view, encoder="v1", top_k=0)


def test_without_a_threshold_there_is_a_ranking_and_no_verdict(tmp_path: Path) -> None:
    g = gallery(tmp_path, range(3))
    answer = g.identify(views(0)[0], encoder="v1")
    assert answer.person is None
    assert answer.threshold is None
    assert answer.candidates[0].person == name(0)
    assert answer.candidates[0].probability is None
    assert json.loads(answer.model_dump_json())["person"] is None
    assert "not calibrated: no verdict" in answer.table()
    assert "calibrate (mien gallery GALLERY threshold)" in answer.table()
    assert "no threshold" in str(g.calibration)
    verified = g.verify(name(0), views(0)[0], encoder="v1")
    assert (verified.accepted, verified.threshold) == (None, None)
    acts = [line for line in g.audit.lines() if line["act"] in ("identify", "verify")]
    assert [line["detail"] for line in acts] == [{"known": None}, {"accepted": None}]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say that the synthetic encoder has a threshold of its own."""
    monkeypatch.setitem(SHIPPED, "v1", Threshold(0.9, 1.0, "synthetic views"))


@pytest.mark.usefixtures("measured")
def test_at_first_the_threshold_is_the_encoders_and_says_so(tmp_path: Path) -> None:
    g = gallery(tmp_path, range(3))
    answer = g.identify(views(0)[0], encoder="v1")
    assert answer.person == name(0)
    assert answer.threshold == 0.9
    assert "the threshold is the encoder's" in answer.table()
    assert "nobody has calibrated" in str(g.calibration)
    assert g.verify(name(0), views(0)[0], encoder="v1").accepted


@pytest.mark.usefixtures("measured")
def test_the_default_is_above_what_two_enrolled_persons_reach(tmp_path: Path) -> None:
    g = gallery(tmp_path, range(3))
    twin = (views(2) + 0.05 * views(9)).astype(np.float32)
    twin /= np.linalg.norm(twin, axis=1, keepdims=True)
    g.enrol_all([replace(newcomer(3), embeddings=twin)], encoder="v1")
    means = [
        theirs.mean(axis=0) / np.linalg.norm(theirs.mean(axis=0)) for theirs in (views(2), twin)
    ]
    most_similar = max((views(2) @ means[1]).max(), (twin @ means[0]).max())
    assert most_similar > 0.92
    assert g.calibration.threshold == pytest.approx(most_similar, abs=1e-6)
    g.forget(name(3))
    assert g.calibration.threshold == 0.9


def test_a_score_equal_to_the_threshold_is_accepted(tmp_path: Path) -> None:
    g = gallery(tmp_path, range(3))
    view = views(1, 1, seed=4)[0]
    score = g.identify(view, encoder="v1").candidates[0].score
    g.set_threshold(score)
    assert g.identify(view, encoder="v1").person == name(1)
    assert g.verify(name(1), view, encoder="v1").accepted is True
    g.set_threshold(float(np.nextafter(score, 1)))
    assert g.identify(view, encoder="v1").person == UNKNOWN
    assert g.verify(name(1), view, encoder="v1").accepted is False


def test_of_two_with_equal_scores_nobody_is_named(tmp_path: Path) -> None:
    g = gallery(tmp_path, range(2))
    twin = replace(newcomer(2), embeddings=views(1))
    g.enrol_all([twin], encoder="v1")
    g.set_threshold(LOW)
    answer = g.identify(views(1)[0], encoder="v1")
    assert answer.person == UNKNOWN
    assert {c.person for c in answer.candidates[:2]} == {name(1), name(2)}
    assert "are equally similar" in answer.notes[0]
    assert named(g, 0) == name(0)


def test_a_threshold_set_by_hand_is_kept(tmp_path: Path) -> None:
    gallery(tmp_path, range(3)).set_threshold(0.99)
    g = Gallery(tmp_path)
    assert g.calibration.threshold == 0.99
    assert named(g, 0) == UNKNOWN
    assert "by hand" in str(g.calibration)
    with pytest.raises(MienError, match="no cosine"):
        g.set_threshold(7)


def test_verify_accepts_the_person_and_nobody_else(tmp_path: Path) -> None:
    g = gallery(tmp_path, range(3))
    g.set_threshold(LOW)
    view = views(1, 1, seed=4)[0]
    assert g.verify(name(1), view, encoder="v1").accepted
    assert not g.verify(name(2), view, encoder="v1").accepted
    with pytest.raises(MienError, match="is not enrolled"):
        g.verify(name(8), view, encoder="v1")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"consent": " "}, "without consent"),
        ({"expires": date(2020, 1, 1)}, "expired on 2020-01-01"),
        ({"person": "Unknown"}, "name"),
        ({"person": " "}, "name"),
        ({"person": "two\nlines"}, "name"),
        ({"person": "not text \udcff"}, "name"),
        ({"person": "\uff35nknown"}, "name"),
        ({"person": "Ad\u200ba"}, "ZERO WIDTH SPACE"),
        ({"person": "Ada\u202e"}, "RIGHT-TO-LEFT OVERRIDE"),
        ({"person": "\u2066Ada"}, "LEFT-TO-RIGHT ISOLATE"),
        ({"person": "A\u00adda"}, "SOFT HYPHEN"),
        ({"person": "\ufeffAda"}, "ZERO WIDTH NO-BREAK SPACE"),
        ({"person": "Ada\u00a0L"}, "NO-BREAK SPACE"),
        ({"person": "Ada\ufe0f"}, "VARIATION SELECTOR-16"),
        ({"person": "Ada\u3164"}, "HANGUL FILLER"),
        ({"person": "Ada\x1b[31m"}, r"U\+001B"),
        ({"clips": ("one",)}, "1 clips"),
        ({"clips": (), "embeddings": np.zeros((0, 64))}, "0 clips"),
        ({"clips": ("one", "two", "one")}, f"given twice, for {name(0)}: leave one out"),
        ({"embeddings": np.zeros((3, 64))}, "zero"),
        ({"embeddings": np.full((3, 64), np.nan)}, "not finite"),
    ],
)
def test_what_must_not_be_enrolled(tmp_path: Path, change: dict, word: str) -> None:
    with pytest.raises(MienError, match=word):
        Gallery(tmp_path / "g").enrol_all([replace(newcomer(0), **change)], encoder="v1")
    assert not (tmp_path / "g").exists(), "nothing is begun that would belong to this encoder"
    g = gallery(tmp_path / "g", [1])
    with pytest.raises(MienError, match=word):
        g.enrol_all([newcomer(2), replace(newcomer(0), **change)], encoder="v1")
    assert [record.person for record in g.list()] == [name(1)], "all or none"


def test_embeddings_of_another_model_are_refused(tmp_path: Path) -> None:
    g = gallery(tmp_path, [0])
    for encoder, view in (("v2", views(0)[0]), ("v1", views(0)[0][:16])):
        with pytest.raises(
            MienError, match="use the run or encoder that the gallery was made with"
        ):
            g.identify(view, encoder=encoder)
        with pytest.raises(
            MienError, match="use the run or encoder that the gallery was made with"
        ):
            g.verify(name(0), view, encoder=encoder)
        with pytest.raises(
            MienError, match="use the run or encoder that the gallery was made with"
        ):
            g.enrol("New", view[None], clips=["x"], consent="c", expires=LATER, encoder=encoder)
        with pytest.raises(
            MienError, match="use the run or encoder that the gallery was made with"
        ):
            g.calibrate([(view, None)], fpir=0.5, encoder=encoder)
    assert len(g.list()) == 1
    assert g.calibration.threshold is None


def test_the_same_clip_is_not_enrolled_twice(tmp_path: Path) -> None:
    g = gallery(tmp_path, [0])
    with pytest.raises(MienError, match=f"already, as {name(0)}"):
        g.enrol_all([newcomer(0)], encoder="v1")
    with pytest.raises(MienError, match=f"already, as {name(0)}"):
        g.enrol_all([replace(newcomer(1), clips=newcomer(0).clips)], encoder="v1")


def test_a_clip_is_not_enrolled_as_two_persons_at_once(tmp_path: Path) -> None:
    twice = replace(newcomer(1), clips=newcomer(0).clips)
    with pytest.raises(MienError, match=f"for {name(0)} and {name(1)}"):
        Gallery(tmp_path / "g").enrol_all([newcomer(0), twice], encoder="v1")
    assert not (tmp_path / "g").exists()


def test_further_clips_of_a_person_are_added_to_them(tmp_path: Path) -> None:
    g = gallery(tmp_path, [0, 1])
    more = {"clips": ["later"], "consent": "asked again", "expires": LATER, "encoder": "v1"}
    g.enrol(name(0), views(0, 1, seed=5), **more)
    first, second = g.list()
    assert (first.templates, second.templates) == (4, 3)
    assert first.consents == ["asked again", consent(0)]
    assert first.clips == ["clip-0-0", "clip-0-1", "clip-0-2", "later"]
    g.set_threshold(LOW)
    assert named(g, 0, seed=5) == name(0)


def test_who_has_expired_is_not_matched_and_can_be_purged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    g = Gallery(tmp_path)
    g.enrol_all([newcomer(0, expires=date(2990, 1, 1)), newcomer(1)], encoder="v1")
    g.set_threshold(LOW)
    monkeypatch.setattr(module, "_today", lambda: date(2990, 1, 1))
    assert named(g, 0) == name(0), "the last day counts"
    assert g.purge() == 0
    monkeypatch.setattr(module, "_today", lambda: date(2990, 1, 2))
    assert named(g, 0) == UNKNOWN
    assert named(g, 1) == name(1)
    with pytest.raises(MienError, match="consent has expired"):
        g.verify(name(0), views(0)[0], encoder="v1")
    assert [record.expired for record in g.list()] == [3, 0]
    g.enrol_all([replace(newcomer(0), person="Somebody")], encoder="v1")  # the clips are free again
    assert len(traces(tmp_path, 0)) >= 5
    assert g.purge() == 1
    assert {record.person for record in g.list()} == {name(1), "Somebody"}
    assert [line["act"] for line in g.audit.lines()][-1] == "purge"


def test_a_clock_set_back_does_not_revive_who_has_expired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    g = Gallery(tmp_path)
    g.enrol_all([newcomer(0, expires=date(2990, 1, 1)), newcomer(1)], encoder="v1")
    g.set_threshold(LOW)

    def at(year: int) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, zone: tzinfo | None = None) -> datetime:
                return datetime(year, 1, 2, tzinfo=zone)

        monkeypatch.setattr(log, "datetime", Clock)
        monkeypatch.setattr(module, "_today", lambda: date(year, 1, 2))

    at(2990)
    assert named(g, 0) == UNKNOWN
    at(2980)
    assert named(g, 0) == UNKNOWN
    assert named(g, 1) == name(1)
    with pytest.raises(MienError, match="consent has expired"):
        g.verify(name(0), views(0)[0], encoder="v1")
    *_, before, last = g.audit.lines()
    assert (last["time"][:10], last["clock"][:10]) == ("2990-01-02", "2980-01-02")
    assert before["time"] <= last["time"]
    assert g.purge() == 1


def test_forgetting_leaves_no_trace_on_the_disk(tmp_path: Path) -> None:
    g = gallery(tmp_path, range(10))
    for person in range(10, 15):
        g.enrol_all([newcomer(person)], encoder="v1")
    gone, kept = (2, 12), (0, 3, 11, 14)
    # all of it can be found as long as it is there: what is looked for would show
    assert len(traces(tmp_path, *gone, *kept)) >= 5 * 6
    for person in gone:
        g.forget(name(person))
    assert traces(tmp_path, *gone) == []
    assert len(traces(tmp_path, *kept)) >= 5 * 4
    g.set_threshold(LOW)
    assert [named(g, p) for p in gone] == [UNKNOWN] * 2
    assert [named(g, p) for p in kept] == [name(p) for p in kept]
    with pytest.raises(MienError, match="is not enrolled"):
        g.forget(name(2))


def test_a_name_is_the_same_however_it_is_encoded(tmp_path: Path) -> None:
    composed, apart = "Jos\u00e9", "Jose\u0301"
    g = Gallery(tmp_path / "g")
    g.enrol_all([replace(newcomer(0), person=f" {apart}"), newcomer(1)], encoder="v1")
    g.enrol_all([replace(newcomer(2), person=composed)], encoder="v1")
    assert [(record.person, record.templates) for record in g.list()] == [
        (composed, 6),
        (name(1), 3),
    ]
    assert g.verify(apart, views(0)[0], encoder="v1").person == composed
    g.calibrate([(views(0, seed=2)[0], apart), (views(9)[0], None)], fpir=0.5, encoder="v1")
    assert g.export(tmp_path / "out.json", f"{apart} ") == {tmp_path / "out.json": 6}
    assert [line["act"] for line in g.history(apart)] == ["enrol", "enrol", "verify", "export"]
    g.forget(apart)
    assert [record.person for record in g.list()] == [name(1)]


def test_the_last_person_can_be_forgotten_and_another_enrolled(tmp_path: Path) -> None:
    g = gallery(tmp_path, [0])
    g.forget(name(0))
    assert g.list() == []
    assert traces(tmp_path, 0) == []
    assert named(g, 0) == UNKNOWN
    g.enrol_all([newcomer(0)], encoder="v1")
    assert len(g.list()) == 1


def test_a_growing_gallery_gets_an_index_that_finds_and_forgets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lance.file import LanceFileReader

    monkeypatch.setattr(store, "INDEX_FROM", 600)
    monkeypatch.setattr(store, "PARTITION", 64)
    monkeypatch.setattr(store, "FRAGMENTS", 3)
    g = Gallery(tmp_path)
    for first in range(0, 1200, 120):
        g.enrol_all([newcomer(p) for p in range(first, first + 120)], encoder="v1")
        outside = g._templates._table.index_stats(store.INDEX) if first >= 240 else None
        assert outside is None or outside.num_unindexed_rows < 600
    assert g._templates.metadata.trained > 1200, "drawn anew as it grew"
    g.set_threshold(LOW)
    assert np.mean([named(g, p) == name(p) for p in range(0, 1200, 10)]) > 0.9
    g.forget(name(7))
    assert traces(tmp_path, 7) == []
    stats = g._templates._table.index_stats(store.INDEX)
    codes = [LanceFileReader(str(p)).num_rows() for p in tmp_path.rglob("auxiliary.idx")]
    assert codes == [stats.num_indexed_rows], "the index holds nobody who is gone"
    assert len(g.list()) == 1199


def test_pseudonyms_are_not_taken_up_again(tmp_path: Path) -> None:
    g = gallery(tmp_path, [0, 1])
    (before,) = (record.subject for record in g.list() if record.person == name(0))
    g.forget(name(0))
    g.enrol_all([newcomer(0)], encoder="v1")
    (after,) = (record.subject for record in g.list() if record.person == name(0))
    assert before != after
    assert [line["act"] for line in g.history(name(0))] == ["enrol"]


def test_the_log_tells_all_and_names_nobody(tmp_path: Path) -> None:
    g = gallery(tmp_path / "g", [0, 1])
    g.set_threshold(LOW)
    named(g, 0)
    named(g, 9)
    g.verify(name(1), views(1)[0], encoder="v1")
    g.export(tmp_path / "one.json", name(1))
    g.forget(name(1))
    acts = [line["act"] for line in g.audit.lines()]
    assert acts == [
        *("enrol", "enrol", "calibrate", "identify", "identify", "verify", "export", "forget")
    ]
    text = g.audit.path.read_text()
    for person in (0, 1):
        assert name(person) not in text
        assert consent(person) not in text
        assert "clip-" not in text
    assert [line["act"] for line in g.history(name(0))] == ["enrol", "identify"]


def test_an_export_of_everybody_concerns_those_who_were_enrolled(tmp_path: Path) -> None:
    g = gallery(tmp_path / "g", [0])
    g.export(tmp_path / "all.json")
    g.enrol_all([newcomer(1)], encoder="v1")
    assert [line["act"] for line in g.history(name(0))] == ["enrol", "export"]
    assert [line["act"] for line in g.history(name(1))] == ["enrol"]


@pytest.mark.parametrize("ending", ["json", "parquet"])
def test_an_export_holds_all_of_a_person(tmp_path: Path, ending: str) -> None:
    g = gallery(tmp_path / "g", range(4))
    out = tmp_path / f"export.{ending}"
    assert g.export(out, name(2)) == {out: 3}
    if ending == "json":
        rows = json.loads(out.read_text())["templates"]
    else:
        rows = pq.read_table(out).to_pylist()
    assert {row["person"] for row in rows} == {name(2)}
    assert {row["consent"] for row in rows} == {consent(2)}
    assert np.array([row["vector"] for row in rows]) == pytest.approx(views(2))
    assert g.export(out) == {out: 12}
    with pytest.raises(MienError, match=r"\.json or \.parquet"):
        g.export(tmp_path / "export.csv")
    with pytest.raises(MienError, match="is not enrolled"):
        g.export(out, "Nobody")


def test_no_gallery_is_told_and_not_made(tmp_path: Path) -> None:
    g = Gallery(tmp_path / "no")
    for ask in (
        g.list,
        g.purge,
        lambda: g.forget("x"),
        lambda: named(g, 0),
        lambda: g.history("x"),
    ):
        with pytest.raises(MienError, match="no gallery: enrol somebody first"):
            ask()
    assert not (tmp_path / "no").exists()
    with pytest.raises(MienError, match="no gallery: enrol somebody first"):
        Gallery(tmp_path).list()
    with pytest.raises(MienError, match="no gallery: enrol somebody first"):
        Gallery(tmp_path / "no", log=tmp_path).list()
    with pytest.raises(MienError, match="no log is no gallery"):
        Gallery(gallery(tmp_path / "g", [0]).uri, log=tmp_path / "no log").list()
    assert [path.name for path in tmp_path.iterdir()] == ["g"], (
        "a folder of something else stays as it is"
    )


def test_a_gallery_elsewhere_needs_a_place_for_its_log() -> None:
    with pytest.raises(MienError, match=r"^log: "):
        Gallery("s3://bucket/gallery")
