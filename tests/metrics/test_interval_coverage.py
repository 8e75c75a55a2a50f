"""How often an interval holds the truth, on synthetic predictions for few and for many speakers."""

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.metrics import evaluate_labels
from mien.metrics.bootstrap import FEW, average_recall, interval, tally
from mien.report.tables import table
from mien.tasks.label_metrics import LabelMetrics

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "interval_coverage.py"


@pytest.fixture(scope="module")
def coverage() -> Callable[..., list[dict[str, Any]]]:
    return runpy.run_path(str(SCRIPT))["coverage"]


def measured(rows: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give what was measured of speakers drawn whole, and of two stages."""
    whole, stages = rows
    assert (whole["way"], stages["way"]) == ("speakers whole", "two stages")
    return whole, stages


def test_four_speakers_who_are_alike_give_no_narrow_interval(coverage) -> None:
    whole, stages = measured(coverage(4, 0.0, draws=60))
    assert whole["these"] < 0.9
    assert stages["these"] > 0.93
    assert 0.05 < stages["half"] < 0.1
    assert whole["half"] < 0.75 * stages["half"]


@pytest.mark.slow
@pytest.mark.parametrize("between", [0.0, 0.05, 0.1])
@pytest.mark.parametrize("speakers", [4, 10, 24])
def test_the_truth_lies_within_as_often_as_is_said(coverage, speakers: int, between: float) -> None:
    whole, stages = measured(coverage(speakers, between, draws=150))
    # 150 draws tell .95 from .91
    assert stages["these"] > 0.91, "of these speakers, which is all that few of them can tell"
    assert stages["half"] > whole["half"]
    if speakers >= FEW:
        assert stages["others"] > 0.91


def test_the_page_of_the_benchmark_is_of_what_it_measured() -> None:
    module = runpy.run_path(str(SCRIPT))
    rows = json.loads(SCRIPT.with_suffix(".json").read_text())
    assert module["table"](rows) == SCRIPT.with_suffix(".md").read_text()
    assert [(r["speakers"], r["between"]) for r in rows[::2]] == [
        (n, b) for n in module["SPEAKERS"] for b in module["BETWEEN"]
    ]


def block(speakers: list[str], by: str = "person") -> dict[str, Any]:
    random = np.random.default_rng(0)
    truth = np.eye(3)[random.integers(0, 3, len(speakers))]
    scores = random.random(truth.shape) + 0.3 * truth
    labels, thresholds = ["a", "b", "c"], np.full(3, 0.5)
    return evaluate_labels(scores, truth, labels, thresholds=thresholds, groups=speakers, by=by)


@pytest.mark.parametrize(
    ("number", "by", "covers"),
    [
        (1, "person", "this one speaker only"),
        (4, "person", "these 4 speakers only"),
        (9, "dialogue", "these 9 dialogues only"),
        (10, "person", None),
    ],
)
def test_an_interval_of_few_speakers_says_that_it_is_theirs_alone(number, by, covers) -> None:
    found = block([f"P{i % number}" for i in range(120)], by)
    for name in ("ua", "macro_f1", "average_f1"):
        spread = found["intervals"][name]
        assert (spread["units"], spread["covers"]) == (number, covers)
    text = table(LabelMetrics.model_validate(found))
    if covers is None:
        assert "It covers" not in text
    else:
        assert text.count(f"It covers {covers}: others may do better or worse.") == 2
    assert (f"drawn by {by} and then by utterance." in text) == (number > 1)


def test_with_unknown_speakers_an_interval_names_none() -> None:
    truth = np.eye(2, dtype=bool)[[0, 1] * 20]
    for speakers in (None, ["Ann", None] * 20):
        found = interval(tally(truth, truth), average_recall, groups=speakers)
        assert found is not None
        assert (found["by"], found["units"], found["covers"]) == ("utterance", None, None)


def test_utterances_are_drawn_anew_for_a_speaker_drawn_twice() -> None:
    """Two speakers, each right in half of 100: the spread of 200 utterances or of 100 twice."""
    right = np.tile([0, 1], 100)
    predicted = np.repeat([0, 1], 2)[np.arange(200) % 4]
    speakers = np.repeat(["Ann", "Ben"], 100)
    one = np.eye(2, dtype=bool)
    found = interval(tally(one[right], one[predicted]), average_recall, groups=speakers)
    assert found is not None
    # binomial: 1.96 * sqrt(.25 / 200)
    assert (found["high"] - found["low"]) / 2 == pytest.approx(0.069, abs=0.012)
