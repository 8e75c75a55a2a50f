"""Text with and without times, as subtitle programs write it."""

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import MienError
from mien.media.subtitles import read_times
from mien.media.transcript import Cue, Transcript, cut_to_length, read_transcript
from mien.utterance import MAX_TIME

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

NOTE another remark
"""

CUES = [Cue("I am glad that you came.", 1.0, 2.5), Cue("No.", 3723.25, 3724.0)]


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder: Path, name: str, content: str | bytes) -> list[Cue]:
    return read_transcript(written(folder, name, content)).cues


def texts(folder: Path, name: str, content: str | bytes) -> list[str]:
    return [cue.text for cue in read(folder, name, content)]


@pytest.mark.parametrize(("name", "content"), [("a.srt", SRT), ("a.vtt", VTT), ("A.SRT", SRT)])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_both_formats(tmp_path: Path, name: str, content: str, ending: str, mark: bytes) -> None:
    path = written(tmp_path, name, mark + content.replace("\n", ending).encode())
    speaker = "Anna" if content == VTT else None
    wanted = [replace(CUES[0], speaker=speaker), CUES[1]]
    assert read_transcript(path) == Transcript(wanted, [])
    assert read_transcript(str(path)).cues == wanted


@pytest.mark.parametrize(
    ("times", "start", "end"),
    [
        ("00:00:01 --> 00:00:02", 1, 2),
        ("00:01.5-->00:02.25", 1.5, 2.25),
        ("100:00:00,001 --> 100:00:00,002", 360_000.001, 360_000.002),
        ("\u200e00:00:01,000 --> 00:00:02,000\u200f", 1, 2),
    ],
)
def test_times_of_other_forms(tmp_path: Path, times: str, start: float, end: float) -> None:
    (cue,) = read(tmp_path, "a.srt", f"{times}\nNo.\n")
    assert (cue.start, cue.end) == (pytest.approx(start), pytest.approx(end))


@given(st.integers(0, 10**8), st.integers(1, 10**6))
def test_times_are_exact_to_the_millisecond(start: int, length: int) -> None:
    def clock(milliseconds: int) -> str:
        seconds, rest = divmod(milliseconds, 1000)
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02},{rest:03}"

    found = read_times(f"{clock(start)} --> {clock(start + length)}")
    assert found == pytest.approx((start / 1000, (start + length) / 1000), abs=1e-6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("You &amp; I &lt;3 this.&nbsp;Really.", "You & I <3 this. Really."),
        ("if x < 5 then y > 3", "if x < 5 then y > 3"),
        ("a < b and c > d, a<b and c>d", "a < b and c > d, a<b and c>d"),
        (r"{\an8}{\i1}Hello{\i0}\Nthere.", "Hello there."),
        ('<font color="#fff" size=3>Hello</font> <b>there</b><br/> <c.yellow>you</c>', None),
        ("{laughs} I <3 you", "{laughs} I <3 you"),
        ("I <am> glad", "I <am> glad"),
        ("Hel\u200blo\u2060 \u202athere\u202c\ufeff", "Hello there"),
        ("\u0645\u06cc\u200c\u0631\u0648\u0645 \u200c", "\u0645\u06cc\u200c\u0631\u0648\u0645"),
    ],
)
@pytest.mark.parametrize("name", ["a.srt", "a.vtt"])
def test_tags_and_marks_are_no_words_and_nothing_else_is_lost(
    tmp_path: Path, name: str, text: str, words: str | None
) -> None:
    content = f"WEBVTT\n\n00:01.000 --> 00:02.000\n{text}\n"
    assert texts(tmp_path, name, content) == [words or "Hello there you"]


def test_cues_come_in_order_of_time(tmp_path: Path) -> None:
    late, early = "00:00:05,0 --> 00:00:06,0\nlate", "00:00:01,0 --> 00:00:02,0\nearly"
    assert texts(tmp_path, "a.srt", f"{late}\n\n{early}\n") == ["early", "late"]


def test_a_cue_without_words_is_none(tmp_path: Path) -> None:
    silence = "1\n00:00:03,000 --> 00:00:04,000\n<i> </i>\n\n"
    assert read(tmp_path, "a.srt", silence + SRT) == CUES


@pytest.mark.parametrize("name", ["a.srt", "a.vtt"])
def test_a_cue_ends_where_the_next_begins(tmp_path: Path, name: str) -> None:
    numbered = (
        "1\n00:00:01,000 --> 00:00:02,000\nI am glad\nthat you came.\n"
        "2\n00:00:02,000 --> 00:00:03,000\n3\n00:00:03,000 --> 00:00:04,000\n42\n"
    )
    glad = Cue("I am glad that you came.", 1.0, 2.0)
    assert read(tmp_path, name, numbered) == [glad, Cue("42", 3.0, 4.0)]
    bare = "00:01,0 --> 00:02,0\n42\n00:02,0 --> 00:03,0\nNo.\n"
    assert read(tmp_path, name, bare) == [Cue("42", 1.0, 2.0), Cue("No.", 2.0, 3.0)]


def test_an_empty_line_ends_a_cue_of_webvtt_and_one_with_a_space_does_not(tmp_path: Path) -> None:
    cue = "WEBVTT\n\n00:01.000 --> 00:02.000\n{}\nthere\n"
    assert texts(tmp_path, "a.vtt", cue.format("hello\n ")) == ["hello there"]
    assert texts(tmp_path, "a.vtt", cue.format("hello\n")) == ["hello"]


def test_blank_lines_within_a_subrip_cue_lose_no_words(tmp_path: Path) -> None:
    gaps = (
        "1\n\n00:01,0 --> 00:02,0\n\nI am glad\n\nthat you came.\n\n2\n\n00:02,0 --> 00:03,0\nNo."
    )
    assert texts(tmp_path, "a.srt", gaps) == ["I am glad that you came.", "No."]


def test_an_arrow_may_be_a_word(tmp_path: Path) -> None:
    arrow = "1\n00:01,0 --> 00:02,0\ngo left --> then right\n"
    assert texts(tmp_path, "a.srt", arrow) == ["go left --> then right"]


def test_plain_text_goes_for_the_whole_clip(tmp_path: Path) -> None:
    plain = " I am glad\n\n that  you came.\n"
    assert read(tmp_path, "a.txt", plain) == [Cue("I am glad that you came.")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, "a.srt", SRT.replace("No.", "Größe \u4f60").encode(encoding))
    found = read_transcript(path)
    cues, notes = found.cues, found.notes
    assert [cue.text for cue in cues] == [CUES[0].text, "Größe \u4f60"]
    assert notes == []


def test_other_european_bytes_are_windows_1252_with_a_note(tmp_path: Path) -> None:
    path = written(tmp_path, "a.txt", "It\u2019s Grüße".encode("cp1252"))
    found = read_transcript(path)
    cues, notes = found.cues, found.notes
    assert cues == [Cue("It\u2019s Grüße")]
    assert notes == ["a.txt is not UTF-8 text and was read as Windows-1252"]


@pytest.mark.parametrize(
    ("bad", "note"),
    [
        ("00:00:02,0 --> 00:00:01,0", "it ends before it begins"),
        ("00:00:02,0 --> 00:00:02,0", "it has no length"),
        ("00:00:0x,0 --> 00:00:01,0", "its times can't be read"),
        ("-00:00:01,0 --> 00:00:01,0", "its times can't be read"),
        (f"00:00:01,0 --> 00:00:{'9' * 310}", "its times can't be read"),
        (f"00:00:01,0 --> 00:00:{MAX_TIME + 1:.0f}", "its times can't be read"),
    ],
)
@pytest.mark.parametrize("name", ["a.srt", "a.vtt"])
def test_a_cue_whose_times_make_no_sense_is_left_out_with_a_note(
    tmp_path: Path, name: str, bad: str, note: str
) -> None:
    path = written(tmp_path, name, f"{SRT}\n3\n{bad}\nNever said.\n")
    found = read_transcript(path)
    cues, notes = found.cues, found.notes
    assert cues == CUES
    assert notes == [f"1 of 3 cues left out, {note}: {bad[:80]!r}"]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.txt", " \n", "holds no text"),
        ("a.vtt", "WEBVTT\n", "holds no text"),
        ("a.srt", "Words without times.", "holds no text"),
        ("a.srt", "00:00:02,0 --> 00:00:01,0\nNo.", "holds no text.*ends before it begins"),
        ("a.txt", "Привет, мир".encode("cp1251"), "UTF-8"),
        ("a.txt", "hello".encode("utf-16-le"), "zero bytes"),
        ("a.vtt", b"\xff\xfe\x00\xd8", "UTF-8"),
        ("a.txt", SRT, r"call it \.srt"),
        ("a.docx", SRT, r"none of \.srt, \.vtt"),
        ("a", SRT, r"none of \.srt, \.vtt"),
        ("a.json", '{"words": 1}', "neither segments nor a text"),
        ("a.json", "{", "is not JSON"),
        ("a.json", "[" * 100_000, "is not JSON"),
        ("a.tsv", "begin\tend\ttext\n0\t1\thi\n", "lacks the columns start"),
        ("a.tsv", "", "lacks the columns start, end, text"),
        ("a.ttml", "<tt", "can't be read as XML"),
        ("a.ttml", '<!DOCTYPE tt [<!ENTITY a "b">]><tt>&a;</tt>', "document type"),
        ("a.ttml", "<div>" * 60 + "<p begin='1s' end='2s'/>" + "</div>" * 60, "deeper than 50"),
        ("a.ass", "[Script Info]\n", "holds no text"),
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


def test_a_transcript_is_cut_to_its_clip() -> None:
    cues = [Cue("one", 0.0, 1.0), Cue("two", 1.0, 9.0), Cue("three", 3.0, 4.0)]
    found = cut_to_length(Transcript(cues, ["before"]), 3.0)
    cut, notes = found.cues, found.notes
    assert cut == [Cue("one", 0.0, 1.0), Cue("two", 1.0, 3.0)]
    assert notes == [
        "before",
        "1 of 3 cues of the transcript begin after the clip's end, at 3 s, and are left out",
    ]
    with pytest.raises(MienError, match=r"begins at 1 s and the clip ends at 0\.5 s"):
        cut_to_length(Transcript(cues[1:], []), 0.5)
    untimed = Transcript([Cue("words")], [])
    assert cut_to_length(untimed, 3.0) == untimed
    assert cut_to_length(Transcript(cues, []), 0.0).cues == cues


def test_odd_files(shared_data: Path) -> None:
    odd = shared_data / "odd"
    captions = read_transcript(odd / "youtube_auto.vtt").cues
    assert [(cue.text, round(cue.start, 1), cue.end) for cue in captions] == [
        ("hello there", 0.0, 2.0),
        ("my friend", 2.0, 4.0),
    ]
    marked = read_transcript(odd / "invisible_mark_first.srt").cues
    assert marked == [Cue("Hello there.", 0.0, 1.0), Cue("Goodbye.", 1.0, 2.0)]
    styled = read_transcript(odd / "styled.srt").cues
    assert styled == [Cue("Hello there.", 0.0, 1.0), Cue("if x < 5 then y > 3", 1.0, 2.0)]
    with pytest.raises(MienError, match=r"begins at 100 s and the clip ends at 3 s"):
        cut_to_length(read_transcript(odd / "starts_after_the_clip.srt"), 3.0)
    with pytest.raises(MienError, match=r"1 of 1 cues left out, its times can't be read"):
        read_transcript(odd / "hostile" / "infinite-cue.srt")


SIGNS = st.sampled_from(
    [
        *"0123456789:,.-> \n\t\r<>{}\\[]\"'&;/abZé\u200e\ufeff\0",
        *("-->", "00:01.0 --> 00:02.0\n", "WEBVTT\n\n", "\n\n", "<v Anna>", "</c>"),
        *("ANNA: ", "[SPEAKER_00]", "<tt><p begin='1s' end='2s'>", "</p></tt>"),
        *(
            "[Events]\nFormat: Start, End, Name, Text\n",
            "Dialogue: 0:00:01.00,0:00:02.00,Anna,hi\n",
        ),
        *('{"segments": [', "]}", '{"start": 1, "end": 2, "text": "hi"}', "start\tend\ttext\n"),
    ]
)
SUFFIXES = (".srt", ".vtt", ".ass", ".ssa", ".ttml", ".json", ".tsv", ".txt")


@settings(max_examples=300, deadline=2000)
@given(st.sampled_from(SUFFIXES), st.lists(SIGNS, max_size=40).map("".join))
def test_any_text_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, content: str
) -> None:
    path = written(tmp_path_factory.getbasetemp(), f"any{suffix}", content)
    cues: list[Cue] = []
    with suppress(MienError):
        cues = read_transcript(path).cues
    for cue in cues:
        assert cue.text.strip() == cue.text != ""
        assert cue.start is None or 0 <= cue.start < cue.end <= MAX_TIME
    starts = [cue.start or 0.0 for cue in cues]
    assert starts == sorted(starts)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "unit", ["9", "<v a", "{\\", "00:01.0 --> 00:02.0\n", "A: ", "- ", ".a", "x\n", "&amp;", "<b "]
)
def test_no_long_text_holds_it_up(tmp_path: Path, suffix: str, unit: str) -> None:
    """Each takes a fraction of a second; what is quadratic would take minutes."""
    began = time.perf_counter()
    content = f"00:00:01.000 --> 00:00:02.000\n{unit * (200_000 // len(unit))}"
    with suppress(MienError):
        read_transcript(written(tmp_path, f"a{suffix}", content))
    assert time.perf_counter() - began < 10


def test_where_all_cues_begin_with_a_name_one_that_is_not_repeated_counts(tmp_path: Path) -> None:
    path = tmp_path / "talk.txt"
    lines = ["Ben: How are you?", "Anna: Very well, thanks.", "Ben: Good."]
    cues = "".join(
        f"{i}\n00:00:0{i},000 --> 00:00:0{i},900\n{line}\n\n" for i, line in enumerate(lines)
    )
    path = path.with_suffix(".srt")
    path.write_text(cues)
    found = read_transcript(path).cues
    assert [cue.speaker for cue in found] == ["Ben", "Anna", "Ben"]
    assert found[1].text == "Very well, thanks."
