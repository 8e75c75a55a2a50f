"""Warnings about enrolments that may not be of one person alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from people import gallery, name, newcomer, views

from mien.errors import MienError


def test_persons_who_differ_give_no_warning(tmp_path: Path) -> None:
    g = gallery(tmp_path, range(5))
    assert g.enrolment_warnings(name(0)) == []
    g.set_threshold(0.6)
    assert [g.enrolment_warnings(name(person)) for person in range(5)] == [[]] * 5
    with pytest.raises(MienError, match="is not enrolled"):
        g.enrolment_warnings("Nobody")


@pytest.mark.parametrize(
    "other", ["ada lovelace", "Ada-Lovelace", "AdaLovelace", "\uff21da Lovelace"]
)
def test_two_spellings_of_a_name_give_a_warning(tmp_path: Path, other: str) -> None:
    g = gallery(tmp_path, [0])
    g.enrol_all([replace(newcomer(1), person="Ada Lovelace")], encoder="v1")
    assert g.enrolment_warnings("Ada Lovelace") == []
    g.enrol_all([replace(newcomer(2), person=other)], encoder="v1")
    (warning,) = g.enrolment_warnings(other)
    assert warning.startswith(f"{other} and Ada Lovelace are two persons here")


def test_a_clip_of_somebody_else_gives_a_warning(tmp_path: Path) -> None:
    g = gallery(tmp_path, [0])
    mixed = np.concatenate([views(1), views(2, 1)])
    clips = ("aaaa", "bbbb", "cccc", "dddd")
    g.enrol_all([replace(newcomer(1), embeddings=mixed, clips=clips)], encoder="v1")
    assert g.enrolment_warnings(name(1)) == [], "without a threshold no cosine is low"
    g.set_threshold(0.6)
    (warning,) = g.enrolment_warnings(name(1))
    assert warning.startswith(f"the clip with the hash dddd is unlike the others of {name(1)}")


def test_one_person_under_two_names_gives_a_warning(tmp_path: Path) -> None:
    g = gallery(tmp_path, range(3))
    twin = replace(newcomer(9), embeddings=views(1, seed=3))
    g.enrol_all([twin], encoder="v1")
    assert g.enrolment_warnings(name(9)) == []
    g.set_threshold(0.6)
    (warning,) = g.enrolment_warnings(name(9))
    assert warning.startswith(f"{name(1)} is as similar to {name(9)} as one person's")


def test_one_recording_for_two_persons_gives_a_warning_without_a_threshold(tmp_path: Path) -> None:
    g = gallery(tmp_path, range(3))
    g.enrol_all([replace(newcomer(9), embeddings=views(1))], encoder="v1")
    (warning,) = g.enrolment_warnings(name(9))
    assert "(cosine 1.000)" in warning
