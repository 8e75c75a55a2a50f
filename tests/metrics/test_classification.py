import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import MienError
from mien.metrics.classification import (
    AVERAGED,
    always_no,
    most_frequent,
    multilabel,
    overlap,
    singlelabel,
)

# scikit-learn warns of a confusion matrix with one label, which is what these have.
pytestmark = pytest.mark.filterwarnings("ignore:A single label was found")

CLASSES = [4, 6, 10]


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


def names(classes):
    return [f"label {i}" for i in range(classes)]


def column(metrics, name):
    """All labels' values of a metric, and its average, in the order of the golden arrays."""
    return [*(row[name] for row in metrics["per_label"].values()), metrics["average"][name]]


@pytest.fixture(scope="module")
def published(golden):
    return np.load(golden / "metrics.npz")


@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("case", ["chosen", "at 0.5", "several labels"])
def test_published_iemocap_metrics(published, classes, case):
    p = f"C{classes}_"
    logits, truth, thresholds, stats = {
        "chosen": ("logits", "onehot", published[p + "iemocap_thresholds"], "iemocap_stats"),
        "at 0.5": ("logits", "onehot", 0.5, "iemocap_stats_at0.5"),
        "several labels": (
            "ml_logits",
            "ml_labels",
            published[p + "iemocap_ml_thresholds"],
            "iemocap_ml_stats",
        ),
    }[case]
    metrics = multilabel(
        sigmoid(published[p + logits]), published[p + truth], thresholds, names(classes)
    )
    for name, expected in zip(
        ["accuracy", "recall", "precision", "f1", "auroc"], published[p + stats], strict=True
    ):
        np.testing.assert_allclose(column(metrics, name), expected, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_published_mosei_metrics(published, classes, threshold):
    p = f"C{classes}_"
    metrics = multilabel(
        sigmoid(published[p + "ml_logits"]), published[p + "ml_labels"], threshold, names(classes)
    )
    p += f"mosei_t{threshold}_"
    for name, key in [("weighted_accuracy", "wacc"), ("weighted_f1", "f1w"), ("auroc", "auc")]:
        np.testing.assert_allclose(column(metrics, name), published[p + key], atol=1e-6)
    found = [metrics[name] for name in ("exact_match", "subset", "intersect")]
    np.testing.assert_allclose(found, published[p + "strict_subset_intersect"], atol=1e-6)


@pytest.mark.parametrize("classes", CLASSES)
def test_published_weighted_accuracy(published, classes):
    p = f"C{classes}_"
    metrics = multilabel(
        sigmoid(published[p + "ml_logits"]), published[p + "ml_labels"], 0.5, names(classes)
    )
    np.testing.assert_allclose(
        column(metrics, "weighted_accuracy")[:-1], published[p + "weighted_acc"], atol=1e-6
    )


@pytest.mark.parametrize("classes", CLASSES)
def test_published_single_label_metrics(published, classes):
    p = f"C{classes}_"
    metrics = singlelabel(published[p + "logits"], published[p + "labels"], names(classes))
    found = [metrics[name] for name in ("wa", "ua", "macro_precision", "macro_f1")]
    np.testing.assert_allclose(found, published[p + "ce"], atol=1e-6)


def test_overlap_by_hand():
    truth = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1]], bool)
    predicted = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0]], bool)
    assert overlap(predicted, truth) == {"exact_match": 0.4, "subset": 0.6, "intersect": 0.6}


def test_single_label_by_hand():
    scores = np.eye(3)[[0, 0, 1, 1, 2, 2]]
    metrics = singlelabel(scores, np.array([0, 0, 0, 1, 1, 2]), ["a", "b", "c"])
    assert metrics["confusion"] == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert metrics["wa"] == metrics["top1"] == pytest.approx(4 / 6)
    assert metrics["ua"] == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert metrics["per_label"]["a"] == {
        "support": 3,
        "recall": pytest.approx(2 / 3),
        "precision": 1.0,
        "f1": pytest.approx(0.8),
    }
    assert metrics["weighted_f1"] == pytest.approx((3 * 0.8 + 2 * 0.5 + 1 * 2 / 3) / 6)


