"""Training stops at the first number that is not finite, says where, and keeps what is good."""

import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch._utils import ExceptionWrapper

from mien.dataset.store import Store
from mien.errors import MienError
from mien.inference.evaluate import evaluate
from mien.models import ModelConfig
from mien.runs.run import Run
from mien.tasks import EmotionTask
from mien.tasks.labels import macro_f1
from mien.training import TrainConfig, train
from mien.training.datamodule import Loaders
from mien.training.finite import NAMED, NotFiniteError, check_step, check_weights, error_of, named
from mien.training.module import Learner


def spoil(monkeypatch: pytest.MonkeyPatch, epoch: int, batch: int, how) -> list[list[str]]:
    """Change the loss of one batch of training; gives the ids of that batch when it has come."""
    whole, count, spoilt = Learner.loss, 0, []

    def loss(learner: Learner, output, examples):
        nonlocal count
        value = whole(learner, output, examples)
        if not learner.training or learner.current_epoch != epoch - 1:
            return value
        count += 1
        if count == batch:
            spoilt.append(examples.ids)
            return how(value, learner)
        return value

    monkeypatch.setattr(Learner, "loss", loss)
    return spoilt


def no_gradient(value: torch.Tensor, learner: Learner) -> torch.Tensor:
    """Leave the loss as it is, and give it a gradient that is none: of a square root at 0."""
    weight = next(p for p in learner.parameters() if p.requires_grad)
    return value + (0 * weight).sqrt().sum()


@pytest.mark.parametrize(
    ("how", "what"),
    [
        (lambda value, _: value * math.nan, "the loss is nan"),
        (lambda value, _: value + math.inf, "the loss is inf"),
        (no_gradient, "the gradient is not finite"),
    ],
)
def test_the_batch_at_fault_is_named_and_the_epoch_before_it_is_kept(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig, monkeypatch, how, what
) -> None:
    one = train(tiny_data, tmp_path / "one", small, changed(quick, epochs=1), progress=False)
    spoilt = spoil(monkeypatch, 2, 3, how)
    with pytest.raises(MienError) as raised:
        train(tiny_data, tmp_path / "run", small, changed(quick, epochs=9), progress=False)
    ids = ", ".join(spoilt[0])
    assert f"epoch 2, batch 3: {what}; utterances {ids}. " in str(raised.value)
    assert "\n" not in str(raised.value)
    run = Run(tmp_path / "run")
    kept, first = (load_file(r.folder / "model.safetensors") for r in (run, one))
    assert all(torch.equal(kept[name], first[name]) for name in first)
    assert run.read("thresholds.json") == one.read("thresholds.json")
    before, after = (evaluate(r.folder, progress=False).tasks for r in (one, run))
    assert before == after


def changed(config: TrainConfig, **values: object) -> TrainConfig:
    return TrainConfig.model_validate(config.model_dump(exclude_unset=True) | values)


def test_where_no_epoch_was_finished_nothing_is_left_that_looks_usable(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig
) -> None:
    wild = changed(quick, lr=1e30, optimizer="sgd")
    with pytest.raises(MienError, match=r"epoch 1, batch 2: .*No epoch was finished") as raised:
        train(tiny_data, tmp_path / "run", small, wild, progress=False)
    known = {utterance.id for utterance in Store(tiny_data).utterances}
    assert len(set(re.findall(r"synthetic\d+", str(raised.value))) & known) == 8
    assert not (tmp_path / "run" / "model.safetensors").exists()
    with pytest.raises(MienError, match="has not finished its first epoch"):
        evaluate(tmp_path / "run", progress=False)


def test_scores_of_validation_that_are_no_numbers_stop_training(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig, monkeypatch
) -> None:
    step, seen = Learner.validation_step, []

    def broken(learner: Learner, batch, index: int) -> None:
        if learner.current_epoch == 1 and not seen:
            seen.append(batch.ids[1])
            learner.model.forward = one_nan(learner.model.forward)  # type: ignore[method-assign]
        step(learner, batch, index)
        learner.model.__dict__.pop("forward", None)

    monkeypatch.setattr(Learner, "validation_step", broken)
    with pytest.raises(MienError) as raised:
        train(tiny_data, tmp_path / "run", small, changed(quick, epochs=4), progress=False)
    at = f"epoch 2, validation: scores are not finite; utterances {seen[0]}. "
    assert at in str(raised.value)
    assert evaluate(tmp_path / "run", progress=False).tasks["emotion"].n > 0


def one_nan(answer):
    def spoilt(*args, **kwargs):
        output = answer(*args, **kwargs)
        output.logits["emotion"][1] = torch.nan
        return output

    return spoilt


def test_a_figure_of_scores_that_are_no_numbers_is_never_better() -> None:
    task = EmotionTask(labels=("happy", "sad"), loss="bce")
    truth = torch.eye(2).numpy()
    assert macro_f1(task, truth, truth) == 1.0
    broken = truth.copy()
    broken[0, 0] = math.nan
    assert not macro_f1(task, broken, truth) > -math.inf


def test_weights_that_are_not_finite_are_never_kept() -> None:
    check_weights("here", {"a": torch.ones(2), "count": torch.tensor(3)})
    with pytest.raises(NotFiniteError, match=r"^here: the weights b are not finite$"):
        check_weights("here", {"a": torch.ones(2), "b": torch.tensor([1.0, math.inf])})


