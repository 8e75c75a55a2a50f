"""What a training step is made of: the loss, the learning rates, and modality dropout."""

from math import cos, pi
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from samples import VoiceTask, sample, tiny, tiny_model

from mien.batch import Batch
from mien.dataset.collate import collate
from mien.modality import Modality
from mien.models import MultimodalModel, Output
from mien.models.person_head import MARGIN, SCALE
from mien.models.pretrained.text_source import load_tokenizer
from mien.tasks import EmotionTask, PersonTask, SentimentTask, Task, speaker_task
from mien.tasks.labels import macro_f1
from mien.training import TrainConfig
from mien.training.module import Learner, _Schedule, monitored_metric

EMOTION = EmotionTask(labels=("neutral", "happy", "sad"), loss="bce")
PERSON = PersonTask(labels=tuple(f"person-{i}" for i in range(4)), loss="ce")
TASKS = (EMOTION, PERSON)


def learner(text: Path | None, **settings: object) -> Learner:
    return Learner(tiny_model(text), TASKS, TrainConfig(**settings))


def batch_of(*modalities: str, text: Path) -> Batch:
    samples = [sample(number, letters) for number, letters in enumerate(modalities)]
    return collate(samples, tiny().readers(load_tokenizer(str(text))), TASKS)


# How fast each part learns


def groups(of: Learner) -> list[dict]:
    of.trainer = SimpleNamespace(estimated_stepping_batches=10)
    (optimizer,), _ = of.configure_optimizers()
    return optimizer.param_groups


def ids(parameters) -> list[int]:
    return sorted(map(id, parameters))


def test_the_text_encoder_and_its_heads_learn_more_slowly(tiny_text: Path) -> None:
    one = learner(tiny_text, lr=1e-3, text_lr_factor=20)
    text = list(one.model.encoders["text"].parameters())
    for heads in one.model.heads.values():
        text += heads["text"].parameters()
    trainable = {id(p) for p in one.model.parameters() if p.requires_grad}
    rest = trainable - set(ids(text))
    fast, slow = groups(one)
    assert (fast["lr"], slow["lr"]) == (1e-3, pytest.approx(5e-5))
    assert ids(slow["params"]) == ids(text)
    assert ids(fast["params"]) == sorted(rest)


def test_the_sparse_attention_learns_as_slowly_as_the_words(tiny_text: Path) -> None:
    model = tiny_model(tiny_text, model="mme2e-sparse", text_freeze=True)
    one = Learner(model, TASKS, TrainConfig(lr=1e-3))
    attention = [
        p for m in ("video", "audio") for p in model.encoders[m].cnn.attention.parameters()
    ]
    fast, slow = groups(one)
    assert (fast["lr"], slow["lr"]) == (1e-3, pytest.approx(1e-4))
    assert ids(slow["params"]) == ids(attention)
    assert not set(ids(fast["params"])) & set(ids(attention))


@pytest.mark.parametrize("settings", [{"text_freeze": True}, {"modalities": "av"}], ids=str)
def test_without_a_text_encoder_that_learns_all_learn_alike(
    tiny_text: Path, settings: dict[str, Any]
) -> None:
    one = Learner(tiny_model(tiny_text, **settings), TASKS, TrainConfig(lr=1e-3))
    (group,) = groups(one)
    encoder = one.model.encoders["text"].parameters() if "text_freeze" in settings else ()
    left = {id(p) for p in one.model.parameters()} - set(ids(encoder))
    assert group["lr"] == 1e-3
    assert ids(group["params"]) == sorted(left)


