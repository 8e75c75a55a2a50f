"""The page of a timeline: self-contained, escaped, and with all that its scripts need."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

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

from mien.inference.timeline import Timeline
from mien.report.timeline.label_style import contrast
from mien.report.timeline.page import page

ZOE, BOB, _ = SPEAKERS


class Page(HTMLParser):
    """Checks that elements close in order; collects elements, scripts and text by element."""

    VOID = ("meta", "input")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.written: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open and self.open[-1][0] == "script":
            self.scripts[-1] += data
        for tag, attributes in self.open:
            for key in (tag, attributes.get("class"), attributes.get("id")):
                self.written.setdefault(key or "", []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> dict[str, str]:
        return {key: "".join(parts) for key, parts in self.written.items()}

    @property
    def data(self) -> dict:
        return json.loads(self.scripts[0])


@pytest.fixture(scope="module")
def short() -> Page:
    return Page(page(short_timeline(), "interview%20one.mp4"))


def test_the_page_needs_nothing_but_the_recording(short: Page) -> None:
    refers = [v for _, found in short.elements for k, v in found.items() if k in ("src", "href")]
    assert refers == ["interview%20one.mp4"] * 2
    text = page(short_timeline())
    assert "url(http" not in text
    assert "import " not in text.replace("important", "")
    assert set(re.findall(r"https?://[^\"' ]+", text)) == {"http://www.w3.org/2000/svg"}
    assert [tag for tag, _ in Page(text).elements if tag in ("video", "audio", "link", "img")] == []


def test_the_policy_admits_no_other_script(short: Page) -> None:
    (policy,) = (one["content"] for one in short.all("meta") if "http-equiv" in one)
    digest = base64.b64encode(hashlib.sha256(short.scripts[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}';" in policy
    assert len(short.scripts) == 2
    assert not [name for _, found in short.elements for name in found if name.startswith("on")]


def test_the_data_are_those_of_the_timeline(short: Page) -> None:
    data = short.data
    assert (data["start"], data["end"], data["speakers"]) == (0, 12, [ZOE, BOB, "unknown speaker"])
    assert [task["name"] for task in data["tasks"]] == ["emotion", "affect"]
    happy, sad, overlap, brief, noisy, unsure = data["segments"]
    assert happy["words"][2] == [1.83, 2.5, "goes."]
    assert (happy["lane"], happy["face"], happy["from"]) == (0, 1, ["text", "audio"])
    assert happy["tasks"][0] == {
        **{"label": "happy", "bar": 0, "answered": True, "numbers": [0.75, 0.25], "why": None}
    }
    assert sad["tasks"][1]["numbers"] == [3.25, 2.0]
    assert [one["tasks"][0]["why"] for one in (overlap, brief)] == ["overlap", "short"]
    assert noisy["tasks"][0]["why"].startswith("too noisy (")
    assert unsure["tasks"][0]["numbers"] == [0.3, 0.31]
    assert not unsure["tasks"][0]["answered"]
    course = data["tasks"][0]["courses"]["0"]
    assert (course["from"], course["step"], course["scores"][0][0]) == (0, 1, 0.75)


def test_what_is_read_without_scripts(short: Page) -> None:
    assert "Timeline of interview one.mp4" in short.text["h1"]
    assert "0:12 long" in short.text["facts"]
    assert "model base" in short.text["facts"]
    assert "trained on synthetic data" in short.text["synthetic"]
    assert "predictions" in short.text["notice"]
    assert "can't be decoded" in short.text["notes"]
    assert f"{BOB} by gallery" in short.text["tbody"]
    assert "happy\xa0100\xa0%" in short.text["tbody"]
    lines = short.text["lines"]
    for words in ("So it goes.", "=1 & <b>", "overlap", "short", "can't tell", "unknown speaker"):
        assert words in lines
    assert len(short.all("video")) == 1
    assert len(Page(page(short_timeline(), "a.wav")).all("audio")) == 1


def test_a_model_of_real_data_has_no_notice_of_synthetic_ones() -> None:
    assert "ynthetic data" not in page(long_timeline(3, 9))


def test_a_page_of_nobody() -> None:
    empty = Page(page(empty_timeline()))
    assert "Nobody was heard speaking." in empty.text["section"]
    assert empty.data["segments"] == empty.data["tasks"] == empty.data["speakers"] == []


def everywhere(text: str) -> Timeline:
    """Put a text wherever a timeline holds one from outside."""
    answers = {"emotion": emotion(text, **{text: 0.9, "sad": 0.1})}
    said = [segment(0, 1, text, text, answers), segment(1, 2, None, text, {})]
    return timeline_of(
        said, 2, source=f"a/{text}", run=text, language=text, warnings=[text], speakers=[]
    )


@settings(max_examples=50, deadline=None)
@given(
    st.text()
    | st.sampled_from(["</script><script>alert(1)//", '"><b onclick="a">', "<!--", "{{ 7 * 7 }}"])
)
def test_text_from_outside_is_text(text: str) -> None:
    text = f"x{text}"
    made = Page(page(everywhere(text), "media.mp4"))
    usual = Page(page(everywhere("usual"), "media.mp4"))
    assert [tag for tag, _ in made.elements] == [tag for tag, _ in usual.elements]
    assert [[*found] for _, found in made.elements] == [[*found] for _, found in usual.elements]
    assert made.scripts[1] == usual.scripts[1]
    assert [word for one in made.data["segments"] for *_, word in one["words"]] == text.split() * 2


def test_names_with_tags_are_shown_as_they_are(short: Page) -> None:
    assert "<script>alert(1)" not in page(short_timeline()).replace("&lt;", "")
    assert BOB in short.text["lines"]


def test_colours_of_the_page_are_readable(short: Page) -> None:
    (style,) = (short.text[key] for key in ("style",))
    colours = dict(re.findall(r"--(\w+): (#\w{6})", style))
    for ink in ("ink", "faint", "accent"):
        for ground in ("#ffffff", colours["pale"], "#e8f0fa", "#fff3d6"):
            assert contrast(colours[ink], ground) >= 4.5, (ink, ground)


def test_two_hours_are_not_too_much() -> None:
    text = page(long_timeline())
    assert len(text.encode()) < 3_000_000
    assert len(Page(text).data["segments"]) == 2_000
