"""SubStation Alpha, TTML, and the output of Whisper and its derivatives."""

import json
from pathlib import Path

import pytest

from mien.media.transcript import Cue, Transcript, read_transcript

ASS = r"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:02.50,Default,Anna,0,0,0,,{\an8}Hello,\Nthere {\i1}you{\i0} x < 5\hy > 3
Comment: 0,0:00:01.00,0:00:02.50,Default,Anna,0,0,0,,never said
Dialogue: 0,0:00:03.00,0:00:04.50,Default,,0,0,0,,{\p1}m 0 0 l 100 0{\p0}
Dialogue: 0,0:00:05.00,0:00:04.50,Default,,0,0,0,,backwards
Dialogue: 0,1:00:05.00,1:00:06.00,Default,,0,0,0,,BEN: late
"""


def read(folder: Path, name: str, content: object) -> Transcript:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_transcript(path)


@pytest.mark.parametrize("suffix", [".ass", ".SSA"])
def test_substation_alpha(tmp_path: Path, suffix: str) -> None:
    found = read(tmp_path, f"a{suffix}", ASS)
    cues, notes = found.cues, found.notes
    assert cues == [
        Cue("Hello, there you x < 5 y > 3", 1.0, 2.5, "Anna"),
        Cue("late", 3605.0, 3606.0, "BEN"),
    ]
    assert notes == ["1 of 3 cues left out, it ends before it begins: '5 s --> 4.5 s'"]


def test_a_line_of_substation_alpha_beyond_all_bounds_is_noted(tmp_path: Path) -> None:
    line = "Dialogue: 0,0:00:01.00,0:00:02.50,Default,Anna,0,0,0,," + "x" * 200_000
    found = read(tmp_path, "a.ass", f"{ASS}{line}\n{'x' * 200_000}\n")
    cues, notes = found.cues, found.notes
    assert [cue.start for cue in cues] == [1.0, 3605.0]
    assert notes[0].startswith("1 of 4 cues left out, its line is too long: 'Dialogue: 0,0:00:01")


TTML = """<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="{space}" xmlns:ttp="{space}#parameter" ttp:frameRate="25" ttp:tickRate="10000000">
<head><metadata>no words</metadata></head>
<body><div begin="10s">
  <p begin="00:00:01.000" end="00:00:02.500">Hello <span>there</span><br/>you</p>
  <p begin="3s" dur="1500ms">with a length</p>
  <p begin="00:00:05:05" end="00:00:06:10">in frames</p>
  <p begin="70000000t" end="80000000t">in ticks</p>
  <p><span begin="8s" end="9s">by</span> <span begin="9s" end="10s">spans</span></p>
  <p begin="soon" end="12s">not readable</p>
</div></body></tt>
"""


@pytest.mark.parametrize("space", ["http://www.w3.org/ns/ttml", "http://www.w3.org/2006/10/ttaf1"])
@pytest.mark.parametrize("suffix", [".ttml", ".dfxp"])
def test_timed_text(tmp_path: Path, space: str, suffix: str) -> None:
    found = read(tmp_path, f"a{suffix}", TTML.format(space=space))
    cues, notes = found.cues, found.notes
    assert [(cue.text, cue.start, cue.end) for cue in cues] == [
        ("Hello there you", 11.0, 12.5),
        ("with a length", 13.0, 14.5),
        ("in frames", pytest.approx(15.2), pytest.approx(16.4)),
        ("in ticks", 17.0, 18.0),
        ("by", 18.0, 19.0),
        ("spans", 19.0, 20.0),
    ]
    assert notes == ["1 of 7 cues left out, its times can't be read: 'begin=soon, end=12s'"]


SEGMENTS = [
    {"id": 0, "start": 0.0, "end": 2.5, "text": " Hello there.", "tokens": [1], "speaker": "S1"},
    {"id": 1, "start": 2.5, "end": 4.0, "text": " My friend.", "words": [], "speaker": None},
]
WANTED = [Cue("Hello there.", 0.0, 2.5, "S1"), Cue("My friend.", 2.5, 4.0)]


@pytest.mark.parametrize(
    "content",
    [
        {"text": " Hello there. My friend.", "segments": SEGMENTS, "language": "en"},
        SEGMENTS,
        {
            "systeminfo": "synthetic",
            "transcription": [
                {
                    "timestamps": {"from": "00:00:00,000", "to": "00:00:02,500"},
                    "offsets": {"from": 0, "to": 2500},
                    "text": " Hello there.",
                    "speaker": "S1",
                },
                {"offsets": {"from": 2500, "to": 4000}, "text": " My friend."},
            ],
        },
        {"segments": [{**s, "start": str(s["start"]), "end": str(s["end"])} for s in SEGMENTS]},
    ],
    ids=["openai", "a list", "whisper.cpp", "numbers as text"],
)
def test_whisper_json(tmp_path: Path, content: object) -> None:
    assert read(tmp_path, "a.json", content) == Transcript(WANTED, [])


def test_whisper_json_without_segments(tmp_path: Path) -> None:
    assert read(tmp_path, "a.json", {"text": " Hello there."}).cues == [Cue("Hello there.")]


@pytest.mark.parametrize("time", ["NaN", "Infinity", "1e400", '"soon"', "null", "true", "9" * 400])
def test_a_segment_of_json_without_times_is_noted(tmp_path: Path, time: str) -> None:
    bad = f'{{"start": 0, "end": {time}, "text": "never"}}'
    good = json.dumps(SEGMENTS[0])
    found = read(tmp_path, "a.json", f'{{"segments": [{bad}, {good}]}}')
    cues, (note,) = found.cues, found.notes
    assert cues == WANTED[:1]
    assert note.startswith("1 of 2 cues left out, its times can't be read")


def test_a_segment_of_json_that_is_none_is_noted(tmp_path: Path) -> None:
    found = read(tmp_path, "a.json", [SEGMENTS[0], 7, {"start": 1, "end": 2}])
    cues, notes = found.cues, found.notes
    assert cues == WANTED[:1]
    assert notes == ["2 of 3 cues left out, it holds no text: '7' and others"]


def test_whisper_table(tmp_path: Path) -> None:
    table = "start\tend\ttext\n0\t2500\tHello there.\n2500\t4000\t My friend.\n4000\t4000\tno\n"
    found = read(tmp_path, "a.tsv", table)
    cues, notes = found.cues, found.notes
    assert [(cue.text, cue.start, cue.end) for cue in cues] == [
        ("Hello there.", 0.0, 2.5),
        ("My friend.", 2.5, 4.0),
    ]
    assert notes == ["1 of 3 cues left out, it has no length: '4000 --> 4000'"]
