"""Augmented copies of a clip are templates of the same clip, whatever counts clips."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from people import LATER, gallery, name, newcomer, unit, views

from mien.errors import MienError
from mien.gallery import Enrolment, Gallery
from mien.gallery.calibration_trials import leave_one_out
from mien.gallery.enroller import Enroller, enrolment
from mien.gallery.table_rows import vectors
from mien.gallery.types import clip_of, copy_key
from mien.identity.embedder import SHIPPED, Threshold

COPIES = 2


def with_copies(person: int, count: int = 3, noise: float = 0.0) -> Enrolment:
    """A newcomer with copies of each clip; without noise they are as the clip."""
    plain = newcomer(person, count)
    random = np.random.default_rng((9, person))
    keys, rows = [], []
    for clip, row in zip(plain.clips, plain.embeddings, strict=True):
        keys += [copy_key(clip, number) for number in range(1 + COPIES)]
        rows += [row, *(row + noise * random.standard_normal((COPIES, len(row))))]
    return replace(plain, clips=tuple(keys), embeddings=unit(np.stack(rows)))


def enrolled(folder: Path, persons: range, **options: float) -> Gallery:
    g = Gallery(folder)
    g.enrol_all([with_copies(person, **options) for person in persons], encoder="v1")
    return g


def test_copies_are_templates_of_the_same_clip(tmp_path: Path) -> None:
    g = enrolled(tmp_path, range(2))
    first, _ = g.list()
    assert (first.templates, first.clips) == (9, ["clip-0-0", "clip-0-1", "clip-0-2"])
    assert [line["detail"]["templates"] for line in g.audit.lines()] == [9, 9]
    assert g.audit_problems() == []
    view = views(0, 1, seed=5)[0]
    mean = unit(views(0).mean(axis=0))
    score = g.identify(view, encoder="v1").candidates[0].score
    assert score == pytest.approx(view @ mean, abs=1e-5)
    g.forget(name(0))
    assert [record.person for record in g.list()] == [name(1)]


@pytest.mark.parametrize("again", [newcomer(0), with_copies(0), with_copies(0, 1)])
def test_a_clip_is_enrolled_once_with_or_without_copies(tmp_path: Path, again: Enrolment) -> None:
    with pytest.raises(MienError, match=f"hash clip-0-0 is enrolled already, as {name(0)}"):
        enrolled(tmp_path / "with", range(1)).enrol_all([again], encoder="v1")
    with pytest.raises(MienError, match=f"hash clip-0-0 is enrolled already, as {name(0)}"):
        gallery(tmp_path / "without", range(1)).enrol_all([again], encoder="v1")


def test_copies_without_their_clip_are_refused(tmp_path: Path) -> None:
    alone = replace(newcomer(0, 1), clips=("x#1",))
    with pytest.raises(MienError, match="give the clip x itself with its copies"):
        Gallery(tmp_path / "g").enrol_all([alone], encoder="v1")


def test_leaving_a_clip_out_leaves_its_copies_out(tmp_path: Path) -> None:
    g = enrolled(tmp_path, range(6))
    scores, truth, non_mated = leave_one_out(g._templates, g._today())
    assert (non_mated.sum(), (~non_mated).sum()) == (6, 6)
    assert (truth[~non_mated] == 0).all()
    rows = g._templates.rows(["subject", "clip", "vector"])
    keys, subjects = rows["clip"].to_pylist(), np.array(rows["subject"].to_pylist())
    clips, embeddings = np.array(list(map(clip_of, keys))), vectors(rows)
    possible = []
    for row in np.flatnonzero(np.array(keys) == clips):
        rest = embeddings[(subjects == subjects[row]) & (clips != clips[row])]
        assert len(rest) == 2 * (1 + COPIES)
        possible.append(embeddings[row] @ unit(rest.mean(axis=0)))
    for score in scores[~non_mated, 0]:
        assert np.abs(np.array(possible) - score).min() < 1e-5


def test_a_single_clip_with_copies_has_no_mated_trial(tmp_path: Path) -> None:
    g = enrolled(tmp_path, range(4), count=1)
    _, _, non_mated = leave_one_out(g._templates, g._today())
    assert non_mated.tolist() == [True] * 4


def test_noise_in_copies_is_no_warning_and_no_threshold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SHIPPED, "v1", Threshold(0.6, 1.0, "synthetic views"))
    g = enrolled(tmp_path, range(3), noise=0.4)
    assert g.enrolment_warnings(name(0)) == []
    rows = g._templates.rows(["subject", "clip", "vector"])
    clips, subjects = rows["clip"].to_pylist(), np.array(rows["subject"].to_pylist())
    embeddings = vectors(rows)
    own = {s: unit(embeddings[subjects == s].mean(axis=0)) for s in set(subjects)}
    scores = {
        key: float(row @ own[s]) for key, row, s in zip(clips, embeddings, subjects, strict=True)
    }
    assert min(v for key, v in scores.items() if key != clip_of(key)) < 0.6
    assert min(v for key, v in scores.items() if key == clip_of(key)) > 0.6
    assert g.calibration.threshold == 0.6


class Fake:
    """An encoder of the names of files, with copies."""

    fingerprint = "fake"

    def embed(self, clip: Path, warn: object = None) -> np.ndarray:
        return np.array([1.0, float(clip.stem)])

    def embed_copies(self, clip: Path, count: int) -> np.ndarray:
        return np.stack([[2.0, float(clip.stem) + n] for n in range(count)])


class Deaf:
    """An encoder that has no use for copies."""

    fingerprint = "deaf"
    embed = Fake.embed


def test_clips_become_an_enrolment(tmp_path: Path) -> None:
    enroller = Enroller(Fake(), copies=2, references=Deaf())
    clips = [enroller.embed(Path(f"{n}.wav"), f"hash{n}", print) for n in (3, 5)]
    made = enrolment("Ada", clips, consent="yes", expires=LATER)
    assert made.clips == ("hash3", "hash3#1", "hash3#2", "hash5", "hash5#1", "hash5#2")
    assert made.embeddings.tolist() == [[1, 3], [2, 3], [2, 4], [1, 5], [2, 5], [2, 6]]
    assert {clip: state.tolist() for clip, state in made.states.items()} == {
        "hash3": [1, 3],
        "hash5": [1, 5],
    }
    alone = enrolment(
        "Ada", [Enroller(Deaf()).embed(Path("3.wav"), "h", print)], consent="yes", expires=LATER
    )
    assert (alone.clips, alone.states) == (("h",), {})
    with pytest.raises(MienError, match="no augmented copies with this encoder"):
        Enroller(Deaf(), copies=1)