def test_top_five_counts_the_five_highest_scores():
    scores = np.tile(np.arange(8.0)[::-1], (8, 1))
    metrics = singlelabel(scores, np.arange(8), names(8))
    assert metrics["top1"] == 1 / 8
    assert metrics["top5"] == 5 / 8
    assert singlelabel(np.eye(5), np.arange(5), names(5))["top5"] is None


def test_equal_scores_do_not_all_count_as_first():
    metrics = singlelabel(np.zeros((7, 7)), np.arange(7), names(7))
    assert metrics["top1"] == pytest.approx(1 / 7)
    assert metrics["top5"] == pytest.approx(5 / 7)


def test_a_score_equal_to_its_threshold_is_not_predicted():
    scores = np.array([[0.5, 0.35], [0.51, 0.36], [0.49, 0.34]])
    truth = np.ones((3, 2))
    found = multilabel(scores, truth, np.array([0.5, 0.35]), ["sad", "happy"])
    assert [row["recall"] for row in found["per_label"].values()] == [1 / 3, 1 / 3]
    assert found["exact_match"] == pytest.approx(1 / 3)
    # as 32-bit numbers they are no longer equal: .35 lies below itself
    singles = scores.astype(np.float32)
    again = multilabel(singles, truth, np.array([0.5, 0.35]), ["sad", "happy"])
    assert again["per_label"] == found["per_label"]


def test_of_labels_with_the_same_score_the_first_is_predicted():
    labels = ["sad", "happy", "angry"]
    scores = np.array([[0.2, 0.4, 0.4], [0.3, 0.3, 0.3], [0.4, 0.2, 0.4]])
    found = singlelabel(scores, np.array([2, 2, 2]), labels)
    assert found["confusion"][2] == [2, 1, 0]
    assert found["wa"] == 0
    assert singlelabel(scores, np.array([1, 0, 0]), labels)["wa"] == 1
    frequent = most_frequent(np.array([0, 1]), np.array([3, 3, 1]), labels)
    assert (frequent["label"], frequent["wa"]) == ("sad", 0.5)


def test_absent_label_has_no_recall_and_stays_out_of_the_averages():
    metrics = singlelabel(np.eye(3)[[0, 1, 2]], np.array([0, 1, 1]), ["a", "b", "c"])
    assert metrics["per_label"]["c"] == {
        "support": 0,
        "recall": None,
        "precision": None,
        "f1": None,
    }
    assert metrics["ua"] == pytest.approx(0.75)
    metrics = multilabel(np.full((2, 2), 0.9), np.array([[1, 0], [0, 0]]), 0.5, ["a", "b"])
    assert metrics["per_label"]["b"] == {
        "threshold": 0.5,
        "support": 0,
        "accuracy": 0.0,
        "weighted_accuracy": None,
        "recall": None,
        "precision": None,
        "f1": None,
        "weighted_f1": 0.0,
        "auroc": None,
    }
    assert metrics["average"]["recall"] == 1.0


def test_label_that_always_occurs_has_no_weighted_accuracy():
    row = multilabel(np.array([[0.9], [0.2]]), np.ones((2, 1)), 0.5, ["a"])["per_label"]["a"]
    assert row["weighted_accuracy"] is None
    assert row["auroc"] is None
    assert row["recall"] == 0.5


def test_never_predicting_a_label_is_as_accurate_as_it_is_absent():
    truth = np.array([[1, 0], [0, 0], [0, 0], [0, 1]])
    average = always_no(truth, ["a", "b"])["average"]
    assert average["accuracy"] == 0.75
    assert average["f1"] == average["recall"] == 0.0
    assert average["weighted_accuracy"] == average["auroc"] == 0.5


def test_most_frequent_label_is_counted_on_the_training_split():
    metrics = most_frequent(np.array([0, 0, 0, 1]), np.array([2, 5, 1]), ["a", "b", "c"])
    assert metrics["label"] == "b"
    assert metrics["wa"] == 0.25
    assert metrics["ua"] == 0.5
    six = most_frequent(np.arange(6), np.array([1, 9, 9, 9, 9, 9]), names(6))
    assert six["top5"] == pytest.approx(5 / 6)