def test_the_learning_rate_warms_up_and_follows_a_cosine() -> None:
    cosine = _Schedule(TrainConfig(schedule="cosine", warmup=0.2), steps=20)
    assert [cosine(step) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    expected = [(1 + cos(pi * done / 16)) / 2 for done in (4, 8, 12, 16)]
    assert [cosine(4 + done) for done in (4, 8, 12, 16)] == pytest.approx(expected, abs=1e-6)
    assert cosine(20) == cosine(30) == pytest.approx(0, abs=1e-6)
    constant = _Schedule(TrainConfig(warmup=0.1), steps=20)
    assert [constant(step) for step in (0, 1, 2, 19)] == [0.5, 1.0, 1.0, 1.0]
    assert _Schedule(TrainConfig(), steps=20)(0) == 1.0


# The loss


def random_output(*modalities: str) -> tuple[Output, Batch]:
    """Eight utterances with random logits of each modality; some targets are not known."""
    torch.manual_seed(0)
    samples = [sample(number, "a", seconds=0.1) for number in range(8)]
    batch = collate(samples, tiny(modalities="a").readers(), TASKS)
    batch.targets["emotion"][0] = torch.nan
    batch.targets["person"][3] = torch.nan
    present = {m: torch.rand(8) < 0.7 for m in map(Modality.of, modalities)}
    each = {t.name: {m: torch.randn(8, len(t.labels)) for m in present} for t in TASKS}
    fused = {task.name: torch.randn(8, len(task.labels)) for task in TASKS}
    return Output(fused, each, present, torch.zeros(8, 1)), batch


def by_hand(task: Task, logits: torch.Tensor, targets: torch.Tensor, everything: torch.Tensor):
    """Compute a task's loss with rare labels weighted up, in plain arithmetic."""
    known = [row for row in range(len(targets)) if not targets[row].isnan().any()]
    labels = range(len(task.labels))
    counts = everything[~everything.isnan().any(dim=1)]
    positives = [float(counts[:, c].sum()) for c in labels]
    total, parts = 0.0, 0.0
    for row in known:
        if task.loss == "bce":
            for c in labels:
                p, y = logits[row, c].sigmoid(), targets[row, c]
                weight = (len(counts) - positives[c]) / positives[c] if positives[c] else 1.0
                total -= float(weight * y * p.log() + (1 - y) * (1 - p).log())
                parts += 1
        else:
            c = int(targets[row].argmax())
            weight = len(counts) / (len(task.labels) * positives[c])
            total -= weight * float(logits[row].softmax(dim=0)[c].log())
            parts += weight
    return total / parts


def weighted(config: TrainConfig, batch: Batch) -> Learner:
    weights = {task.name: task.balance(batch.targets[task.name]) for task in TASKS}
    return Learner(tiny_model(None, modalities="a"), TASKS, config, weights)


def test_the_loss_is_the_sum_over_tasks_of_what_is_known_with_rare_labels_weighted() -> None:
    output, batch = random_output("a")
    expected = sum(
        by_hand(t, output.logits[t.name], batch.targets[t.name], batch.targets[t.name])
        for t in TASKS
    )
    found = weighted(TrainConfig(), batch).loss(output, batch)
    assert float(found) == pytest.approx(expected, rel=1e-5)
    plain = Learner(tiny_model(None, modalities="a"), TASKS, TrainConfig()).loss(output, batch)
    assert abs(float(plain) - expected) > 0.01, "weights make no difference here"


def test_each_modality_answers_for_itself_where_it_is_there() -> None:
    output, batch = random_output("a", "v")
    expected = 0.0
    for task in TASKS:
        targets = batch.targets[task.name]
        expected += by_hand(task, output.logits[task.name], targets, targets)
        own = [
            by_hand(task, logits[rows], targets[rows], targets)
            for m, logits in output.modality_logits[task.name].items()
            for rows in [output.present[m]]
        ]
        expected += 0.5 * sum(own) / 2
    found = weighted(TrainConfig(modality_loss=0.5), batch).loss(output, batch)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_where_nothing_is_known_the_loss_is_zero() -> None:
    output, batch = random_output("a")
    for targets in batch.targets.values():
        targets[:] = torch.nan
    assert weighted(TrainConfig(modality_loss=0.5), batch).loss(output, batch) == 0


def test_the_margin_loss_is_of_the_first_task_that_identifies_speakers() -> None:
    voice = VoiceTask(labels=PERSON.labels, loss="ce")
    tasks = (EMOTION, voice, PERSON.model_copy(update={"labels": PERSON.labels[:2]}))
    sizes = {task.name: len(task.labels) for task in tasks}
    assert speaker_task(tasks) == "voice"
    assert speaker_task((EMOTION,)) == "person"
    torch.manual_seed(0)
    model = MultimodalModel(tiny(modalities="av"), sizes, speaker_task=speaker_task(tasks))
    samples = [sample(n, letters, seconds=0.1) for n, letters in enumerate(("av", "a", "v", "av"))]
    batch = collate(samples, model.config.readers(), tasks)
    batch.targets["voice"][3] = torch.nan
    with torch.no_grad():
        output = model.eval()(batch)
        losses = [
            float(Learner(model, tasks, TrainConfig(embedding_loss=share)).loss(output, batch))
            for share in (0.0, 1.0)
        ]
        assert model.persons is not None
        prototypes = F.normalize(model.persons.prototypes, dim=1)
    expected = []
    each = output.modality_embeddings
    for vectors, rows in (
        (output.embedding, (0, 1, 2)),
        (each["video"], (0, 2)),
        (each["audio"], (0, 1)),
    ):
        one_each = []
        for row in rows:  # the person of a row has its number
            angles = (prototypes @ vectors[row]).acos()
            angles[row] += MARGIN
            one_each.append(-(SCALE * angles.cos()).log_softmax(dim=0)[row])
        expected.append(sum(map(float, one_each)) / len(one_each))
    assert losses[1] - losses[0] == pytest.approx(sum(expected) / 3, rel=1e-5)


# Modality dropout


def test_modality_dropout_never_takes_the_last_modality_of_an_utterance(tiny_text: Path) -> None:
    batch = batch_of("tav", "ta", "tv", "av", "t", "a", "v", "tav", text=tiny_text)
    before = torch.stack([batch.present(m) for m in Modality])
    one = learner(tiny_text, modality_dropout=0.9)
    torch.manual_seed(0)
    left = torch.zeros(3, len(batch))
    for _ in range(20):
        dropped = one.drop_modalities(batch)
        after = torch.stack([dropped.present(m) for m in Modality])
        assert after.any(dim=0).all()
        assert not (after & ~before).any()
        left += after
    assert torch.equal(left == 20, before & (before.sum(dim=0) == 1)), "only the last one is safe"
    assert ((left > 0) == before).all(), "each modality is spared now and then"


# What the best epoch is chosen by


@pytest.mark.parametrize(
    ("tasks", "figures", "expected"),
    [
        ([EMOTION, PERSON], {"valid/f1": 0.5, "valid/f1_emotion": 0.4, "valid/loss": 9.0}, 0.5),
        ([SentimentTask()], {"valid/mae": 0.75}, -0.75),
        ([EMOTION, SentimentTask()], {"valid/f1": 0.5, "valid/mae": 0.75}, -0.25),
    ],
)
def test_more_f1_and_less_error_are_better(tasks, figures, expected: float) -> None:
    found = monitored_metric({name: torch.tensor(v) for name, v in figures.items()}, tasks)
    assert found == pytest.approx(expected)


def test_of_labels_with_the_same_score_the_first_is_the_answer_of_validation() -> None:
    task = EMOTION.model_copy(update={"loss": "ce"})
    scores = torch.tensor([[0.2, 0.4, 0.4], [0.4, 0.4, 0.2]]).numpy()
    for truth, f1 in (([1, 0], 1.0), ([2, 1], 0.0)):
        assert macro_f1(task, scores, torch.eye(3)[truth].numpy()) == f1


def test_validation_reports_the_error_of_what_is_known() -> None:
    tasks = (EMOTION, SentimentTask())
    one = Learner(tiny_model(None, modalities="a"), tasks, TrainConfig())
    logged: dict[str, float] = {}
    one.log = lambda name, value, **_: logged.update({name: float(value)})  # type: ignore[assignment]
    labels = torch.eye(3)
    rated = torch.tensor([[1.0], [torch.nan], [-2.0]])
    one.predictions = [{"emotion": (labels, labels), "sentiment": (torch.zeros(3, 1), rated)}]
    one.on_validation_epoch_end()
    assert logged == {"valid/mae": 1.5, "valid/f1": 1.0}
    broken = torch.full((3, 1), torch.nan)
    one.predictions = [{"emotion": (labels, labels), "sentiment": (broken, rated)}]
    one.on_validation_epoch_end()
    assert logged["valid/mae"] == 6.0
