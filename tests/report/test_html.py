"""The page of a run's metrics."""

import base64
from html.parser import HTMLParser

from mien.report.html import html
from mien.report.plots import plot_metrics


class Page(HTMLParser):
    """Checks that elements close in order, and collects links and text."""

    VOID = ("meta", "img")

    def __init__(self):
        super().__init__()
        self.open, self.refers, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.refers += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text += data


def test_page_is_self_contained(tmp_path, emotion):
    plot_metrics({"emotion": emotion}, tmp_path / "results.png", "Results", synthetic=True)
    text = html(
        "Run <1> & more",
        {"emotion": emotion},
        {"The results": tmp_path / "results.png"},
        synthetic=True,
    )
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    assert "http:" not in text
    assert "https:" not in text
    assert "url(" not in text
    assert len(page.refers) == 1
    kind, data = page.refers[0].split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == (tmp_path / "results.png").read_bytes()
    for words in (
        "Run <1> & more",
        *emotion.labels,
        "always no",
        "most frequent label",
        "The results",
    ):
        assert words in page.text
    assert "synthetic data" in page.text


def test_page_mentions_synthetic_data_only_where_they_are(emotion):
    page = Page()
    page.feed(html("Run", {"emotion": emotion}, {}))
    assert "synthetic" not in page.text


def test_label_names_are_escaped(evaluated):
    text = html("Run", {"person": evaluated(["<b>", "a&b"])}, {})
    assert "<b>" not in text
    assert "&lt;b&gt;" in text
