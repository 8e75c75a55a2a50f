import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import MienError
from mien.metrics.regression import STEPS, evaluate_sentiment, sentiment, step_counts
from mien.tasks.sentiment_metrics import SentimentMetrics

# Seven utterances by hand: the predictions are right, nearly so, or on the wrong side.
TRUTH = np.array([-3.0, -0.4, 0.0, 0.0, 0.6, 1.0, 2.6])
PREDICTED = np.array([-2.0, 0.2, 0.3, -0.1, 0.6, 1.0, 3.0])


@pytest.fixture
def block():
    random = np.random.default_rng(0)
    truth = np.round(random.uniform(-3, 3, 60), 1)
    predicted = np.clip(truth + random.normal(0, 1, 60), -3, 3)
    counts = step_counts(np.array([0.0, 1.0, 1.2, 2.0]))
    videos = [f"video {i % 6}" for i in range(60)]
    return evaluate_sentiment(predicted, truth, train_counts=counts, groups=videos, by="dialogue")


@pytest.mark.parametrize(("excluded", "which"), [(0, "_positive"), (1, "")])
def test_published_metrics(golden, excluded, which):
    published = np.load(golden / "metrics.npz")
    metrics = sentiment(published["senti_pred"], published["senti_truth"])
    names = ("mae", f"acc2{which}", "acc5", "acc7", f"f1{which}", "correlation")
    found = [metrics[name] for name in names]
    np.testing.assert_allclose(found, published[f"senti_excl{excluded}"], atol=1e-6)


def test_metrics_by_hand():
    metrics = sentiment(PREDICTED, TRUTH)
    assert metrics["mae"] == pytest.approx((1 + 0.6 + 0.3 + 0.1 + 0.4) / 7)
    assert metrics["acc2"] == pytest.approx(4 / 5)  # of the five that are not 0
    assert metrics["acc2_non_negative"] == pytest.approx(5 / 7)
    assert metrics["acc2_positive"] == pytest.approx(5 / 7)
    assert metrics["acc5"] == pytest.approx(7 / 7)  # -3 and -2 are one step, 3 and 2.6 too
    assert metrics["acc7"] == pytest.approx(6 / 7)
    # of the polar five: predicted negative 1 (right), positive 4 (3 right)
    assert metrics["f1"] == pytest.approx((1 * 2 / 3 + 4 * 6 / 7) / 5)
    assert metrics["per_step"]["-3"] == {"support": 1, "mae": 1.0}
    assert metrics["per_step"]["2"] == {"support": 0, "mae": None}
    assert metrics["per_step"]["0"]["support"] == 3
    assert metrics["confusion"][0] == [0, 1, 0, 0, 0, 0, 0]
    assert np.sum(metrics["confusion"]) == 7


def test_the_two_conventions_differ_by_who_counts_zero():
    truth = np.array([0.0, 0.0, -1.0, 1.0])
    always_negative = sentiment(np.full(4, -1.0), truth)
    assert always_negative["acc2"] == 0.5
    assert always_negative["acc2_non_negative"] == 0.25
    assert always_negative["acc2_positive"] == 0.75


def test_without_variation_or_without_polar_utterances():
    metrics = sentiment(np.zeros(3), np.zeros(3))
    assert (metrics["correlation"], metrics["acc2"], metrics["f1"]) == (None, None, None)
    assert (metrics["mae"], metrics["acc2_non_negative"]) == (0, 1)


@pytest.mark.parametrize(
    ("predicted", "truth"), [(np.empty(0), np.empty(0)), (np.array([np.nan]), np.zeros(1))]
)
def test_nothing_to_evaluate_is_an_error(predicted, truth):
    with pytest.raises(MienError, match="no sentiment to evaluate"):
        sentiment(predicted, truth)


def test_steps_are_counted_and_round_to_the_even():
    counts = step_counts(np.array([-3.0, -2.6, -0.5, 0.5, 1.5, 2.4]))
    assert counts == dict(zip(STEPS, [2, 0, 0, 2, 0, 2, 0], strict=True))


def test_block_has_metrics_baseline_and_intervals(block):
    assert block["n"] == 60
    assert block["baselines"]["constant"]["answer"] == 1.0
    assert block["baselines"]["constant"]["mae"] > block["sentiment"]["mae"]
    for name in ("mae", "acc2"):
        spread = block["intervals"][name]
        assert spread["low"] <= block["sentiment"][name] <= spread["high"]
        assert spread["by"] == "dialogue"
    assert json.loads(json.dumps(block, allow_nan=False)) == block
    assert SentimentMetrics.model_validate(block).model_dump(mode="json") == block


def test_an_interval_over_recordings_that_agree_within_is_wider_than_over_utterances():
    truth = np.repeat([1.0, -1.0, 2.0, -2.0], 25)
    predicted = truth + np.repeat([0.0, 1.0, 0.2, 2.0], 25)
    counts = step_counts(truth)
    videos = [f"video {i // 25}" for i in range(100)]
    more = {"groups": videos, "by": "dialogue"}
    wide = evaluate_sentiment(predicted, truth, train_counts=counts, **more)["intervals"]["mae"]
    narrow = evaluate_sentiment(predicted, truth, train_counts=counts)["intervals"]["mae"]
    assert narrow["by"] == "utterance"
    assert wide["high"] - wide["low"] > 2 * (narrow["high"] - narrow["low"])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 9), st.booleans())
def test_metrics_are_json_without_nan_and_without_order(seed, n, constant):
    random = np.random.default_rng(seed)
    truth = random.integers(-3, 4, n) * random.integers(0, 2, n) / 1.0
    predicted = np.ones(n) if constant else random.integers(-30, 31, n) / 10
    counts = step_counts(truth)
    block = evaluate_sentiment(predicted, truth, train_counts=counts)
    json.dumps(block, allow_nan=False)
    order = random.permutation(n)
    turned = evaluate_sentiment(predicted[order], truth[order], train_counts=counts)
    for name in ("mae", "acc2", "acc7", "f1_non_negative"):
        assert turned["sentiment"][name] == pytest.approx(block["sentiment"][name])
