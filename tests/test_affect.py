"""The task of valence, arousal and dominance: ratings, loss and answer."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from samples import utterance

from mien.errors import MienError
from mien.metrics.concordance import concordance
from mien.tasks import AffectTask
from mien.tasks.affect import batch_concordance

UNKNOWN = math.nan


def rated(number: int, **labels: float | str):
    return utterance(number, labels=labels)


def task(loss: str = "ccc", means=(3.0, 2.0), deviations=(0.5, 2.0)) -> AffectTask:
    return AffectTask(labels=("valence", "arousal"), loss=loss, means=means, deviations=deviations)


def test_it_is_made_of_the_dimensions_that_are_rated() -> None:
    rows = [rated(0, valence=1.0, arousal=2.0), rated(1, valence=3.0, arousal=6.0), rated(2)]
    made = AffectTask.from_training([*rows, rated(3, valence=5.0, stance="for")])
    assert (made.labels, made.loss) == (("valence", "arousal"), "ccc")
    assert made.means == (3.0, 4.0)
    assert made.deviations == (pytest.approx(math.sqrt(8 / 3)), 2.0)
    assert AffectTask.model_validate(made.model_dump(mode="json")) == made
    assert AffectTask.from_training(rows, "mse").loss == "mse"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([rated(0), rated(1, stance="for")], "no utterance of the training split has any"),
        ([rated(0, valence="high"), rated(1)], "no utterance of the training split has any"),
        ([rated(0, valence=2.0), rated(1, valence=2.0)], "every rating of valence .* is 2"),
    ],
)
def test_ratings_from_which_nothing_can_be_learnt(rows, told: str) -> None:
    with pytest.raises(MienError, match=told):
        AffectTask.from_training(rows)


@pytest.mark.parametrize(
    "wrong",
    [
        {"means": (3.0,)},
        {"deviations": (1.0, 0.0)},
        {"means": (math.inf, 0.0)},
        {"deviations": (1.0, UNKNOWN)},
    ],
)
def test_settings_that_do_not_fit_are_refused(wrong) -> None:
    with pytest.raises(ValidationError):
        task(**wrong)


def test_a_dimension_that_nobody_rated_is_nan_and_the_row_still_known() -> None:
    one = task()
    target = one.target(rated(0, arousal=2.5))
    torch.testing.assert_close(target, torch.tensor([UNKNOWN, 2.5]), equal_nan=True)
    rows = torch.tensor([[UNKNOWN, 2.5], [UNKNOWN, UNKNOWN], [1.0, 2.0]])
    assert one.known(rows).tolist() == [True, False, True]
    assert one.label_counts(rows) == {"valence": 1, "arousal": 2}
    assert one.balance(rows).tolist() == [1.0, 1.0]


def test_scores_are_on_the_scale_of_the_ratings() -> None:
    scores = task().scores(torch.tensor([[0.0, 1.0], [-2.0, 0.5]]))
    assert scores.tolist() == [[3.0, 4.0], [2.0, 3.0]]
    answer = task().predict([2.25, 3.5], [])
    assert (answer.decision, answer.scores) == ([], {})
    assert answer.values == {"valence": 2.25, "arousal": 3.5}
    assert str(answer) == "valence 2.25, arousal 3.50"


def test_the_loss_is_one_less_concordance_over_what_is_rated() -> None:
    one, random = task(), torch.Generator().manual_seed(0)
    targets = torch.randn(8, 2, generator=random) + torch.tensor([3.0, 2.0])
    targets[5:, 0] = UNKNOWN
    targets[7] = UNKNOWN
    logits = torch.randn(8, 2, generator=random, requires_grad=True)
    scores = one.scores(logits).detach().double().numpy()
    each = [
        concordance(scores[:5, 0], targets[:5, 0].double().numpy()),
        concordance(scores[:7, 1], targets[:7, 1].double().numpy()),
    ]
    loss = one.criterion(logits, targets)
    assert loss.item() == pytest.approx(1 - np.mean(each), abs=1e-5)
    loss.backward()
    assert logits.grad is not None
    assert logits.grad[:5].all()
    assert not logits.grad[5:, 0].any()
    assert not logits.grad[7].any()


@pytest.mark.parametrize(
    ("loss", "expected"), [("l1", (1 + 0.5 + 2) / 3), ("mse", (1 + 0.25 + 4) / 3)]
)
def test_errors_are_in_deviations(loss: str, expected: float) -> None:
    targets = torch.tensor([[3.5, 3.0], [UNKNOWN, -2.0]])  # 1, 0.5 and -2 deviations
    assert task(loss).criterion(torch.zeros(2, 2), targets).item() == pytest.approx(expected)


def test_the_gradient_of_concordance_is_right_and_finite_for_a_constant() -> None:
    truth = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)
    start = torch.tensor([0.5, 1.0, 0.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: batch_concordance(x, truth), start)
    flat = torch.zeros(3, requires_grad=True)
    batch_concordance(flat, torch.zeros(3)).backward()
    assert flat.grad is not None
    assert flat.grad.isfinite().all()


def test_one_row_alone_teaches_nothing_by_concordance() -> None:
    logits = torch.randn(2, 2, requires_grad=True)
    loss = task().criterion(logits, torch.tensor([[1.0, UNKNOWN], [UNKNOWN, 2.0]]))
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()
    assert (task().smallest_batch, task("l1").smallest_batch) == (2, 1)


def test_validation_is_monitored_by_the_mean_concordance() -> None:
    truth = torch.tensor([[1.0, UNKNOWN], [2.0, UNKNOWN], [3.0, 1.0]])
    assert task().monitored(truth.nan_to_num(5.0), truth) == pytest.approx(1.0)
    assert task().monitored(torch.zeros(3, 2), torch.full((3, 2), UNKNOWN)) == 0.0
    assert math.isnan(task().monitored(torch.tensor([[UNKNOWN, 1.0]]), truth[:1]))
