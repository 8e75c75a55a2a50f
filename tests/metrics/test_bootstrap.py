import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, recall_score

from mien.metrics.bootstrap import average_f1, average_recall, interval, tally


def draw(seed, n=60, classes=3, skill=0.6):
    random = np.random.default_rng(seed)
    right = random.integers(0, classes, n)
    predicted = np.where(random.random(n) < skill, right, random.integers(0, classes, n))
    speakers = np.array(["Ann", "Ben", "Cem", "Dea"])[random.integers(0, 4, n)]
    return right, predicted, speakers


def one_hot(index, classes=3):
    return np.eye(classes, dtype=bool)[index]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000))
def test_metrics_from_counts_are_those_of_scikit_learn(seed):
    right, predicted, _ = draw(seed)
    counts = tally(one_hot(right), one_hot(predicted)).sum(axis=0)
    kept = sorted(set(right))
    assert average_recall(counts) == pytest.approx(
        recall_score(right, predicted, average="macro", labels=kept)
    )
    assert average_f1(counts) == pytest.approx(
        f1_score(right, predicted, average="macro", labels=kept)
    )


def test_interval_is_the_percentiles_of_resampled_metrics():
    right, predicted, _ = draw(0)
    counts = tally(one_hot(right), one_hot(predicted))
    found = interval(counts, average_recall, resamples=4000)
    drawn = np.random.default_rng(1).integers(0, len(right), (4000, len(right)))
    slow = average_recall(counts[drawn].sum(axis=1))
    low, high = np.quantile(slow, [0.025, 0.975])
    assert found["low"] == pytest.approx(low, abs=0.02)
    assert found["high"] == pytest.approx(high, abs=0.02)
    assert found["by"] == "utterance"


def test_speakers_are_drawn_before_their_utterances():
    # Two speakers, one always right and one always wrong: whatever is drawn, UA is 0, 1/2 or 1.
    right = np.tile([0, 1], 50)
    speakers = np.repeat(["Ann", "Ben"], 50)
    predicted = np.where(speakers == "Ann", right, 1 - right)
    counts = tally(one_hot(right), one_hot(predicted))
    by_speaker = interval(counts, average_recall, groups=speakers)
    by_utterance = interval(counts, average_recall)
    assert (by_speaker["low"], by_speaker["high"], by_speaker["by"]) == (0.0, 1.0, "person")
    assert by_utterance["high"] - by_utterance["low"] < 0.4


def test_same_seed_same_interval_and_order_does_not_matter():
    right, predicted, speakers = draw(3)
    counts = tally(one_hot(right), one_hot(predicted))
    order = np.random.default_rng(0).permutation(len(right))
    for who in (None, speakers):
        first = interval(counts, average_f1, groups=who)
        turned = interval(counts[order], average_f1, groups=None if who is None else who[order])
        assert turned == first
    assert interval(counts, average_f1, seed=1) != interval(counts, average_f1)


def test_wider_level_gives_wider_interval():
    right, predicted, _ = draw(4)
    counts = tally(one_hot(right), one_hot(predicted))
    narrow, wide = (interval(counts, average_f1, level=level) for level in (0.5, 0.95))
    assert wide["low"] < narrow["low"] < narrow["high"] < wide["high"]


def test_no_interval_where_there_is_none():
    assert interval(tally(one_hot([0]), one_hot([0])), average_recall) is None
    nothing = np.zeros((5, 3), bool)
    assert interval(tally(nothing, nothing), average_recall) is None


def test_an_unknown_or_a_single_speaker_means_by_utterance():
    counts = tally(one_hot([0, 1, 2]), one_hot([0, 1, 1]))
    for speakers in (["Ann", "Ann", "Ann"], ["Ann", None, "Ben"]):
        assert interval(counts, average_recall, groups=speakers)["by"] == "utterance"


def mean_f1(counts):
    """Mean over seeds, (..., S, 3, C) -> (...,)."""
    return average_f1(counts).mean(axis=-1)


def test_interval_of_the_mean_over_seeds_resamples_utterances_of_all_seeds_together():
    right, answer, _ = draw(5)
    others = [draw(5, skill=skill)[1] for skill in (0.2, 0.9)]
    seeds = np.stack([tally(one_hot(right), one_hot(a)) for a in (answer, *others)], axis=1)
    assert seeds.shape == (60, 3, 3, 3)
    found = interval(seeds, mean_f1, resamples=4000)
    drawn = np.random.default_rng(1).integers(0, len(right), (4000, len(right)))
    slow = np.mean([average_f1(seeds[drawn, s].sum(axis=1)) for s in range(3)], axis=0)
    low, high = np.quantile(slow, [0.025, 0.975])
    assert found["low"] == pytest.approx(low, abs=0.01)
    assert found["high"] == pytest.approx(high, abs=0.01)


def test_seeds_that_predict_the_same_give_the_interval_of_one():
    right, answer, persons = draw(6)
    counts = tally(one_hot(right), one_hot(answer))
    found = interval(np.stack([counts] * 4, axis=1), mean_f1, groups=persons)
    alone = interval(counts, average_f1, groups=persons)
    for end in ("low", "high"):
        assert found.pop(end) == pytest.approx(alone.pop(end), abs=1e-12)
    assert found == alone
