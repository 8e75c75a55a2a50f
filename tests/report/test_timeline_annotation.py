"""A timeline as annotation: ELAN, Praat and RTTM, read back by the libraries of each."""

import re
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_timeline import (
    SPEAKERS,
    emotion,
    empty_timeline,
    long_timeline,
    segment,
    short_timeline,
    timeline_of,
)
from pyannote.database.util import load_rttm
from pympi.Elan import Eaf
from pympi.Praat import TextGrid

from mien.inference.timeline import Timeline
from mien.report.timeline.elan import eaf
from mien.report.timeline.lanes import UNKNOWN, tiers
from mien.report.timeline.plain_text import plain_text
from mien.report.timeline.praat import NO_SPEECH, write_textgrid
from mien.report.timeline.rttm import rttm

ZOE, BOB, _ = SPEAKERS
ORDER = ("LICENSE", "HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "CONSTRAINT")
HAPPY = {"emotion": emotion("happy", happy=1.0)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("annotation")


def elan(timeline: Timeline, folder: Path, media: str | None = None) -> Eaf:
    path = folder / "timeline.eaf"
    path.write_text(eaf(timeline, media), encoding="utf-8")
    return Eaf(str(path))


def praat(timeline: Timeline, folder: Path) -> dict[str, list[tuple[float, float, str]]]:
    write_textgrid(timeline, folder / "timeline.TextGrid")
    grid = TextGrid(str(folder / "timeline.TextGrid"))
    return {tier.name: list(tier.get_all_intervals()) for tier in grid.get_tiers()}


def check_rules(text: str) -> None:
    """Check what the schema of EAF 2.8 and ELAN ask for."""
    root = ElementTree.fromstring(text)
    found = [child.tag for child in root]
    assert found == sorted(found, key=ORDER.index)
    slots = {
        one.get("TIME_SLOT_ID"): int(one.get("TIME_VALUE", "-1")) for one in root.iter("TIME_SLOT")
    }
    assert list(slots.values()) == sorted(set(slots.values()))
    ids = [*slots, *(one.get("ANNOTATION_ID") for one in root.iter() if one.get("ANNOTATION_ID"))]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z_][\w.-]*", one or "") for one in ids)  # of the type xsd:ID
    types = {
        one.get("LINGUISTIC_TYPE_ID"): one.get("CONSTRAINTS")
        for one in root.iter("LINGUISTIC_TYPE")
    }
    names = [tier.get("TIER_ID") for tier in root.iter("TIER")]
    assert len(set(names)) == len(names)
    for tier in root.iter("TIER"):
        assert tier.get("PARENT_REF") is None or tier.get("PARENT_REF") in names
        constraint = types[tier.get("LINGUISTIC_TYPE_REF")]
        assert (constraint == "Symbolic_Association") == (tier.get("PARENT_REF") is not None)
        spans = [
            (slots[a.get("TIME_SLOT_REF1")], slots[a.get("TIME_SLOT_REF2")])
            for a in tier.iter("ALIGNABLE_ANNOTATION")
        ]
        assert all(start < end for start, end in spans)
        assert all(one[1] <= other[0] for one, other in pairwise(spans))
        parents = [a.get("ANNOTATION_REF") for a in tier.iter("REF_ANNOTATION")]
        assert len(set(parents)) == len(parents)
        assert set(parents) <= set(ids)


def test_elan_holds_text_and_labels(folder: Path) -> None:
    document = elan(short_timeline(), folder, "interview%20one.mp4")
    expected = [
        f"{task}{name}" for name in (ZOE, BOB, UNKNOWN) for task in ("", "emotion@", "affect@")
    ]
    assert list(document.get_tier_names()) == expected
    assert sorted(document.get_annotation_data_for_tier(ZOE)) == [
        *(
            (500, 2500, "So it goes."),
            (5000, 5200, "No."),
            (6000, 8000, ""),
            (8000, 11000, "I'm sad"),
        ),
    ]
    labels = document.get_ref_annotation_data_for_tier(f"emotion@{ZOE}")
    assert sorted(labels)[0] == (500, 2500, "happy", "So it goes.")
    assert [label for _, _, label, _ in sorted(labels)] == [
        "happy",
        "short",
        "can't tell",
        "can't tell",
    ]
    assert document.get_ref_annotation_data_for_tier(f"emotion@{BOB}")[0][2:] == ("sad", "=1 & <b>")
    assert document.get_parameters_for_tier(f"affect@{BOB}")["PARTICIPANT"] == BOB
    (linked,) = document.get_linked_files()
    assert linked["RELATIVE_MEDIA_URL"] == "interview%20one.mp4"
    assert linked["MIME_TYPE"] == "video/mp4"


@pytest.mark.parametrize("make", [short_timeline, empty_timeline, lambda: long_timeline(300, 900)])
def test_elan_keeps_the_rules_of_the_format(make: object) -> None:
    check_rules(eaf(make(), None))  # type: ignore[operator]


def test_elan_and_praat_of_nobody(folder: Path) -> None:
    assert list(elan(empty_timeline(), folder).get_tier_names()) == []
    assert praat(empty_timeline(), folder) == {NO_SPEECH: [(0, 5, "")]}


def test_praat_fills_what_is_between(folder: Path) -> None:
    found = praat(short_timeline(), folder)
    assert found[ZOE] == [
        *((0, 0.5, ""), (0.5, 2.5, "So it goes."), (2.5, 5, ""), (5, 5.2, "No."), (5.2, 6, "")),
        *((6, 8, ""), (8, 11, "I'm sad"), (11, 12, "")),
    ]
    assert found[f"emotion@{BOB}"] == [(0, 2.5, ""), (2.5, 4, "sad"), (4, 12, "")]
    assert found[f"affect@{ZOE}"][1] == (0.5, 2.5, "valence 3.25; arousal 2.00")
    assert len(found) == 9


def test_segments_of_a_speaker_that_overlap_have_tiers_of_their_own(folder: Path) -> None:
    spans = [(0, 10, "a"), (2, 3, "b"), (2.5, 4, "c"), (3, 5, "d"), (10, 11, "e")]
    said = [segment(start, end, "Anna", text, HAPPY) for start, end, text in spans]
    said.append(segment(0, 1, "Anna (2)", "another", {}))
    timeline = timeline_of(said, 12)
    texts = {tier.name: [one.segment.text for one in tier.row] for tier in tiers(timeline)}
    assert texts == {
        "Anna": ["a", "e"],
        "Anna (3)": ["b", "d"],
        "Anna (4)": ["c"],
        "Anna (2)": ["another"],
    }
    assert praat(timeline, folder)["Anna (3)"][1:3] == [(2, 3, "b"), (3, 5, "d")]
    check_rules(eaf(timeline, None))


def test_rttm(folder: Path) -> None:
    text = rttm(short_timeline())
    first, second, third = text.splitlines()[:3]
    assert (
        first == "SPEAKER interview%20one 1 0.500 2.000 <NA> <NA> Zoë%20Müller-Ångström <NA> <NA>"
    )
    assert unquote(second.split(" ")[7]) == BOB
    assert unquote(third.split(" ")[7]) == UNKNOWN
    (folder / "timeline.rttm").write_text(text, encoding="utf-8")
    (annotation,) = load_rttm(folder / "timeline.rttm").values()
    assert {unquote(label) for label in annotation.labels()} == {ZOE, BOB, UNKNOWN}
    assert annotation.label_duration("Zoë%20Müller-Ångström") == pytest.approx(7.2)
    assert rttm(empty_timeline()) == ""


@settings(max_examples=60, deadline=None)
@given(st.text(), st.text())
def test_any_name_and_text_come_back(folder: Path, name: str, text: str) -> None:
    timeline = timeline_of([segment(0.25, 1, name, text, HAPPY)], 2)
    shown, said = plain_text(name) or UNKNOWN, plain_text(text)
    check_rules(eaf(timeline, None))
    assert elan(timeline, folder).get_annotation_data_for_tier(shown) == [(250, 1000, said)]
    (name, intervals), _ = praat(timeline, folder).items()
    assert name == shown
    assert intervals[1] == (0.25, 1, said)
    (line,) = rttm(timeline).splitlines()
    assert len(line.split(" ")) == 10
    assert unquote(line.split(" ")[7]) == shown
