"""Error rates, EER and detection cost against brute force, sklearn and cases done by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.metrics import roc_curve

from mien.metrics.verification.det import (
    DetCurve,
    equal_error_rate,
    minimum_cost,
    points,
)
from mien.metrics.verification.scores import Scores

from .conftest import score_lists


def trials(scores: Scores) -> tuple[np.ndarray, np.ndarray]:
    return scores.values[scores.compared], scores.same[scores.compared]


def mixed(scores: Scores) -> bool:
    return bool(scores.targets.any() and scores.nontargets.any())


def two(target: list[float], nontarget: list[float]) -> Scores:
    """Person a is enrolled; the probes of a and b score as listed."""
    values = np.array([[*target, *nontarget], [0.0] * (len(target) + len(nontarget))])
    compared = np.array([[True], [False]]) & np.ones(values.shape, bool)
    probes = np.array(["a"] * len(target) + ["b"] * len(nontarget))
    return Scores(values, compared, np.array(["a", "b"]), probes)


def eer(*scores: Scores) -> float:
    return equal_error_rate(*DetCurve(*scores).rates())


@settings(deadline=None)
@given(score_lists().filter(mixed))
def test_rates_are_those_of_every_threshold(scores: Scores) -> None:
    values, target = trials(scores)
    fnmr, fmr = DetCurve(scores).rates()
    expected = [(1.0, 0.0)] + [
        ((values[target] < at).mean(), (values[~target] >= at).mean())
        for at in sorted(set(values), reverse=True)
    ]
    assert np.allclose(np.stack([fnmr, fmr], axis=1), expected)
    false, true, _ = roc_curve(target, values, drop_intermediate=False)
    assert np.allclose(fmr, false)
    assert np.allclose(fnmr, 1 - true)


@settings(deadline=None)
@given(score_lists().filter(mixed))
def test_the_equal_error_rate_is_where_the_lines_cross(scores: Scores) -> None:
    fnmr, fmr = DetCurve(scores).rates()
    steps = np.arange(len(fmr))

    def at(place: float, rate: np.ndarray) -> float:
        return float(np.interp(place, steps, rate))

    crossing = brentq(lambda place: at(place, fnmr) - at(place, fmr), 0, steps[-1])
    assert eer(scores) == pytest.approx(at(crossing, fmr), abs=1e-9)


@settings(deadline=None)
@given(score_lists().filter(mixed))
def test_what_keeps_the_order_keeps_the_metrics(scores: Scores) -> None:
    before = DetCurve(scores).rates()
    for change in (np.exp, lambda v: 5 * v - 3, lambda v: v**3):
        after = DetCurve(scores.with_values(change(scores.values))).rates()
        assert equal_error_rate(*after) == equal_error_rate(*before)
        assert minimum_cost(*after, 0.01) == minimum_cost(*before, 0.01)
    assert eer(scores.with_values(-scores.values)) == pytest.approx(1 - equal_error_rate(*before))


@settings(deadline=None)
@given(score_lists().filter(mixed), st.sampled_from([0.01, 0.05, 0.5, 0.9]))
def test_the_cost_is_the_least_of_all_thresholds(scores: Scores, prior: float) -> None:
    values, target = trials(scores)
    costs = [
        prior * (values[target] < at).mean() + (1 - prior) * (values[~target] >= at).mean()
        for at in [*values, np.inf]
    ]
    found = minimum_cost(*DetCurve(scores).rates(), prior)
    assert found == pytest.approx(min(costs) / min(prior, 1 - prior))
    assert 0 <= found <= 1 + 1e-12


@settings(deadline=None)
@given(score_lists().filter(mixed), st.data())
def test_a_speaker_who_counts_twice_is_there_twice(scores: Scores, data: st.DataObject) -> None:
    det_curve = DetCurve(scores)
    size = len(det_curve.speakers)
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)), float)
    count = dict(zip(det_curve.speakers, weights.astype(int), strict=True))
    values, target = [], []
    for row, column in zip(*np.nonzero(scores.compared), strict=True):
        first, second = str(scores.enrolled[row]), str(scores.probes[column])
        # a copy of a speaker is compared with itself, and with the copies of everybody else
        times = count[first] if first == second else count[first] * count[second]
        values += [scores.values[row, column]] * times
        target += [first == second] * times
    fnmr, fmr = det_curve.rates(weights)
    if all(target) or not any(target):
        assert np.isnan(equal_error_rate(fnmr, fmr))
        return
    drawn = np.array(values)
    for number, at in enumerate(sorted(set(scores.values[scores.compared]), reverse=True)):
        assert fnmr[number + 1] == pytest.approx((drawn[np.array(target)] < at).mean())
        assert fmr[number + 1] == pytest.approx((drawn[~np.array(target)] >= at).mean())


def test_cases_done_by_hand() -> None:
    assert eer(two([0.8, 0.9], [0.1, 0.2])) == 0
    assert eer(two([0.1, 0.2], [0.8, 0.9])) == 1
    assert eer(two([0.5, 0.5], [0.5, 0.5, 0.5])) == pytest.approx(0.5)
    # accepting from 0.6: one of four targets refused, one of four others accepted
    assert eer(two([0.9, 0.8, 0.7, 0.3], [0.6, 0.2, 0.1, 0.0])) == pytest.approx(0.25)
    # two targets, three others: (1/2, 0) to (1/2, 1/3) to (1/2, 2/3): equal at 1/2
    assert eer(two([0.9, 0.1], [0.8, 0.7, 0.0])) == pytest.approx(0.5)
    # a tie of a target and another: (1, 0) to (2/3, 0) to (1/3, 1/2): equal at 3/5 of the way
    assert eer(two([0.9, 0.5, 0.1], [0.5, 0.0])) == pytest.approx(0.4)


def test_a_score_equal_to_the_threshold_is_accepted() -> None:
    """At a threshold of 0.5 the target and the other that score 0.5 both pass."""
    det_curve = DetCurve(two([0.9, 0.5, 0.1], [0.5, 0.0]))
    fnmr, fmr = det_curve.rates()
    thresholds = [np.inf, *sorted(set(det_curve.values.tolist()), reverse=True)]
    place = thresholds.index(0.5)
    assert (fnmr[place], fmr[place]) == (pytest.approx(1 / 3), pytest.approx(1 / 2))
    assert (fnmr[place - 1], fmr[place - 1]) == (pytest.approx(2 / 3), 0)


def test_the_cost_done_by_hand() -> None:
    fnmr, fmr = DetCurve(two([0.9, 0.8, 0.7, 0.3], [0.6, 0.2, 0.1, 0.0])).rates()
    # no false match is worth a quarter of the targets: 0.01 * 1/4 over 0.01
    assert minimum_cost(fnmr, fmr, 0.01) == pytest.approx(0.25)
    # targets are frequent: accepting from 0.3 costs 0.1 * 1/4 over 0.1, the same
    assert minimum_cost(fnmr, fmr, 0.9) == pytest.approx(0.25)


def test_gaussian_scores_have_the_rate_that_theory_says(gaussian) -> None:
    # both errors are equal half way between means 2 apart
    assert eer(gaussian(40, 50, apart=2.0)) == pytest.approx(norm.cdf(-1), abs=0.01)
    assert eer(gaussian(40, 50, apart=0.0)) == pytest.approx(0.5, abs=0.02)


def test_several_lists_are_one(gaussian) -> None:
    whole = gaussian(4, 6, apart=1.0)
    _, target = trials(whole)
    parts = [whole.among(["p00", "p01"]), whole.among(["p02", "p03"])]
    together = DetCurve(*parts)
    assert together.speakers == ["p00", "p01", "p02", "p03"]
    assert len(together.target) == sum(part.compared.sum() for part in parts) < len(target)


def test_without_a_kind_of_trials_no_metric_is_defined() -> None:
    rates = DetCurve(two([0.5, 0.6], [])).rates()
    assert np.isnan(equal_error_rate(*rates))
    assert np.isnan(minimum_cost(*rates, 0.05))


def test_the_points_to_draw_lie_on_the_curve(gaussian) -> None:
    fnmr, fmr = DetCurve(gaussian(12, 40)).rates()
    drawn = points(fnmr, fmr)
    assert 50 < len(drawn) <= 200
    assert set(drawn) <= set(zip(fmr.tolist(), fnmr.tolist(), strict=True))
    assert drawn == sorted(drawn, key=lambda point: (point[0], -point[1]))
