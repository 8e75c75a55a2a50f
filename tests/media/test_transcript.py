"""Words with and without times, as subtitle programs write them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import MienError
from mien.media.transcript import Cue, read_transcript

SRT = """1
00:00:01,000 --> 00:00:02,500
I am glad
that you came.

2
01:02:03,250 --> 01:02:04,000
<i>No.</i>
"""

VTT = """WEBVTT - synthetic

STYLE
::cue { color: red }

NOTE a remark
of two lines

00:01.000 --> 00:02.500 align:start position:10%
<v Anna>I am glad
that <00:01.800>you came.</v>

an-identifier
01:02:03.250 --> 01:02:04.000
No.
"""

CUES = [Cue("I am glad that you came.", 1.0, 2.5), Cue("No.", 3723.25, 3724.0)]


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(("name", "content"), [("a.srt", SRT), ("a.vtt", VTT), ("A.SRT", SRT)])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_both_formats(tmp_path: Path, name: str, content: str, ending: str, mark: bytes) -> None:
    path = written(tmp_path, name, mark + content.replace("\n", ending).encode())
    assert read_transcript(path) == CUES
    assert read_transcript(str(path)) == CUES


@pytest.mark.parametrize(
    ("times", "start", "end"),
    [
        ("00:00:01 --> 00:00:02", 1, 2),
        ("00:01.5-->00:02.25", 1.5, 2.25),
        ("100:00:00,001 --> 100:00:00,002", 360_000.001, 360_000.002),
    ],
)
def test_times_of_other_forms(tmp_path: Path, times: str, start: float, end: float) -> None:
    (cue,) = read_transcript(written(tmp_path, "a.srt", f"{times}\nNo.\n"))
    assert (cue.start, cue.end) == (pytest.approx(start), pytest.approx(end))


@given(st.integers(0, 10**8), st.integers(1, 10**6))
def test_times_are_exact_to_the_millisecond(start: int, length: int) -> None:
    from mien.media.transcript import TIMES, _seconds

    def clock(milliseconds: int) -> str:
        seconds, rest = divmod(milliseconds, 1000)
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02},{rest:03}"

    found = TIMES.search(f"{clock(start)} --> {clock(start + length)}")
    assert found
    expected = [start / 1000, (start + length) / 1000]
    assert [_seconds(t) for t in found.groups()] == pytest.approx(expected, abs=1e-6)


def test_escaped_characters_are_words(tmp_path: Path) -> None:
    text = "You &amp; I &lt;3 this.&nbsp;Really."
    path = written(tmp_path, "a.vtt", f"WEBVTT\n\n00:01.000 --> 00:02.000\n{text}\n")
    assert read_transcript(path)[0].text == "You & I <3 this. Really."


def test_cues_come_in_order_of_time(tmp_path: Path) -> None:
    late, early = "00:00:05,0 --> 00:00:06,0\nlate", "00:00:01,0 --> 00:00:02,0\nearly"
    path = written(tmp_path, "a.srt", f"{late}\n\n{early}\n")
    assert [cue.text for cue in read_transcript(path)] == ["early", "late"]


def test_a_cue_without_words_is_none(tmp_path: Path) -> None:
    silence = "1\n00:00:03,000 --> 00:00:04,000\n<i> </i>\n\n"
    assert read_transcript(written(tmp_path, "a.srt", silence + SRT)) == CUES


@pytest.mark.parametrize("name", ["a.srt", "a.vtt"])
def test_a_cue_ends_where_the_next_begins(tmp_path: Path, name: str) -> None:
    numbered = (
        "1\n00:00:01,000 --> 00:00:02,000\nI am glad\nthat you came.\n"
        "2\n00:00:02,000 --> 00:00:03,000\n3\n00:00:03,000 --> 00:00:04,000\n42\n"
    )
    glad = Cue("I am glad that you came.", 1.0, 2.0)
    assert read_transcript(written(tmp_path, name, numbered)) == [glad, Cue("42", 3.0, 4.0)]
    bare = "00:01,0 --> 00:02,0\n42\n00:02,0 --> 00:03,0\nNo.\n"
    assert read_transcript(written(tmp_path, name, bare)) == [
        Cue("42", 1.0, 2.0),
        Cue("No.", 2.0, 3.0),
    ]


def test_blank_lines_within_a_subrip_cue_lose_no_words(tmp_path: Path) -> None:
    gaps = (
        "1\n\n00:01,0 --> 00:02,0\n\nI am glad\n\nthat you came.\n\n2\n\n00:02,0 --> 00:03,0\nNo."
    )
    assert [cue.text for cue in read_transcript(written(tmp_path, "a.srt", gaps))] == [
        "I am glad that you came.",
        "No.",
    ]


def test_plain_text_goes_for_the_whole_clip(tmp_path: Path) -> None:
    path = written(tmp_path, "a.txt", " I am glad\n\n that  you came.\n")
    assert read_transcript(path) == [Cue("I am glad that you came.")]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.txt", " \n", "holds no words"),
        ("a.vtt", "WEBVTT\n", "holds no words"),
        ("a.srt", "Words without times.", "holds no words"),
        ("a.srt", "00:00:02,0 --> 00:00:01,0\nNo.", "ends before it begins"),
        ("a.srt", f"{SRT}\n3\n00:00:0x,0 --> 00:00:01,0\nNo.", "00:00:0x,0"),
        ("a.txt", "Grüße".encode("latin-1"), "UTF-8"),
        ("a.vtt", "WEBVTT".encode("utf-16"), "UTF-8"),
    ],
)
def test_what_cannot_be_read_is_refused(
    tmp_path: Path, name: str, content: str | bytes, why: str
) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(MienError, match=why) as error:
        read_transcript(path)
    assert str(path) in str(error.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.srt", tmp_path):
        with pytest.raises(MienError, match=str(path)):
            read_transcript(path)
