"""Whether one of two systems is better, against results that are known."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from mien.metrics.bootstrap import average_f1, tally
from mien.metrics.paired import difference, holm, mcnemar, permutation_test


def accuracy(counts: np.ndarray) -> np.ndarray:
    """Take (correct, all), (..., 2)."""
    return counts[..., 0] / counts[..., 1]


def correct(*flags: int) -> np.ndarray:
    return np.array([[flag, 1] for flag in flags])


def draw(seed: int, speakers: int, utterances: int = 60) -> tuple[np.ndarray, ...]:
    """Draw counts (N, 3, C) of A, who is the better one, and of B, and who speaks."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, utterances)
    predicted = [
        np.where(random.random(utterances) < skill, truth, random.integers(0, 3, utterances))
        for skill in (0.7, 0.4)
    ]
    one = np.eye(3, dtype=bool)
    who = np.array([f"S{number % speakers}" for number in range(utterances)])
    return *(tally(one[truth], one[system]) for system in predicted), who


def brute_force(a: np.ndarray, b: np.ndarray, who: np.ndarray) -> float:
    """Give the share of all exchanges of speakers with at least the observed difference in F1."""
    observed = abs(average_f1(a.sum(axis=0)) - average_f1(b.sum(axis=0)))
    names = sorted(set(who))
    extreme = 0
    for chosen in itertools.product([False, True], repeat=len(names)):
        swapped = np.isin(who, [name for name, yes in zip(names, chosen, strict=True) if yes])
        mixed = [np.where(swapped[:, None, None], x, y).sum(axis=0) for x, y in ((b, a), (a, b))]
        found = abs(average_f1(mixed[0]) - average_f1(mixed[1]))
        extreme += found > observed - 1e-12
    return extreme / 2 ** len(names)


def test_difference_of_a_table_by_hand() -> None:
    # 30 of 100 utterances for A alone, 50 for both: binomial quantiles of 30 of 100 are 21 and 39
    a, b = correct(*[1] * 80, *[0] * 20), correct(*[1] * 50, *[0] * 50)
    found = difference(a, b, accuracy, resamples=5000)
    assert found is not None
    assert found.value == pytest.approx(0.3)
    assert found.low == pytest.approx(0.21, abs=0.011)
    assert found.high == pytest.approx(0.39, abs=0.011)
    assert (found.by, found.units, found.covers, found.level) == ("utterance", None, None, 0.95)


def test_interval_of_a_difference_is_of_the_same_resamples_of_both() -> None:
    a, b, who = draw(0, speakers=5, utterances=100)
    found = difference(a, b, average_f1, speakers=who, resamples=4000)
    assert found is not None
    random, slow = np.random.default_rng(1), []
    places = [np.flatnonzero(who == name) for name in np.unique(who)]
    for _ in range(4000):
        speakers = random.integers(0, 5, 5)
        taken = np.concatenate([random.choice(places[one], len(places[one])) for one in speakers])
        slow.append(average_f1(a[taken].sum(axis=0)) - average_f1(b[taken].sum(axis=0)))
    low, high = np.quantile(slow, [0.025, 0.975])
    assert found.low == pytest.approx(low, abs=0.015)
    assert found.high == pytest.approx(high, abs=0.015)
    assert found.low < found.value < found.high


def test_difference_draws_speakers() -> None:
    # each system suits one of two speakers: with Ann twice, A is better by 1
    who = ["Ann"] * 20 + ["Ben"] * 20
    a, b = correct(*[1] * 20, *[0] * 20), correct(*[0] * 20, *[1] * 20)
    found = difference(a, b, accuracy, speakers=who)
    assert found is not None
    assert (found.value, found.low, found.high) == (0.0, -1.0, 1.0)
    assert (found.by, found.units, found.covers) == ("person", 2, "these 2 speakers only")
    dialogues = difference(a, b, accuracy, speakers=who, by="dialogue")
    assert dialogues is not None
    assert (dialogues.by, dialogues.covers) == ("dialogue", "these 2 dialogues only")


def test_difference_takes_counts_of_several_seeds() -> None:
    a, b, who = draw(3, speakers=4)

    def mean(counts: np.ndarray) -> np.ndarray:
        return average_f1(counts).mean(axis=-1)

    seeds = np.stack([a, b], axis=1), np.stack([b, b], axis=1)
    found = difference(*seeds, mean, speakers=who)
    alone = difference(a, b, average_f1, speakers=who)
    assert found is not None
    assert alone is not None
    assert found.value == pytest.approx(alone.value / 2)
    # the second seed is the same in both: half the difference in each resample
    assert found.low == pytest.approx(alone.low / 2, abs=0.02)
    assert found.high == pytest.approx(alone.high / 2, abs=0.02)
    tests = [
        permutation_test(*counts, metric, speakers=who)
        for counts, metric in ((seeds, mean), ((a, b), average_f1))
    ]
    assert tests[0] == tests[1]


@pytest.mark.parametrize(
    ("a", "b", "p"),
    [
        ((1, 1, 1, 1), (0, 0, 0, 0), 2 / 16),
        # sums of four signs are 4 apart from 0 in 2 of 16 cases, 2 apart in 8
        ((1, 1, 1, 0), (0, 0, 0, 1), 10 / 16),
        ((1, 1, 0, 0), (0, 0, 1, 1), 1.0),
        ((1, 1, 1, 1), (1, 1, 0, 0), 2 / 4),
    ],
)
def test_permutation_test_by_hand(a: tuple[int, ...], b: tuple[int, ...], p: float) -> None:
    for speakers in (None, list("abcd")):
        found = permutation_test(correct(*a), correct(*b), accuracy, speakers=speakers)
        assert found is not None
        assert (found.p, found.smallest) == (p, 0.125)
        assert (found.assignments, found.exact, found.units) == (16, True, 4)
        assert found.by == ("person" if speakers else "utterance")


