"""The figure of a timeline."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from made_up_timeline import (
    TOO_NOISY,
    emotion,
    empty_timeline,
    long_timeline,
    segment,
    short_timeline,
    timeline_of,
)
from matplotlib.text import Text

from mien.inference.timeline import Timeline
from mien.report.timeline.figure import FONT_SIZE, TALLEST, WIDTH, _figure, write_figure


def texts(timeline: Timeline) -> list[Text]:
    figure = _figure(timeline)
    figure.draw_without_rendering()  # which writes the times
    return [
        one
        for one in figure.findobj(Text)
        if isinstance(one, Text) and one.get_text() and one.get_visible()
    ]


def words(timeline: Timeline) -> list[str]:
    return [one.get_text() for one in texts(timeline)]


def test_a_figure_is_as_wide_as_a_page_whatever_is_drawn(tmp_path: Path, pixels) -> None:
    for name, timeline in (("short", short_timeline()), ("empty", empty_timeline())):
        write_figure(timeline, tmp_path / f"{name}.png")
        write_figure(timeline, tmp_path / f"{name}.svg")
        image = pixels(tmp_path / f"{name}.png")
        assert image.shape[1] == round(17 / 2.54 * 300) - 1  # matplotlib cuts the fraction off
        assert image.std() > 5
        root = ElementTree.parse(tmp_path / f"{name}.svg").getroot()
        assert float(root.get("width", "").removesuffix("pt")) == pytest.approx(17 / 2.54 * 72)
    assert (tmp_path / "short.svg").stat().st_size > 2 * (tmp_path / "empty.svg").stat().st_size


def test_equal_timelines_are_equal_files(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        write_figure(short_timeline(), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_no_text_is_smaller_than_eight_points() -> None:
    found = texts(long_timeline(60, 300))
    assert min(one.get_fontsize() for one in found) >= FONT_SIZE == 8.0


def test_what_is_written() -> None:
    found = words(short_timeline())
    for text in ("H  happy", "S  sad", "not answered", "unknown speaker", "H", "S", "0:12"):
        assert text in found
    assert "Predicted emotion; model trained on synthetic data" in found
    assert "Nothing is predicted" in words(empty_timeline())


def test_a_long_recording_is_wrapped_into_rows_on_one_page() -> None:
    minutes = {seconds: _figure(long_timeline(20, seconds)) for seconds in (300.0, 900.0, 86_400.0)}
    one, three, day = (figure.get_figheight() for figure in minutes.values())
    assert one < three <= day <= TALLEST
    assert all(figure.get_figwidth() == WIDTH for figure in minutes.values())


def test_speakers_beyond_the_eighth_are_counted() -> None:
    said = [
        segment(i, i + 1 + i / 99, f"speaker {i}", "a", {"emotion": emotion("sad", sad=1.0)})
        for i in range(11)
    ]
    found = words(timeline_of(said, 13))
    assert "Predicted emotion; 3 more speakers not shown" in found
    assert [one for one in found if one.startswith("speaker")] == [
        f"speaker {i}" for i in range(3, 11)
    ]


def test_names_are_text_and_not_formulas(tmp_path: Path) -> None:
    name = r"$\nonsense{$ " + "x" * 200
    said = [segment(0, 9, name, "a", {"emotion": emotion(r"$\frac$", **{r"$\frac$": 1.0})})]
    write_figure(timeline_of(said, 9), tmp_path / "timeline.svg")
    assert any(re.search("…$", text) for text in words(timeline_of(said, 9)))


def test_segments_that_are_not_answered_are_hatched() -> None:
    said = [segment(0, 9, "Anna", "a", {}, abstained=[TOO_NOISY])]
    lane = _figure(timeline_of(said, 9)).axes[0]
    assert [one.get_hatch() for one in lane.collections] == ["//////"]


def test_letters_without_a_font_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    said = [segment(0, 9, "\U000130b8", "a", {})]  # a hieroglyph
    write_figure(timeline_of(said, 9), tmp_path / "timeline.png")
    assert "timeline.png: letters that no installed font has" in caplog.text
