import base64
import re
from html.parser import HTMLParser

import numpy as np

from mien.metrics import evaluate
from mien.report.html import html
from mien.report.plots import picture
from mien.report.tables import table
from mien.tasks.label_metrics import LabelMetrics


def test_table_has_every_label_average_interval_and_baselines(emotion):
    text = table(emotion)
    for label in emotion.labels:
        row = emotion.multilabel.per_label[label]
        line = rf"^{label} +{row.support} +0\.500 +{row.accuracy:.3f} "
        assert re.search(line, text, re.MULTILINE)
    spread = emotion.intervals.ua
    assert f"{spread.low:.2f}–{spread.high:.2f}" in text
    assert f"{emotion.singlelabel.wa:.3f}  {emotion.singlelabel.ua:.3f}" in re.sub(" +", "  ", text)
    no, frequent = emotion.baselines.always_no, emotion.baselines.most_frequent
    assert re.search(rf"^always no +{no.average.accuracy:.3f} ", text, re.MULTILINE)
    assert re.search(rf"^most frequent label +{frequent.wa:.3f} ", text, re.MULTILINE)
    assert f"training split: {frequent.label}." in text
    assert "top-5" not in text
    assert "drawn by utterance" in text


def test_table_fits_a_terminal_and_its_columns_line_up(emotion):
    for part in table(emotion).split("\n\n"):
        lines = part.splitlines()
        rule = next(line for line in lines if set(line) == {"-"})
        assert len(rule) <= 100
        start = lines.index(rule)
        for line in lines[1:start] + lines[start + 1 : start + 5]:
            assert len(line) <= len(rule)


def test_undefined_figures_are_dashes_not_none():
    truth = np.array([[1, 0], [1, 0]])
    found = evaluate(np.eye(2), truth, ["here", "absent"], thresholds=np.full(2, 0.5))
    text = table(LabelMetrics.model_validate(found))
    absent = [line for line in text.splitlines() if line.startswith("absent")]
    assert absent[0].split() == ["absent", "0", "–", "–", "–"]
    assert absent[1].split() == ["absent", "0", "0.500", "0.500", "–", "–", "–", "–", "–"]
    assert "None" not in text
    assert "most frequent" not in text


def test_top_five_of_persons_is_shown(judge):
    people = judge([f"person {i:02d}" for i in range(24)], several=False)
    text = table(people)
    assert "(top-5)" in text
    assert f"{people.singlelabel.top5:.3f}" in text
    assert "always no" not in text


class Page(HTMLParser):
    """Checks that elements close in order, and collects what the page refers to and says."""

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


def test_page_is_whole_and_asks_for_nothing(tmp_path, emotion):
    picture({"emotion": emotion}, tmp_path / "results.png", "Results", synthetic=True)
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


def test_label_names_are_escaped(judge):
    text = html("Run", {"person": judge(["<b>", "a&b"])}, {})
    assert "<b>" not in text
    assert "&lt;b&gt;" in text
