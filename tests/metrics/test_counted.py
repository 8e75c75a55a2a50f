"""Metrics of added counts are those of scikit-learn, and those that `evaluate` reports."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, recall_score

from mien.metrics import classification, concordance, regression
from mien.metrics.counted import (
    AVERAGE_F1,
    MACRO_F1,
    UA,
    WA,
    WEIGHTED_ACCURACY,
    CountedMetric,
    exact_match,
)

SINGLE = {"ua": UA, "wa": WA, "macro_f1": MACRO_F1}
MULTI = {"average_f1": AVERAGE_F1, "weighted_accuracy": WEIGHTED_ACCURACY}
LABELS = ("calm", "happy", "sad", "angry")

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Scores, truth and thresholds, each (N, C)."""


def labelled(seed: int, n: int, kinds: str = "one several none unknown") -> Arrays:
    """Scores with many ties, rows of one label, of several, of none, and of NaN."""
    random = np.random.default_rng(seed)
    count = len(LABELS)
    chosen = random.choice(kinds.split(), n)
    one = np.eye(count)[random.choice(count, n, p=[0.5, 0.3, 0.2, 0.0])]  # one never occurs alone
    several = (random.random((n, count)) < 0.6).astype(float)
    made = {"one": one, "several": several, "none": 0 * one, "unknown": np.full_like(one, np.nan)}
    truth = np.stack([made[kind][row] for row, kind in enumerate(chosen)])
    return random.integers(0, 5, truth.shape) / 4, truth, random.choice([0.25, 0.5], truth.shape)


def rated(seed: int, n: int) -> Arrays:
    """Numbers in three dimensions, rated in some rows; the last may be constant."""
    random = np.random.default_rng(seed)
    truth = random.integers(1, 6, (n, 3)).astype(float)
    scores = truth + random.normal(0, 1, (n, 3))
    if seed % 3 == 0:
        truth[:, 2] = 2.5
    if seed % 5 == 0:
        scores[:, 1] = 3.3
    truth[random.random((n, 3)) < 0.3] = np.nan
    return scores, truth, np.empty(0)


def of_sentiment(seed: int, n: int) -> Arrays:
    random = np.random.default_rng(seed)
    truth = random.integers(-9, 10, (n, 1)) / 3
    truth[random.random((n, 1)) < 0.2] = np.nan
    return random.integers(-9, 10, (n, 1)) / 3, truth, np.empty(0)


def value(metric: CountedMetric, arrays: Arrays) -> float:
    return float(metric.value(metric.counts(*arrays).sum(axis=0)))


def same(found: float, expected: float | None) -> None:
    assert found == pytest.approx(np.nan if expected is None else expected, nan_ok=True, abs=1e-9)


DRAWN = {"seed": st.integers(0, 10_000), "n": st.integers(1, 30)}


@given(**DRAWN)
@settings(deadline=None, max_examples=40)
def test_single_label_metrics_are_those_of_scikit_learn_over_rows_of_one_label(seed, n) -> None:
    scores, truth, thresholds = labelled(seed, n)
    one = np.nansum(truth, axis=1) == 1
    found = {name: value(metric, (scores, truth, thresholds)) for name, metric in SINGLE.items()}
    if not one.any():
        assert np.isnan(list(found.values())).all()
        return
    right, predicted = truth[one].argmax(axis=1), scores[one].argmax(axis=1)
    occur = {"labels": np.unique(right), "average": "macro", "zero_division": 0}
    same(found["ua"], recall_score(right, predicted, **occur))
    same(found["wa"], accuracy_score(right, predicted))
    same(found["macro_f1"], f1_score(right, predicted, **occur))
    reported = classification.singlelabel(scores[one], right, LABELS)
    for name, number in found.items():
        same(number, reported[name])


@given(**DRAWN)
@settings(deadline=None, max_examples=40)
def test_multi_label_metrics_are_those_of_scikit_learn_over_known_rows(seed, n) -> None:
    arrays = scores, truth, thresholds = labelled(seed, n)
    known = ~np.isnan(truth).any(axis=1)
    found = {name: value(metric, arrays) for name, metric in MULTI.items()}
    if not known.any():
        assert np.isnan(list(found.values())).all()
        return
    columns = list(zip(truth[known].T, (scores > thresholds)[known].T, strict=True))
    f1 = [f1_score(t, p, zero_division=0) for t, p in columns if t.any()]
    weighted = [balanced_accuracy_score(t, p) for t, p in columns if t.any() and not t.all()]
    same(found["average_f1"], np.mean(f1) if f1 else None)
    same(found["weighted_accuracy"], np.mean(weighted) if weighted else None)
    reported = classification.multilabel(scores[known], truth[known], thresholds[known], LABELS)
    same(found["average_f1"], reported["average"]["f1"])
    same(found["weighted_accuracy"], reported["average"]["weighted_accuracy"])


@given(**DRAWN)
@settings(deadline=None, max_examples=40)
def test_metrics_of_dimensions_are_means_of_those_of_concordance(seed, n) -> None:
    scores, truth, _ = rated(seed, n)
    reported = [concordance.agreement(p, t) for p, t in zip(scores.T, truth.T, strict=True)]
    assert list(concordance.COUNTED) == ["ccc", "pearson", "mae"]
    for name, metric in concordance.COUNTED.items():
        defined = [each[name] for each in reported if each[name] is not None]
        same(value(metric, (scores, truth, _)), np.mean(defined) if defined else None)


