"""Identification against brute force and a case done by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.metrics.verification.identification import Search
from mien.metrics.verification.scores import Scores

from .conftest import score_lists


@settings(deadline=None)
@given(score_lists(), st.floats(-1.2, 1.2))
def test_searches_are_those_of_brute_force(scores: Scores, threshold: float) -> None:
    ranks, missed, false = [], [], []
    for column, speaker in enumerate(scores.probes):
        found = {
            str(scores.enrolled[row]): scores.values[row, column]
            for row in range(len(scores.enrolled))
            if scores.compared[row, column]
        }
        own = found.pop(str(speaker), None)
        false.append(any(score >= threshold for score in found.values()))
        if own is not None:
            ranks.append(1 + sum(score >= own for score in found.values()))
            missed.append(own < threshold or ranks[-1] > 1)
    search = Search(scores)
    assert search.fpir(threshold) == pytest.approx(np.mean(false))
    assert search.fnir(threshold) == pytest.approx(np.mean(missed))
    for rank in (1, 2, 3):
        assert search.within(rank) == pytest.approx(np.mean(np.array(ranks) <= rank))


@settings(deadline=None)
@given(score_lists())
def test_the_cmc_rises_to_one(scores: Scores) -> None:
    cmc = Search(scores).cmc()
    assert cmc == sorted(cmc)
    assert cmc[-1] == 1


@settings(deadline=None)
@given(score_lists(), st.sampled_from([0.0, 0.01, 0.1, 0.25, 0.5]))
def test_the_threshold_is_the_lowest_that_keeps_the_rate(scores: Scores, rate: float) -> None:
    search = Search(scores)
    threshold = search.threshold(rate)
    assert search.fpir(threshold) <= rate
    # where enough probes have nobody else to be found any threshold will do
    assert threshold < -1e300 or search.fpir(threshold - 1e-9) > rate


@settings(deadline=None)
@given(score_lists(), st.integers(0, 1000))
def test_a_weight_is_a_probe_that_often(scores: Scores, seed: int) -> None:
    weights = np.random.default_rng(seed).integers(0, 3, len(scores.probes))
    columns = np.repeat(np.arange(len(weights)), weights)
    repeated = Scores(
        scores.values[:, columns],
        scores.compared[:, columns],
        scores.enrolled,
        scores.probes[columns],
    )
    search, again = Search(scores), Search(repeated) if len(columns) else None
    for metric in ("fpir", "fnir"):
        found = getattr(search, metric)(0.1, weights.astype(float))
        if again is None or (metric == "fnir" and not again.mated.any()):
            assert np.isnan(found)
        else:
            assert found == pytest.approx(getattr(again, metric)(0.1))


def test_a_case_done_by_hand() -> None:
    values = np.array([[0.9, 0.2, 0.5], [0.1, 0.6, 0.5], [0.3, 0.7, 0.4]])
    search = Search(
        Scores(values, np.ones((3, 3), bool), np.array(list("abc")), np.array(list("abb")))
    )
    # a is first; b is second to c; b ties with a
    assert search.rank.tolist() == [1, 2, 2]
    assert search.within(1) == pytest.approx(1 / 3)
    assert search.chance() == pytest.approx(1 / 3)
    assert search.non_mated_score.tolist() == [0.3, 0.7, 0.5]
    assert search.fnir(0.95) == 1
    assert search.fnir(0.8) == pytest.approx(2 / 3)
    assert search.fpir(0.5) == pytest.approx(2 / 3)
    # of three searches one may return somebody
    assert 0.5 < search.threshold(1 / 3) < 0.5 + 1e-9
    assert search.threshold(1.0) == -np.inf


def test_a_score_equal_to_the_threshold_returns_the_speaker() -> None:
    values = np.array([[0.9, 0.2], [0.3, 0.6]])
    search = Search(
        Scores(values, np.ones((2, 2), bool), np.array(list("ab")), np.array(list("ab")))
    )
    assert search.fnir(0.6) == 0
    assert search.fnir(np.nextafter(0.6, 1)) == pytest.approx(1 / 2)
    assert search.fpir(0.3) == pytest.approx(1 / 2)
    assert search.fpir(np.nextafter(0.3, 1)) == 0
    assert search.threshold(0.0) == np.nextafter(0.3, np.inf), (
        "another who scores 0.3 must not pass"
    )


def test_who_scores_the_same_as_somebody_else_is_not_found() -> None:
    values = np.array([[0.7], [0.7]])
    search = Search(Scores(values, np.ones((2, 1), bool), np.array(list("ab")), np.array(["a"])))
    assert search.rank.tolist() == [2]
    assert search.fnir(0.5) == 1
