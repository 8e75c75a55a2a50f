"""What a task is of several trainings, the metrics it is compared by, and its best constant."""

import numpy as np
import pytest
import torch
from samples import utterance

from mien.errors import MienError
from mien.metrics import evaluate_labels
from mien.tasks import AffectTask, EmotionTask, PersonTask, SentimentTask, Task

LABELS = ("happy", "sad", "calm")


def emotion(*labels: str, loss: str = "bce", single: bool = False) -> EmotionTask:
    return EmotionTask(labels=labels, loss=loss, single_label=single)


def affect(valence: float, arousal: float, loss: str = "ccc") -> AffectTask:
    return AffectTask(
        labels=("valence", "arousal"), loss=loss, means=(valence, 2.0), deviations=(1.0, arousal)
    )


def test_labels_are_pooled_in_the_order_in_which_they_first_occur() -> None:
    tasks = [emotion("sad", "calm"), emotion("happy", "sad"), emotion("calm", "angry")]
    assert EmotionTask.pool(tasks) == emotion("sad", "calm", "happy", "angry")
    assert EmotionTask.pool(tasks[:1]) == tasks[0]
    speakers = [PersonTask(labels=names, loss="ce") for names in (("a", "b"), ("b", "c"))]
    assert PersonTask.pool(speakers).labels == ("a", "b", "c")


@pytest.mark.parametrize(("first", "second", "both"), [(1, 1, 1), (1, 0, 0), (0, 0, 0)])
def test_a_pool_has_single_labels_where_all_trainings_have(first, second, both) -> None:
    tasks = [emotion(*LABELS, single=bool(each)) for each in (first, second)]
    assert EmotionTask.pool(tasks).single_label == bool(both)


def test_ratings_are_pooled_by_the_means_of_their_scales() -> None:
    pooled = AffectTask.pool([affect(2.0, 0.5), affect(3.0, 1.5), affect(4.0, 1.0)])
    assert pooled.means == pytest.approx((3.0, 2.0))
    assert pooled.deviations == pytest.approx((1.0, 1.0))
    assert AffectTask.model_validate(pooled.model_dump()) == pooled


def test_sentiment_is_the_same_everywhere() -> None:
    assert SentimentTask.pool([SentimentTask(), SentimentTask()]) == SentimentTask()


@pytest.mark.parametrize(
    "tasks",
    [
        [emotion(*LABELS), emotion(*LABELS, loss="ce")],
        [affect(2.0, 0.5), affect(2.0, 0.5, loss="mse")],
        [SentimentTask(loss="l1"), SentimentTask(loss="mse")],
    ],
    ids=["emotion", "affect", "sentiment"],
)
def test_trainings_with_other_losses_are_not_pooled(tasks: list[Task]) -> None:
    with pytest.raises(MienError, match=f"the task '{tasks[0].name}' has other labels or another"):
        type(tasks[0]).pool(tasks)


@pytest.mark.parametrize(
    ("task", "names"),
    [
        (emotion(*LABELS), "average_f1 weighted_accuracy ua wa macro_f1"),
        (emotion(*LABELS, single=True), "ua wa macro_f1 average_f1 weighted_accuracy"),
        (emotion(*LABELS, loss="ce"), "ua wa macro_f1"),
        (PersonTask(labels=("a", "b"), loss="ce"), "ua wa macro_f1"),
        (SentimentTask(), "mae acc2"),
        (affect(2.0, 0.5), "ccc pearson mae"),
    ],
    ids=["several labels", "one label", "ce", "person", "sentiment", "affect"],
)
def test_the_usual_metric_comes_first(task: Task, names: str) -> None:
    assert list(task.counted) == names.split()


def test_counted_metrics_are_those_that_the_task_reports() -> None:
    random = np.random.default_rng(0)
    truth = np.eye(3)[random.integers(0, 3, 60)]
    scores, thresholds = random.random((60, 3)), np.array([0.3, 0.5, 0.7])
    task = emotion(*LABELS)
    counts = task.label_counts(torch.from_numpy(truth))
    found = task.evaluate(scores, truth, thresholds=thresholds, counts=counts)
    rows = np.tile(thresholds, (60, 1))
    values = {
        name: float(metric.value(metric.counts(scores, truth, rows).sum(axis=0)))
        for name, metric in task.counted.items()
    }
    assert values == pytest.approx(
        {
            "average_f1": found.multilabel.average.f1,
            "weighted_accuracy": found.multilabel.average.weighted_accuracy,
            "ua": found.singlelabel.ua,
            "wa": found.singlelabel.wa,
            "macro_f1": found.singlelabel.macro_f1,
        }
    )


def test_the_constant_of_labels_is_training_s_most_frequent_one() -> None:
    task = emotion(*LABELS, loss="ce")
    counts = {"happy": 2, "sad": 6, "calm": 2}
    scores = task.constant(counts)
    assert scores == [0, 1, 0]
    assert task.constant(dict.fromkeys(LABELS, 2)) == [1, 0, 0], "of equal ones the first"
    truth = np.eye(3)[[0, 0, 1, 2, 1, 1]]
    reported = evaluate_labels(
        np.zeros((6, 3)), truth, LABELS, train_counts=np.array(list(counts.values()))
    )["baselines"]["most_frequent"]
    rows = np.tile(scores, (6, 1))
    for name, metric in task.counted.items():
        found = metric.value(metric.counts(rows, truth, rows).sum(axis=0))
        assert found == pytest.approx(reported[name]), name


def test_the_constant_of_several_labels_does_not_depend_on_thresholds() -> None:
    task = emotion(*LABELS)
    truth = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]], float)
    scores = np.tile(task.constant({"happy": 2, "sad": 6, "calm": 2}), (4, 1))
    for threshold in (0.05, 0.5, 0.95):
        counts = task.counted["average_f1"].counts(scores, truth, np.full((4, 3), threshold))
        found = task.counted["average_f1"].value(counts.sum(axis=0))
        assert found == pytest.approx((0 + 2 / 3 + 0) / 3)


def test_labels_of_other_utterances_are_added_behind_those_of_training() -> None:
    known = emotion("sad", "happy", loss="ce")
    said = [utterance(i, emotions=e) for i, e in enumerate([("happy",), ("calm", "afraid"), None])]
    assert known.with_labels_of(said).labels == ("sad", "happy", "afraid", "calm")
    assert known.with_labels_of(said[:1]) == known
    speakers = PersonTask(labels=("a", "b"), loss="ce")
    assert speakers.with_labels_of(said) == speakers, "who does not train is no label"
    assert SentimentTask().with_labels_of(said) == SentimentTask()


def test_the_constant_of_numbers_is_training_s_median_or_mean() -> None:
    counts = SentimentTask().label_counts(torch.tensor([[-2.0], [1.0], [1.2], [3.0]]))
    assert SentimentTask().constant(counts) == [1.0]
    assert affect(2.5, 0.5).constant({}) == (2.5, 2.0)
