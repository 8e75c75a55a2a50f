"""What speaks against an enrolment, and where the log and the gallery disagree."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from people import gallery, name, newcomer, views

from mien.errors import MienError
from mien.gallery import Gallery


def test_persons_who_are_apart_give_no_doubt(tmp_path: Path) -> None:
    g = gallery(tmp_path, range(5))
    assert g.doubts(name(0)) == []
    g.set_threshold(0.6)
    assert [g.doubts(name(person)) for person in range(5)] == [[]] * 5
    with pytest.raises(MienError, match="is not enrolled"):
        g.doubts("Nobody")


@pytest.mark.parametrize(
    "other", ["ada lovelace", "Ada-Lovelace", "AdaLovelace", "\uff21da Lovelace"]
)
def test_two_spellings_of_a_name_are_told(tmp_path: Path, other: str) -> None:
    g = gallery(tmp_path, [0])
    g.enrol_all([replace(newcomer(1), person="Ada Lovelace")], encoder="v1")
    assert g.doubts("Ada Lovelace") == []
    g.enrol_all([replace(newcomer(2), person=other)], encoder="v1")
    (doubt,) = g.doubts(other)
    assert doubt.startswith(f"{other} and Ada Lovelace are two persons here")


def test_a_clip_of_somebody_else_is_told(tmp_path: Path) -> None:
    g = gallery(tmp_path, [0])
    mixed = np.concatenate([views(1), views(2, 1)])
    clips = ("aaaa", "bbbb", "cccc", "dddd")
    g.enrol_all([replace(newcomer(1), embeddings=mixed, clips=clips)], encoder="v1")
    assert g.doubts(name(1)) == [], "without a threshold no cosine is little"
    g.set_threshold(0.6)
    (doubt,) = g.doubts(name(1))
    assert doubt.startswith(f"the clip with the hash dddd is unlike the others of {name(1)}")


def test_one_person_under_two_names_is_told(tmp_path: Path) -> None:
    g = gallery(tmp_path, range(3))
    twin = replace(newcomer(9), embeddings=views(1, seed=3))
    g.enrol_all([twin], encoder="v1")
    assert g.doubts(name(9)) == []
    g.set_threshold(0.6)
    (doubt,) = g.doubts(name(9))
    assert doubt.startswith(f"{name(1)} is as like {name(9)} as one person's clips are")


def test_one_recording_for_two_persons_is_told_without_a_threshold(tmp_path: Path) -> None:
    g = gallery(tmp_path, range(3))
    g.enrol_all([replace(newcomer(9), embeddings=views(1))], encoder="v1")
    (doubt,) = g.doubts(name(9))
    assert "(cosine 1.000)" in doubt


def test_a_whole_log_knows_all_who_are_enrolled(tmp_path: Path) -> None:
    g = gallery(tmp_path, range(3))
    g.forget(name(1))
    g.enrol_all([newcomer(1)], encoder="v1")
    assert g.faults() == []


@pytest.mark.parametrize("seal", [True, False])
def test_a_log_that_lacks_who_is_enrolled_is_told(tmp_path: Path, seal: bool) -> None:
    g = gallery(tmp_path, range(3))
    g.audit.path.write_bytes(b"")
    if not seal:
        g.audit.seal.path.unlink()
    g.enrol_all([newcomer(5)], encoder="v1")
    told = "it knows nothing of 3 of the 4 persons enrolled"
    assert g.faults() == (["line 1 says that 3 lines before it were lost"] if seal else []) + [told]


def test_an_old_copy_of_the_table_is_told(tmp_path: Path) -> None:
    g = gallery(tmp_path / "g", range(2))
    old = shutil.copytree(tmp_path / "g" / "templates.lance", tmp_path / "old")
    g.enrol_all([newcomer(5)], encoder="v1")
    g.forget(name(0))
    shutil.rmtree(tmp_path / "g" / "templates.lance")
    shutil.copytree(old, tmp_path / "g" / "templates.lance")
    faults = Gallery(tmp_path / "g").faults()
    assert faults == [
        "1 persons whom it has as forgotten are in the gallery",
        "1 persons whom it has as enrolled are not in the gallery",
    ]