def test_finite_numbers_pass_and_large_batches_are_named_in_short() -> None:
    weight = torch.ones(3, requires_grad=True)
    check_step("here", torch.tensor(1.0), [weight], ["a"])  # no gradient yet
    weight.grad = torch.tensor([1e19, -1.0, 0.0])
    check_step("here", torch.tensor(1e38), [weight], ["a"])
    ids = [str(i) for i in range(NAMED + 3)]
    assert named(ids) == f"utterances {', '.join(ids[:NAMED])} and 3 more"
    assert named(["a", "b", "a"]) == "utterances a, b"


CHILD = (
    "\n\n-- Process 1 terminated with the following error:\nTraceback (most recent call last):\n"
)
LOADER = (
    "Caught MienError in DataLoader worker process 0.\n"
    "Original Traceback (most recent call last):\n"
)


@pytest.mark.parametrize(
    ("text", "kind", "parameter", "message"),
    [
        (
            "  File x\nmien.training.finite.NotFiniteError: a; b: c\n",
            NotFiniteError,
            None,
            "a; b: c",
        ),
        ("mien.errors.MienError: 0.parquet is damaged\n", MienError, None, "0.parquet is damaged"),
        ("mien.errors.MienError: a.wav: silent\n", MienError, None, "a.wav: silent"),
        ("mien.errors.MienError: max_seconds: too long\n", MienError, "max_seconds", "too long"),
        ("mien.errors.MienError: audio_width: too wide\n", MienError, "audio_width", "too wide"),
        (
            "mien.errors.MienError: the cause\n\nThe above exception was the direct cause of the"
            " following exception:\n\nTraceback (most recent call last):\n"
            "mien.errors.MienError: what follows\n",
            *(MienError, None, "what follows"),
        ),
        (
            f"mien.errors.MienError: {LOADER}  File x\nmien.errors.MienError: 0.parquet is gone\n",
            *(MienError, None, "0.parquet is gone"),
        ),
    ],
)
def test_an_error_for_users_is_read_from_the_traceback_of_another_process(
    text: str, kind: type[MienError], parameter: str | None, message: str
) -> None:
    told = error_of(CHILD + text)
    assert told is not None
    assert (type(told), told.parameter, told.message) == (kind, parameter, message)


@pytest.mark.parametrize(
    "text",
    [
        "ValueError: mien.x.MienError: no\n",
        "mien.x.OtherError: no\n",
        "mien.errors.MienError: \n",
        "mien.errors.MienError: first\n\nDuring handling of the above exception, another exception"
        " occurred:\n\nTraceback (most recent call last):\nValueError: the last\n",
    ],
)
def test_other_errors_of_another_process_are_not_for_users(text: str) -> None:
    assert error_of(CHILD + text) is None


@pytest.mark.parametrize("parameter", [None, "max_seconds"])
def test_what_torch_tells_of_a_process_that_loads_data_is_understood(parameter: str | None) -> None:
    try:
        raise MienError("no good", parameter=parameter)
    except MienError:
        wrapped = ExceptionWrapper(where="in DataLoader worker process 0")
    with pytest.raises(MienError) as raised:
        wrapped.reraise()
    assert str(raised.value).startswith("Caught MienError in DataLoader worker process 0.")
    told = error_of(str(raised.value))
    assert told is not None
    assert (told.parameter, told.message) == (parameter, "no good")


@pytest.mark.slow
def test_damage_that_a_process_that_loads_data_meets_is_told_in_one_line(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig, monkeypatch
) -> None:
    data = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    load = Loaders.train_dataloader

    def damaged(loaders: Loaders):
        for shard in data.glob("*.parquet"):
            with shard.open("r+b") as file:
                file.seek(100)
                file.write(b"damage")
        return load(loaders)

    monkeypatch.setattr(Loaders, "train_dataloader", damaged)
    with pytest.raises(MienError) as raised:
        train(data, tmp_path / "run", small, changed(quick, workers=1), progress=False)
    message = str(raised.value)
    assert re.match(rf"{data}/[01]\.parquet: missing or damaged \(wrong checksum near", message)
    assert "\n" not in message


@pytest.mark.slow
def test_two_processes_stop_together(tiny_data: Path, tmp_path: Path, small: ModelConfig) -> None:
    code = "import sys; from mien.cli import main;sys.exit(main(['train', *sys.argv[1:]]))"
    flags = ["--devices", "2", "--epochs", "2", "--protocol", "dialogues", "--loss", "ce"]
    flags += ["--text-model", small.encoders["text"].model, "--width", "0.125"]
    flags += ["--temporal-dim", "16", "--temporal-layers", "1", "--temporal-heads", "2"]
    flags += ["--temporal-feedforward", "32", "--lr", "1e30", "--optimizer", "sgd"]
    result = subprocess.run(
        [sys.executable, "-c", code, str(tiny_data), "--out", str(tmp_path / "run"), *flags],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert re.match(r"mien: training stopped at epoch 1, batch 2: the .*; utterances syn", last)
    assert "No epoch was finished" in last
    assert "Traceback" not in result.stderr
