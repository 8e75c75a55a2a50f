"""A timeline as CSV and Parquet."""

import csv
import io
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_timeline import SPEAKERS, emotion, empty_timeline, segment, short_timeline, timeline_of

from mien.report.timeline.columns import column_name, segment_columns
from mien.report.timeline.plain_text import plain_text
from mien.report.timeline.tables import (
    FORMULA,
    courses_csv,
    safe_text,
    segments_csv,
    words_csv,
    write_parquet,
)

ZOE, BOB, _ = SPEAKERS
COLUMNS = (
    "segment,start,end,speaker,mark,text,face,modalities,emotion_decision,emotion_happy,"
    "emotion_sad,emotion_abstained,affect_decision,affect_valence,affect_arousal,affect_abstained"
)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_segments() -> None:
    text = segments_csv(short_timeline())
    first, second, *_ = text.splitlines()
    assert first == COLUMNS
    assert second == f"1,0.5,2.5,{ZOE},,So it goes.,1,text;audio,happy,0.75,0.25,,,3.25,2.0,"
    rows = read(text)
    assert [row["mark"] for row in rows] == ["", "", "overlap", "short", "", ""]
    assert rows[1]["speaker"] == BOB
    assert rows[1]["text"] == "'=1 & <b>"
    assert rows[2]["speaker"] == rows[2]["emotion_abstained"] == rows[2]["emotion_happy"] == ""
    assert rows[4]["affect_abstained"].startswith("too noisy (signal-to-noise about 2 dB")
    assert rows[5]["emotion_decision"] == ""
    assert rows[5]["emotion_sad"] == "0.31"
    assert rows[5]["emotion_abstained"].startswith("not sure (sad is most likely")
    assert rows[5]["affect_abstained"] == ""


def test_words() -> None:
    rows = read(words_csv(short_timeline()))
    assert len(rows) == 10
    assert list(rows[0].values()) == ["1", "0.5", "1.167", ZOE, "So", "0.9"]
    assert rows[3]["word"] == "'=1"


def test_courses() -> None:
    timeline = short_timeline()
    rows = read(courses_csv(timeline))
    assert list(rows[0].values()) == [ZOE, "emotion", "happy", "0.0", "0.75"]
    assert len(rows) == sum(len(c.times) * len(c.scores) for c in timeline.courses)
    far = read(
        courses_csv(timeline_of([*timeline.segments[:1], segment(60, 61, ZOE, None, {})], 61))
    )
    assert far[-1]["score"] == ""


def test_parquet_holds_the_same_but_text_as_it_is(tmp_path: Path) -> None:
    write_parquet(short_timeline(), tmp_path / "segments.parquet")
    table = pq.read_table(tmp_path / "segments.parquet")
    assert ",".join(table.column_names) == COLUMNS
    assert table["text"].to_pylist()[1] == "=1 & <b>"
    assert table["emotion_happy"].to_pylist() == [0.75, 0.2, None, None, None, 0.3]
    assert table["face"].to_pylist() == [1, 2, None, None, None, None]


def test_an_empty_timeline_has_headings(tmp_path: Path) -> None:
    timeline = empty_timeline()
    assert segments_csv(timeline) == "segment,start,end,speaker,mark,text,face,modalities\n"
    assert words_csv(timeline) == "segment,start,end,speaker,word,probability\n"
    assert courses_csv(timeline) == "speaker,task,label,time,score\n"
    write_parquet(timeline, tmp_path / "segments.parquet")
    assert pq.read_table(tmp_path / "segments.parquet").num_rows == 0


def test_names_of_columns_are_distinct_and_plain() -> None:
    answer = emotion("Zoë", **{"Zoë": 0.5, "zoe": 0.2, "日本": 0.1, "decision": 0.1, "a" * 90: 0.1})
    columns = segment_columns(timeline_of([segment(0, 1, "Anna", None, {"person": answer})], 1))
    own = [name for name in columns if name.startswith("person")]
    assert own == [
        *("person_decision", "person_Zoe", "person_zoe_2", "person", "person_decision_2"),
        *("person_" + "a" * 53, "person_abstained"),
    ]


@given(st.text(), st.lists(st.text()))
def test_a_name_of_a_column_is_one_in_r_and_spss(text: str, others: list[str]) -> None:
    taken: list[str] = []
    for one in (*others, text, text):
        name = column_name(one, taken)
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name)
        assert name.lower() not in [other.lower() for other in taken]
        taken.append(name)


@given(st.text())
def test_no_text_is_a_formula_and_each_comes_back(text: str) -> None:
    timeline = timeline_of([segment(0, 1, text, text, {})], 1)
    (row,) = read(segments_csv(timeline))
    for cell in (row["speaker"], row["text"]):
        assert not cell.startswith((*FORMULA, "\t", "\r", "\n"))
        assert cell.removeprefix("'") == plain_text(text)


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@A1", "'so", "＝1"])
def test_an_apostrophe_stands_before_formulas_and_apostrophes(text: str) -> None:
    assert safe_text(text) == f"'{text}"