@pytest.mark.parametrize("evaluate", [multilabel, singlelabel])
def test_nothing_to_evaluate_is_an_error(evaluate):
    for scores, words in [(np.zeros((0, 2)), "no utterances"), (np.full((1, 2), np.nan), "finite")]:
        truth = np.zeros((len(scores), 2)) if evaluate is multilabel else np.zeros(len(scores), int)
        more = (0.5,) if evaluate is multilabel else ()
        with pytest.raises(MienError, match=words):
            evaluate(scores, truth, *more, ["a", "b"])


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="fit the labels"):
        singlelabel(np.zeros((1, 3)), np.array([0]), ["a", "b"])
    with pytest.raises(ValueError, match="fit the labels"):
        singlelabel(np.zeros((1, 2)), np.array([0]), ["a", "a"])
    with pytest.raises(ValueError, match="columns"):
        singlelabel(np.zeros((1, 2)), np.array([2]), ["a", "b"])


cases = st.tuples(st.integers(0, 10_000), st.integers(1, 15), st.integers(1, 7))


def draw(case):
    seed, n, classes = case
    random = np.random.default_rng(seed)
    # Few distinct values, so that ties, constant scores and absent labels occur.
    scores = random.integers(0, 4, (n, classes)) / 3
    return random, scores, random.integers(0, 2, (n, classes)), random.integers(0, classes, n)


@settings(deadline=None, max_examples=40)
@given(cases)
def test_perfect_predictions_score_one(case):
    _, _, truth, right = draw(case)
    labels = names(truth.shape[1])
    metrics = multilabel(truth.astype(float), truth, 0.5, labels)
    assert all(metrics["average"][name] in (1.0, None) for name in AVERAGED)
    assert metrics["exact_match"] == metrics["subset"] == metrics["intersect"] == 1.0
    metrics = singlelabel(np.eye(truth.shape[1])[right], right, labels)
    assert {metrics[name] for name in ("wa", "ua", "macro_f1", "weighted_f1")} == {1.0}


@settings(deadline=None, max_examples=40)
@given(cases)
def test_order_of_utterances_changes_nothing(case):
    random, scores, truth, right = draw(case)
    labels, order = names(truth.shape[1]), random.permutation(len(truth))
    assert multilabel(scores[order], truth[order], 0.5, labels) == multilabel(
        scores, truth, 0.5, labels
    )
    assert singlelabel(scores[order], right[order], labels) == singlelabel(scores, right, labels)


@settings(deadline=None, max_examples=40)
@given(cases)
def test_order_of_labels_only_orders_the_metrics(case):
    random, scores, truth, right = draw(case)
    scores = scores + random.random(scores.shape) * 1e-3  # which of equal scores wins is by order
    classes = truth.shape[1]
    labels, order = names(classes), random.permutation(classes)
    turned = [labels[i] for i in order]
    before = multilabel(scores, truth, 0.5, labels)
    after = multilabel(scores[:, order], truth[:, order], 0.5, turned)
    assert after["per_label"] == before["per_label"]
    assert after["average"] == pytest.approx(before["average"])
    before = singlelabel(scores, right, labels)
    after = singlelabel(scores[:, order], np.argsort(order)[right], turned)
    assert after["per_label"] == before["per_label"]
    assert np.array_equal(after["confusion"], np.asarray(before["confusion"])[np.ix_(order, order)])
    assert after["ua"] == pytest.approx(before["ua"])


@settings(deadline=None, max_examples=40)
@given(cases)
def test_metrics_are_json_without_nan(case):
    _, scores, truth, right = draw(case)
    labels = names(truth.shape[1])
    for metrics in (
        multilabel(scores, truth, 0.5, labels),
        singlelabel(scores, right, labels),
        always_no(truth, labels),
        most_frequent(right, truth.sum(axis=0), labels),
    ):
        json.dumps(metrics, allow_nan=False)
