"""Targets, losses, weights and decisions."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from samples import utterance
from torch.nn import functional as F

from mien.errors import MienError
from mien.tasks import EmotionTask, PersonTask, SentimentTask, Task

BCE = EmotionTask(labels=("happy", "sad", "angry"), loss="bce")
CE = EmotionTask(labels=("happy", "sad", "angry"), loss="ce")
WHO = PersonTask(labels=("anna", "ben"), loss="ce")
UNKNOWN = math.nan


@pytest.mark.parametrize(
    ("task", "fields", "expected"),
    [
        (BCE, {"emotions": ("sad",)}, [0, 1, 0]),
        (BCE, {"emotions": ("sad", "angry")}, [0, 1, 1]),
        (BCE, {"emotions": ()}, [0, 0, 0]),
        (BCE, {"emotions": ("calm",)}, [0, 0, 0]),
        (BCE, {"emotions": None}, [UNKNOWN] * 3),
        (CE, {"emotions": ("angry",)}, [0, 0, 1]),
        (CE, {"emotions": ("angry", "calm")}, [0, 0, 1]),
        (CE, {"emotions": ("sad", "angry")}, [UNKNOWN] * 3),
        (CE, {"emotions": ()}, [UNKNOWN] * 3),
        (CE, {"emotions": ("calm",)}, [UNKNOWN] * 3),
        (CE, {"emotions": None}, [UNKNOWN] * 3),
        (WHO, {"person": "ben"}, [0, 1]),
        (WHO, {"person": "carol"}, [UNKNOWN] * 2),
        (WHO, {"person": None}, [UNKNOWN] * 2),
    ],
)
def test_target(task: Task, fields: dict[str, object], expected: list[float]) -> None:
    target = task.target(utterance(**fields))
    torch.testing.assert_close(target, torch.tensor(expected, dtype=torch.float32), equal_nan=True)


@pytest.mark.parametrize("weight", [None, torch.tensor([1.0, 2.0, 0.5])])
def test_criterion_is_the_mean_over_known_rows(weight: torch.Tensor | None) -> None:
    logits = torch.randn(3, 3)
    unknown = torch.full((3,), math.nan)
    several = torch.stack([torch.tensor([1.0, 0, 1]), unknown, torch.tensor([0.0, 0, 0])])
    known = torch.tensor([True, False, True])
    torch.testing.assert_close(
        BCE.criterion(logits, several, weight),
        F.binary_cross_entropy_with_logits(logits[known], several[known], pos_weight=weight),
    )
    single = torch.stack([torch.tensor([0.0, 1, 0]), unknown, torch.tensor([1.0, 0, 0])])
    torch.testing.assert_close(
        CE.criterion(logits, single, weight),
        F.cross_entropy(logits[known], torch.tensor([1, 0]), weight=weight),
    )


@pytest.mark.parametrize("task", [BCE, CE])
def test_criterion_of_unknown_rows_alone_is_zero_with_a_gradient_of_zero(task: Task) -> None:
    logits = torch.randn(2, 3, requires_grad=True)
    loss = task.criterion(logits, torch.full((2, 3), math.nan))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


@pytest.mark.parametrize("task", [BCE, CE])
def test_unknown_rows_receive_no_gradient(task: Task) -> None:
    logits = torch.randn(2, 3, requires_grad=True)
    targets = torch.tensor([[0.0, 1, 0], [math.nan] * 3])
    task.criterion(logits, targets).backward()
    assert logits.grad is not None
    assert logits.grad[0].all()
    assert not logits.grad[1].any()


def test_balance_of_several_labels_is_negatives_by_positives() -> None:
    targets = torch.tensor([[1.0, 1, 0], [0, 1, 0], [0, 1, 0], [1, 1, 0], [math.nan] * 3])
    # the second is always, the third never there
    assert BCE.balance(targets).tolist() == [1.0, 0.0, 1.0]


def test_balance_of_exclusive_labels_gives_each_the_same_say() -> None:
    targets = torch.tensor([[1.0, 0, 0]] * 3 + [[0, 1.0, 0]] + [[math.nan] * 3])
    weight = CE.balance(targets)
    torch.testing.assert_close(weight, torch.tensor([4 / 9, 4 / 3, 1.0]))
    assert weight[0] * 3 == pytest.approx(weight[1].item())


@pytest.mark.parametrize("task", [BCE, CE])
def test_balance_without_any_known_target_weighs_nothing(task: Task) -> None:
    assert task.balance(torch.full((2, 3), math.nan)).tolist() == [1.0, 1.0, 1.0]
    assert task.balance(torch.zeros(0, 3)).tolist() == [1.0, 1.0, 1.0]


def test_scores_of_labels() -> None:
    logits = torch.tensor([[0.0, 2.0, -2.0], [1e4, -1e4, 0.0]])
    torch.testing.assert_close(CE.scores(logits).sum(dim=1), torch.ones(2))
    assert BCE.scores(logits)[0, 0] == 0.5
    for task in (BCE, CE):
        scores = task.scores(logits)
        assert ((scores >= 0) & (scores <= 1)).all()
        assert scores[0, 1] > scores[0, 0] > scores[0, 2]


SCORES = st.lists(st.floats(0, 1), min_size=3, max_size=3)


@given(scores=SCORES, thresholds=SCORES)
def test_decide(scores: list[float], thresholds: list[float]) -> None:
    (best,) = CE.decide(scores, thresholds)
    assert scores[CE.labels.index(best)] == max(scores)
    chosen, above = BCE.decide(scores, thresholds), BCE.above(scores, thresholds)
    for label, score, threshold in zip(BCE.labels, scores, thresholds, strict=True):
        assert (label in above) == (score > threshold)
    assert set(chosen) == ({*above, best} if above else set())
    assert chosen == [label for label in BCE.labels if label in chosen]
    one = BCE.model_copy(update={"single_label": True})
    assert one.decide(scores, thresholds) == [best]
    assert one.above(scores, thresholds) == above


def test_of_labels_with_the_same_score_the_first_is_chosen() -> None:
    for task in (CE, BCE.model_copy(update={"single_label": True})):
        assert task.decide([0.2, 0.4, 0.4], [0.5] * 3) == ["sad"]
    # both reach no threshold but that of "happy", and one of them comes with it
    assert BCE.decide([0.3, 0.4, 0.4], [0.2, 0.5, 0.5]) == ["happy", "sad"]


def test_a_score_equal_to_its_threshold_is_not_above_it() -> None:
    assert BCE.above([0.5, 0.35, 0.6], [0.5, 0.35, 0.05]) == ["angry"]
    assert BCE.decide([0.5, 0.35, 0.2], [0.5, 0.35, 0.2]) == []


@pytest.mark.parametrize(
    ("emotions", "single"),
    [
        ([("sad",), ("angry",), None], True),
        ([("sad",), ("angry", "angry")], True),
        ([("sad",), ("angry", "sad")], False),
        ([("sad",), ("angry",), ()], False),
    ],
)
def test_the_emotion_task_knows_whether_training_has_one_label_each(emotions, single) -> None:
    task = EmotionTask.from_training(utterance(i, emotions=e) for i, e in enumerate(emotions))
    assert task.single_label == single
    assert PersonTask.from_training([utterance(0), utterance(1)], "bce").single_label


def test_a_task_of_a_run_of_before_goes_by_its_thresholds() -> None:
    before = {"name": "emotion", "labels": ["happy", "sad"], "loss": "bce"}
    assert EmotionTask.model_validate(before).decide([0.6, 0.7], [0.5, 0.9]) == ["happy", "sad"]
    assert EmotionTask.model_validate(before).decide([0.6, 0.7], [0.7, 0.9]) == []


def test_the_emotion_task_lists_what_occurs_known_words_first() -> None:
    found = [("sad", "proud"), ("angry",), (), None, ("amused",), ("neutral",)]
    task = EmotionTask.from_training(utterance(i, emotions=e) for i, e in enumerate(found))
    assert task.labels == ("neutral", "sad", "angry", "amused", "proud")
    assert task.loss == "bce"


def test_emotions_that_count_as_another_are_merged_everywhere() -> None:
    said = [utterance(n, emotions=(e,)) for n, e in enumerate(("calm", "neutral", "excited"))]
    mapping = {"calm": "neutral", "excited": "happy"}
    task = EmotionTask.from_training(said, "ce", mapping)
    assert task.labels == ("neutral", "happy")
    assert [task.target(u).tolist() for u in said] == [[1, 0], [1, 0], [0, 1]]
    assert task.with_labels_of(said).labels == task.labels
    assert EmotionTask.model_validate(task.model_dump()) == task
    both = utterance(9, emotions=("calm", "neutral"))
    assert EmotionTask.from_training([both, *said], None, mapping).target(both).tolist() == [1, 0]


def test_an_emotion_that_no_training_utterance_has_cannot_be_mapped() -> None:
    said = [utterance(n, emotions=(e,)) for n, e in enumerate(("calm", "happy"))]
    with pytest.raises(MienError, match=r"no training utterance is 'clam' \(did you mean calm"):
        EmotionTask.from_training(said, "ce", {"clam": "neutral"})


def test_the_person_task_lists_known_persons_by_name() -> None:
    persons = ["ben", None, "anna", "ben", ""]
    task = PersonTask.from_training(utterance(i, person=p) for i, p in enumerate(persons))
    assert task.labels == ("anna", "ben")
    assert task.loss == "ce"


def test_a_task_needs_two_labels() -> None:
    with pytest.raises(MienError, match="the training split has only 'sad'"):
        EmotionTask.from_training([utterance(emotions=("sad",)), utterance(emotions=())])
    with pytest.raises(MienError, match="no utterance of the training split is labelled"):
        PersonTask.from_training([utterance(person=None)])


def test_a_task_is_settled_once_made() -> None:
    with pytest.raises(ValidationError):
        BCE.loss = "ce"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        EmotionTask.model_validate({**BCE.model_dump(), "colour": "red"})
    assert EmotionTask.model_validate(BCE.model_dump(mode="json")) == BCE


ERRORS = [EmotionTask(labels=("happy", "sad", "angry"), loss=loss) for loss in ("l1", "mse")]


def test_errors_of_labels_are_between_probabilities_and_indicators() -> None:
    logits = torch.tensor([[0.0, 2.0, -2.0], [1.0, 0.0, 3.0]])
    targets = torch.tensor([[0.0, 1, 0], [math.nan] * 3])
    weight = torch.tensor([5.0, 3.0, 5.0])
    p = [0.5, 1 / (1 + math.exp(-2)), 1 / (1 + math.exp(2))]
    gaps = [p[0], 1 - p[1], p[2]]
    l1, mse = ERRORS
    assert l1.criterion(logits, targets).item() == pytest.approx(sum(gaps) / 3)
    assert mse.criterion(logits, targets).item() == pytest.approx(sum(g * g for g in gaps) / 3)
    weighted = (gaps[0] + 3 * gaps[1] + gaps[2]) / 3  # the weight is that of a yes
    assert l1.criterion(logits, targets, weight).item() == pytest.approx(weighted)


@pytest.mark.parametrize("task", ERRORS)
def test_errors_of_labels_go_by_thresholds_and_rarity_as_bce_does(task: Task) -> None:
    targets = torch.tensor([[1.0, 1, 0], [0, 1, 0], [math.nan] * 3])
    assert task.balance(targets).tolist() == BCE.balance(targets).tolist()
    logits = torch.randn(4, 3)
    assert torch.equal(task.scores(logits), BCE.scores(logits))
    assert task.decide([0.2, 0.6, 0.9], [0.1, 0.7, 0.5]) == ["happy", "angry"]
    assert task.has_thresholds
    assert task.target(utterance(emotions=())).tolist() == [0, 0, 0]


def test_sentiment_is_its_own_target() -> None:
    task = SentimentTask()
    assert (task.loss, task.labels, task.has_thresholds) == ("l1", ("sentiment",), False)
    assert task.target(utterance(sentiment=-1.5)).tolist() == [-1.5]
    assert task.target(utterance(sentiment=0.0)).tolist() == [0.0]
    assert task.target(utterance()).isnan().all()


@pytest.mark.parametrize(("loss", "expected"), [("l1", (4 + 0.5) / 2), ("mse", (16 + 0.25) / 2)])
def test_the_error_of_sentiment_is_of_what_is_known(loss: str, expected: float) -> None:
    task = SentimentTask(loss=loss)
    logits = torch.tensor([[6.0], [9.0], [0.5]], requires_grad=True)
    targets = torch.tensor([[2.0], [math.nan], [1.0]])
    value = task.criterion(logits, targets, task.balance(targets))
    assert value.item() == pytest.approx(expected)
    value.backward()
    assert logits.grad is not None
    assert logits.grad[0] > 0  # it is drawn back from beyond the scale
    assert not logits.grad[1].any()


def test_sentiment_stays_within_its_scale_and_has_words() -> None:
    task = SentimentTask()
    assert task.scores(torch.tensor([[-9.0], [0.25], [4.0]])).tolist() == [[-3.0], [0.25], [3.0]]
    for value, word in (
        (-3.0, "highly negative"),
        (-1.6, "negative"),
        (-0.4, "neutral"),
        (0.6, "weakly positive"),
        (2.9, "highly positive"),
    ):
        answer = task.predict([value], [])
        assert (answer.decision, answer.values) == ([word], {"sentiment": value})


@pytest.mark.parametrize("loss", ["bce", "ce"])
def test_sentiment_takes_no_loss_of_labels(loss: str) -> None:
    with pytest.raises(ValidationError, match="the losses of the task are l1, mse"):
        SentimentTask(loss=loss)