@given(**DRAWN)
@settings(deadline=None, max_examples=40)
def test_metrics_of_sentiment_are_those_that_it_reports(seed, n) -> None:
    scores, truth, _ = of_sentiment(seed, n)
    known = ~np.isnan(truth[:, 0])
    found = {name: value(m, (scores, truth, _)) for name, m in regression.COUNTED.items()}
    if not known.any():
        assert np.isnan(list(found.values())).all()
        return
    reported = regression.sentiment(scores[known, 0], truth[known, 0])
    for name, number in found.items():
        same(number, reported[name])


EVERY: Mapping[str, tuple[CountedMetric, Callable[[int, int], Arrays]]] = (
    {name: (metric, labelled) for name, metric in (SINGLE | MULTI).items()}
    | {f"affect {name}": (metric, rated) for name, metric in concordance.COUNTED.items()}
    | {f"sentiment {name}": (m, of_sentiment) for name, m in regression.COUNTED.items()}
)


def rows_of(arrays: Arrays, rows: np.ndarray) -> Arrays:
    return tuple(each[rows] if len(each) else each for each in arrays)


@pytest.mark.parametrize("name", EVERY)
@given(seed=st.integers(0, 10_000), n=st.integers(4, 40), share=st.floats(0.2, 0.8))
@settings(deadline=None, max_examples=20)
def test_counts_of_utterances_add_up_whatever_they_were_counted_with(name, seed, n, share) -> None:
    metric, made = EVERY[name]
    arrays = made(seed, n)
    first = np.random.default_rng(seed).random(n) < share
    apart = [metric.counts(*rows_of(arrays, rows)) for rows in (first, ~first)]
    whole = metric.counts(*arrays)
    assert whole.shape[0] == n
    np.testing.assert_allclose(whole[first], apart[0], atol=1e-12)
    np.testing.assert_allclose(whole[~first], apart[1], atol=1e-12)
    same(float(metric.value(sum(part.sum(axis=0) for part in apart))), value(metric, arrays))


@pytest.mark.parametrize("name", EVERY)
def test_an_utterance_without_a_known_truth_has_zeros_and_values_take_many_sums(name) -> None:
    metric, made = EVERY[name]
    scores, truth, thresholds = made(7, 20)
    truth[3] = np.nan
    counts = metric.counts(scores, truth, thresholds)
    assert not counts[3].any()
    stacked = np.stack([counts[:12].sum(axis=0), counts.sum(axis=0)])
    assert metric.value(stacked).shape == (2,)
    same(float(metric.value(stacked)[1]), value(metric, (scores, truth, thresholds)))


def test_higher_is_better_but_of_errors() -> None:
    lower = {name for name, (metric, _) in EVERY.items() if metric.sign == -1}
    assert lower == {"affect mae", "sentiment mae"}


def test_a_perfect_and_an_inverted_system() -> None:
    truth = np.eye(4)[[0, 1, 2, 2]]
    half = np.full_like(truth, 0.5)
    for metric in (SINGLE | MULTI).values():
        assert value(metric, (truth, truth, half)) == 1
        assert value(metric, (1 - truth, truth, half)) == 0
    ratings = np.array([[1.0], [2.0], [5.0]])
    for metric, expected in zip(concordance.COUNTED.values(), (1, 1, 0), strict=True):
        same(value(metric, (ratings, ratings, half)), expected)


def test_chance_is_what_random_predictions_reach_on_average() -> None:
    _, truth, _ = labelled(3, 800)
    random, half = np.random.default_rng(0), np.full_like(truth, 0.5)
    reached: dict[str, list[float]] = {name: [] for name in SINGLE | MULTI}
    for _ in range(400):
        scores = random.random(truth.shape)
        for name, metric in (SINGLE | MULTI).items():
            reached[name].append(value(metric, (scores, truth, half)))
    for name, metric in (SINGLE | MULTI).items():
        assert metric.chance is not None
        expected = float(metric.value(metric.chance(truth).sum(axis=0)))
        error = np.std(reached[name]) / np.sqrt(len(reached[name]))
        # F1 of the expected counts is that of random predictions but for 1 / utterances
        assert abs(np.mean(reached[name]) - expected) < 4 * error + 0.002, name
    assert float(UA.value(UA.chance(truth).sum(axis=0))) == pytest.approx(1 / 4)
    assert float(WEIGHTED_ACCURACY.value(WEIGHTED_ACCURACY.chance(truth).sum(axis=0))) == 0.5


def test_numbers_have_no_chance_level_and_are_not_correct_or_wrong() -> None:
    for metric in (*concordance.COUNTED.values(), *regression.COUNTED.values()):
        assert metric.chance is None
        assert metric.correct is None


@given(**DRAWN)
@settings(deadline=None, max_examples=40)
def test_exact_match_tells_which_utterances_are_predicted_correctly(seed, n) -> None:
    scores, truth, thresholds = labelled(seed, n)
    assert UA.correct is AVERAGE_F1.correct is exact_match
    known, one = ~np.isnan(truth).any(axis=1), np.nansum(truth, axis=1) == 1
    correct, regarded = exact_match(UA.counts(scores, truth, thresholds))
    assert regarded.tolist() == one.tolist()
    hit = scores[one].argmax(axis=1) == truth[one].argmax(axis=1)
    assert correct[one].tolist() == hit.tolist()
    correct, regarded = exact_match(AVERAGE_F1.counts(scores, truth, thresholds))
    assert regarded.tolist() == known.tolist()
    if known.any():
        predicted = (scores > thresholds)[known]
        reported = classification.overlap(predicted, truth[known].astype(bool))["exact_match"]
        same(float(correct[known].mean()), reported)
