"""How often the tests of two systems are wrong, with few speakers and with many."""

import itertools
import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binom

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "paired_tests.py"
DRAWS = 120


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


@pytest.fixture(scope="module")
def measured(script: dict[str, Any]) -> dict[tuple[int, float], dict[str, Any]]:
    """Give the rates under the null hypothesis, by number of speakers and their deviation."""
    return {
        case: script["rates"](*case, shift=0.0, draws=DRAWS, resamples=400)
        for case in ((4, 0.2), (10, 0.0), (10, 0.2), (24, 0.2))
    }


def bounds(rate: float) -> tuple[float, float]:
    """Give between which shares of the draws a rate lies in all but one of 1000 cases."""
    low, high = binom.ppf([0.0005, 0.9995], DRAWS, rate) / DRAWS
    return low, high


def test_permutation_test_of_speakers_keeps_its_level(measured) -> None:
    low, high = bounds(0.05)
    for case in ((10, 0.0), (10, 0.2), (24, 0.2)):
        assert low <= measured[case]["permutation"] <= high, case
    assert measured[4, 0.2]["permutation"] == 0, "no p of four speakers is below 0.125"


def test_mcnemar_keeps_its_level_only_where_utterances_are_independent(measured) -> None:
    _, high = bounds(0.05)
    assert measured[10, 0.0]["mcnemar"] <= high
    for speakers in (4, 10, 24):
        assert measured[speakers, 0.2]["mcnemar"] > 0.3, speakers


def test_interval_of_four_speakers_is_too_narrow_for_others(measured) -> None:
    _, high = bounds(0.05)
    assert measured[4, 0.2]["interval_excludes_0"] > high
    assert 1 - measured[4, 0.2]["difference_others"] > high
    assert 1 - measured[24, 0.2]["difference_others"] <= high
    assert measured[10, 0.0]["interval_excludes_0"] <= high


def test_intervals_hold_the_truth_of_their_own_speakers(measured) -> None:
    low, _ = bounds(0.95)
    for rates in measured.values():
        assert min(rates["interval_these"], rates["difference_these"]) >= low


def test_a_difference_is_found_with_24_speakers(script: dict[str, Any]) -> None:
    found = script["rates"](24, 0.1, shift=0.1, draws=20, resamples=400)
    assert found["permutation"] > 0.8
    assert found["difference_others"] > 0.7


def test_page_of_the_benchmark_is_of_what_it_measured(script: dict[str, Any]) -> None:
    result = json.loads(SCRIPT.with_suffix(".json").read_text())
    assert script["page"](result) == SCRIPT.with_suffix(".md").read_text()
    cases = itertools.product(script["SHIFTS"], script["SPEAKERS"], script["DEVIATIONS"])
    assert [(r["shift"], r["speakers"], r["deviation"]) for r in result["rows"]] == [*cases]