@pytest.mark.parametrize("seed", range(3))
def test_exact_permutation_test_is_that_of_brute_force(seed: int) -> None:
    a, b, who = draw(seed, speakers=7)
    found = permutation_test(a, b, average_f1, speakers=who)
    assert found is not None
    assert found.p == brute_force(a, b, who)
    assert found.smallest == 2 / 2**7
    a, b, each = draw(seed, speakers=9, utterances=9)
    by_utterance = permutation_test(a, b, average_f1)
    assert by_utterance is not None
    assert by_utterance.p == brute_force(a, b, each)


def test_random_permutation_test_is_near_the_exact_one() -> None:
    a, b, who = draw(1, speakers=15, utterances=45)
    found = permutation_test(a, b, average_f1, speakers=who)
    assert found is not None
    assert (found.exact, found.assignments, found.units) == (False, 9999, 15)
    assert found.smallest == 1 / 10_000
    exact = brute_force(a, b, who)
    assert 0.005 < exact < 0.2, "a p that random assignments can tell"
    assert found.p == pytest.approx(exact, abs=4 * (exact / 10_000) ** 0.5)


def test_random_permutation_test_counts_the_observed_assignment() -> None:
    a, b = correct(*[1] * 40), correct(*[0] * 40)
    found = permutation_test(a, b, accuracy, resamples=99)
    assert found is not None
    assert found.p == found.smallest == 0.01


@pytest.mark.parametrize("speakers", [["Ann"] * 4, ["Ann", None, "Ben", "Ben"], None])
def test_without_speakers_utterances_are_units(speakers: list[str | None] | None) -> None:
    a, b = correct(1, 1, 1, 1), correct(0, 0, 0, 1)
    gap = difference(a, b, accuracy, speakers=speakers)
    test = permutation_test(a, b, accuracy, speakers=speakers)
    assert gap is not None
    assert test is not None
    assert (gap.by, test.by, test.units) == ("utterance", "utterance", 4)


def test_nothing_to_compare_gives_no_result() -> None:
    nothing = np.zeros((0, 2))
    with np.errstate(invalid="ignore"):
        assert permutation_test(nothing, nothing, accuracy) is None
    assert difference(correct(1), correct(0), accuracy) is None
    unlabelled = np.zeros((5, 3, 2))
    assert difference(unlabelled, unlabelled, average_f1) is None
    assert permutation_test(unlabelled, unlabelled, average_f1) is None


@pytest.mark.parametrize("test", [difference, permutation_test])
def test_other_utterances_are_not_compared(test: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=r"\(2, 2\) and B \(1, 2\)"):
        test(correct(1, 0), correct(1), accuracy)


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (1, 0), (3, 0), (8, 2), (5, 5), (40, 61)])
def test_mcnemar_is_the_binomial_test_of_discordant_utterances(only_a: int, only_b: int) -> None:
    a = np.repeat([1, 0, 1, 0], [only_a, only_b, 20, 5])
    b = np.repeat([0, 1, 1, 0], [only_a, only_b, 20, 5])
    found = mcnemar(a, b)
    discordant = only_a + only_b
    p = binomtest(only_a, discordant).pvalue if discordant else 1.0
    assert found.p == pytest.approx(p)
    assert (found.only_a, found.only_b) == (only_a, only_b)


def test_holm_adjusts_step_by_step() -> None:
    # 4 * .005, 3 * .01, 2 * .03, and 1 * .04, which is not below the one before
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.01, None, 0.04, None]) == [0.02, None, 0.04, None]
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert holm([None]) == [None]
    assert holm([]) == []


cases = given(st.integers(0, 10_000), st.sampled_from([1, 4, 16]))
few = settings(deadline=None, max_examples=20)


@few
@cases
def test_exchanging_the_systems_turns_the_difference_round(seed: int, speakers: int) -> None:
    a, b, who = draw(seed, speakers)
    one, other = (difference(*ab, average_f1, speakers=who) for ab in ((a, b), (b, a)))
    assert one is not None
    assert other is not None
    assert other.value == -one.value
    # other utterances are drawn
    near = 0.2 * (one.high - one.low)
    assert (-other.high, -other.low) == pytest.approx((one.low, one.high), abs=near)
    how: dict[str, Any] = {"speakers": who, "resamples": 500}
    tests = [permutation_test(*ab, average_f1, **how) for ab in ((a, b), (b, a))]
    assert tests[0] is not None
    assert tests[1] is not None
    assert tests[0].p == pytest.approx(tests[1].p, abs=0 if tests[0].exact else 0.1)


@few
@cases
def test_order_of_the_utterances_does_not_matter(seed: int, speakers: int) -> None:
    a, b, who = draw(seed, speakers)
    order = np.random.default_rng(seed).permutation(len(who))
    for test in (difference, permutation_test):
        how: dict[str, Any] = {"metric": average_f1, "resamples": 200}
        found = test(a, b, speakers=who, **how)
        assert found is not None
        assert test(a[order], b[order], speakers=who[order], **how) == found


@few
@cases
def test_identical_systems_do_not_differ(seed: int, speakers: int) -> None:
    a, _, who = draw(seed, speakers)
    gap = difference(a, a, average_f1, speakers=who, resamples=100)
    test = permutation_test(a, a, average_f1, speakers=who, resamples=100)
    assert gap is not None
    assert test is not None
    assert (gap.value, gap.low, gap.high, test.p) == (0.0, 0.0, 0.0, 1.0)
    assert mcnemar(a[:, 0].any(axis=1), a[:, 0].any(axis=1)).p == 1.0
