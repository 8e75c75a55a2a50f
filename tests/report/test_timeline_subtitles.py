"""A timeline as subtitles."""

import re

import pysubs2
from hypothesis import given
from hypothesis import strategies as st
from made_up_timeline import emotion, empty_timeline, segment, short_timeline, timeline_of

from mien.media.subtitles import read_subtitles
from mien.names import strip_invisible
from mien.report.timeline.plain_text import plain_text
from mien.report.timeline.subtitles import srt, vtt
from mien.task_prediction import TaskPrediction

SRT = """\
1
00:00:00,500 --> 00:00:02,500
[Zoë Müller-Ångström, happy] So it goes.

2
00:00:02,500 --> 00:00:04,000
[Dr. "Bob" <\u2060script>alert(1)<\u2060/script> & Co, sad] =1 & <\u2060b>

3
00:00:03,500 --> 00:00:04,500
[overlap] Oh!

4
00:00:05,000 --> 00:00:05,200
[Zoë Müller-Ångström, short] No.

5
00:00:06,000 --> 00:00:08,000
[Zoë Müller-Ångström, can't tell]

6
00:00:08,000 --> 00:00:11,000
[Zoë Müller-Ångström, can't tell] I'm sad
"""

VTT = """\
WEBVTT

NOTE Labels in brackets are predictions of a model trained on synthetic data.

1
00:00:00.500 --> 00:00:02.500
<v Zoë Müller-Ångström>[happy] So it goes.</v>

2
00:00:02.500 --> 00:00:04.000
<v Dr. "Bob" &lt;script&gt;alert(1)&lt;/script&gt; &amp; Co>[sad] =1 &amp; &lt;b&gt;</v>

3
00:00:03.500 --> 00:00:04.500
[overlap] Oh!

4
00:00:05.000 --> 00:00:05.200
<v Zoë Müller-Ångström>[short] No.</v>

5
00:00:06.000 --> 00:00:08.000
<v Zoë Müller-Ångström>[can't tell]</v>

6
00:00:08.000 --> 00:00:11.000
<v Zoë Müller-Ångström>[can't tell] I'm sad</v>
"""


def test_the_short_timeline() -> None:
    assert srt(short_timeline()) == SRT
    assert vtt(short_timeline()) == VTT


def test_an_empty_timeline() -> None:
    assert srt(empty_timeline()) == ""
    assert vtt(empty_timeline()) == "WEBVTT\n\nNOTE Labels in brackets are predictions.\n"


def test_numbers_stand_for_labels_where_nothing_else_is_predicted() -> None:
    affect = TaskPrediction(decision=[], values={"valence": 3.256, "arousal": 2.0})
    below = TaskPrediction(decision=[], scores={"happy": 0.1})
    said = [segment(0, 1, "Anna", "Oh", {"affect": affect})]
    assert "[Anna, valence 3.26; arousal 2.00] Oh" in srt(timeline_of(said, 1))
    said.append(segment(1, 2, "Anna", "Ah", {"affect": affect, "emotion": below}))
    assert "[Anna] Oh" in srt(timeline_of(said, 2))
    assert "[Anna, no label] Ah" in srt(timeline_of(said, 2))


def test_cues_are_in_order_last_a_moment_and_go_beyond_an_hour() -> None:
    happy = {"emotion": emotion("happy", happy=1.0)}
    said = [segment(7325.25, 7325.25, "Ben", "b", happy), segment(1, 2, "Anna", "a", happy)]
    text = vtt(timeline_of(said, 7326))
    assert re.findall(r".* --> .*", text) == [
        "00:00:01.000 --> 00:00:02.000",
        "02:02:05.250 --> 02:02:05.251",
    ]


@given(st.text(), st.text())
def test_webvtt_comes_back(name: str, text: str) -> None:
    said = [segment(1.5, 2.25, name, text, {"emotion": emotion("happy", happy=1.0)})] * 2
    cues = read_subtitles(vtt(timeline_of(said, 3)), webvtt=True)
    shown = strip_invisible(plain_text(text))
    for cue in cues:
        assert (cue.start, cue.end) == (1.5, 2.25)
        assert [" ".join(line.split()) for line in cue.lines] == [
            " ".join(f"[happy] {shown}".split())
        ]
        assert cue.speakers == ((plain_text(name),) if plain_text(name) else ())
    assert len(cues) == 2


@given(st.text())
def test_subrip_has_one_cue_a_segment_and_no_tags(text: str) -> None:
    said = [segment(1.5, 2.25, "Anna", text, {"emotion": emotion("happy", happy=1.0)})] * 2
    written = srt(timeline_of(said, 3))
    lines = written.split("\n")
    assert len(lines) == 8
    assert lines[2].replace("\u2060", "") == (
        " ".join(["[Anna, happy]", plain_text(text)]).strip().replace("\u2060", "")
    )
    events = pysubs2.SSAFile.from_string(written, format_="srt")
    assert [(one.start, one.end) for one in events] == [(1500, 2250)] * 2
    assert not any(re.search(r"</?\w|\{\\", one.text) for one in events)
