"""The scripts of a timeline's page, run by Node."""

import json
import shutil
import subprocess
from importlib.resources import files

import pytest

from mien.report.timeline.page import SCRIPTS

TEMPLATE = files("mien.report.timeline") / "template"

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")


def run(code: str, *scripts: str) -> object:
    """Run scripts and then code, and give back what it prints as JSON."""
    text = "\n".join([*((TEMPLATE / name).read_text("utf-8") for name in scripts), code])
    result = subprocess.run(["node", "-"], input=text, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def scale(code: str) -> object:
    log = "const log = (x) => console.log(JSON.stringify(x));"
    return run(f"{log} const s = new Scale(10, 7210); s.width = 1000; {code}", "scale.js")


def test_the_scripts_are_whole() -> None:
    text = "\n".join((TEMPLATE / name).read_text("utf-8") for name in SCRIPTS)
    result = subprocess.run(["node", "--check", "-"], input=text, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_times_and_places() -> None:
    assert scale("log([s.x(10), s.x(7210), s.time(500)])") == [0, 1000, 3610]
    assert scale("log([clock(65.95), clock(65.95, 0.1), clock(3600), clock(0)])") == [
        *("1:05", "1:05.9", "1:00:00", "0:00"),
    ]


def test_zoom_keeps_the_time_under_the_pointer() -> None:
    assert scale("s.zoom(4, 250); log([s.time(250), s.span])") == [1810, 1800]


def test_the_view_stays_within_the_recording() -> None:
    assert scale("s.zoom(0.1, 0); log([s.from, s.to])") == [10, 7210]
    assert scale("s.zoom(1e9, 1000); log([s.from, s.to])") == [7208, 7210]
    assert scale("s.zoom(72, 0); s.pan(-50); log([s.from, s.to])") == [10, 110]
    assert scale("s.zoom(72, 0); s.pan(1e6); log([s.from, s.to])") == [7110, 7210]


def test_a_segment_is_brought_into_view_only_if_need_be() -> None:
    assert scale("s.show(100, 100); s.reveal(120, 130); log([s.from, s.to])") == [100, 200]
    assert scale("s.show(100, 100); s.reveal(300, 310); log([s.from, s.to])") == [220, 320]
    assert scale("s.show(100, 100); s.reveal(50, 60); log([s.from, s.to])") == [40, 140]


def test_ticks_are_round_and_far_enough_apart() -> None:
    assert scale("s.show(10, 3600); log(s.ticks())") == {
        "step": 300,
        "found": [300 * i for i in range(1, 13)],
    }


def test_courses_have_gaps_and_the_highest_are_chosen() -> None:
    points = "[{x: 0, score: 1}, {x: 5, score: 2}, {x: 9, score: null}, {x: 12, score: 3}]"
    found = run(f"console.log(JSON.stringify(path({points}, (y) => 10 * y)))", "chart.js")
    assert found == "M0.0 10.0h.01L5.0 20.0M12.0 30.0h.01"
    rows = ", ".join(f"[{{score: {mean}}}, {{score: null}}]" for mean in (3, 1, 5, 2, 4))
    found = run(f"console.log(JSON.stringify(highest([{rows}, [{{score: null}}]])))", "chart.js")
    assert found == [0, 2, 3, 4]
