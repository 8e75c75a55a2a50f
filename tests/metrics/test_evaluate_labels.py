import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import MienError
from mien.metrics import evaluate_labels

LABELS = ["neutral", "happy", "sad"]


def draw(seed=0, n=40):
    random = np.random.default_rng(seed)
    truth = np.eye(3)[random.integers(0, 3, n)]
    return random.random((n, 3)) * 0.5 + 0.5 * truth, truth


def test_layout():
    probabilities, truth = draw()
    block = evaluate_labels(
        probabilities,
        truth,
        LABELS,
        thresholds=np.full(3, 0.5),
        train_counts=np.array([1, 3, 2]),
        groups=["Ann", "Ben"] * 20,
    )
    assert (block["n"], block["labels"]) == (40, LABELS)
    assert list(block["multilabel"]["per_label"]) == LABELS
    assert block["singlelabel"]["n"] == 40
    assert block["baselines"]["most_frequent"]["label"] == "happy"
    assert block["baselines"]["always_no"]["average"]["recall"] == 0
    for name, value in [
        ("average_f1", block["multilabel"]["average"]["f1"]),
        ("ua", block["singlelabel"]["ua"]),
        ("macro_f1", block["singlelabel"]["macro_f1"]),
    ]:
        spread = block["intervals"][name]
        assert spread["low"] <= value <= spread["high"]
        assert spread["by"] == "person"
    assert json.loads(json.dumps(block, allow_nan=False)) == block


def test_metrics_not_asked_for_are_none():
    block = evaluate_labels(*draw(), LABELS)
    assert block["multilabel"] is None
    assert block["baselines"] == {"always_no": None, "most_frequent": None}
    assert block["intervals"]["average_f1"] is None
    assert block["singlelabel"]["n"] == 40


def test_single_label_metrics_take_the_utterances_with_exactly_one():
    probabilities, truth = draw()
    truth[0], truth[1] = [1, 1, 0], [0, 0, 0]
    speakers = np.array(["Ann", "Ben"] * 20)
    block = evaluate_labels(
        probabilities,
        truth,
        LABELS,
        thresholds=np.full(3, 0.5),
        train_counts=np.ones(3),
        groups=speakers,
    )
    assert (block["n"], block["singlelabel"]["n"]) == (40, 38)
    assert block["baselines"]["most_frequent"]["n"] == 38
    alone = evaluate_labels(probabilities[2:], truth[2:], LABELS, groups=speakers[2:])
    assert block["singlelabel"] == alone["singlelabel"]
    assert block["intervals"]["ua"] == alone["intervals"]["ua"]


def test_no_utterance_with_one_label_and_no_thresholds():
    truth = np.array([[1, 1, 0], [0, 0, 0]])
    with pytest.raises(MienError, match="exactly one label"):
        evaluate_labels(np.zeros((2, 3)), truth, LABELS)
    block = evaluate_labels(np.zeros((2, 3)), truth, LABELS, thresholds=np.full(3, 0.5))
    assert block["singlelabel"] is None


def test_shapes_and_emptiness():
    with pytest.raises(ValueError, match="fit truth"):
        evaluate_labels(np.zeros((2, 3)), np.zeros((1, 3)), LABELS)
    with pytest.raises(MienError, match="no utterances"):
        evaluate_labels(np.zeros((0, 3)), np.zeros((0, 3)), LABELS)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 8), st.booleans())
def test_no_nan_and_no_order(seed, n, constant):
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, (n, 3))
    truth[0] = [0, 1, 0]
    scores = np.full((n, 3), 0.5) if constant else random.integers(0, 3, (n, 3)) / 2
    speakers = np.array(["Ann", "Ben"])[random.integers(0, 2, n)]
    more = {"thresholds": np.full(3, 0.4), "train_counts": truth.sum(axis=0)}
    block = evaluate_labels(scores, truth, LABELS, groups=speakers, **more)
    json.dumps(block, allow_nan=False)
    order = random.permutation(n)
    turned = evaluate_labels(scores[order], truth[order], LABELS, groups=speakers[order], **more)
    assert turned == block


def test_of_labels_with_the_same_score_the_intervals_take_the_first_as_the_metrics_do():
    scores, truth = np.tile([0.2, 0.4, 0.4], (20, 1)), np.eye(3)[[1] * 20]
    block = evaluate_labels(scores, truth, LABELS[:3])
    assert block["singlelabel"]["ua"] == 1
    assert (block["intervals"]["ua"]["low"], block["intervals"]["ua"]["high"]) == (1, 1)
