"""A loss and its gradient are the same whether one process or several have the batch."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from samples import sample, tiny, tiny_model
from torch import Tensor
from torch.multiprocessing import spawn

from mien.batch import Batch
from mien.dataset.collate import collate
from mien.tasks import EmotionTask, PersonTask
from mien.training import TrainConfig
from mien.training.gather import gather_batch, gather_sizes
from mien.training.module import Learner
from mien.training.norm_sync import NormSync

TASKS = (
    EmotionTask(labels=("neutral", "happy", "sad"), loss="ce"),
    PersonTask(labels=tuple(f"person-{i}" for i in range(4)), loss="ce"),
)
SETTINGS = {"modality_loss": 0.3, "embedding_loss": 0.2, "modality_dropout": 0.3}
MODELS = {
    "dense": {},
    "attention": {"fusion": "attention"},
    "sparse": {"model": "mme2e-sparse", "attention": "published", "sparsity": "both"},
}
# of the shares of two processes the second has no sound, and of three the third is empty
LETTERS = ("av", "v", "a", "v", "av", "v", "av", "v")
HERE = {2: range(8), 3: range(2)}


def learner(model: str) -> Learner:
    """A model without dropout, in float64: only a mistake makes a difference then."""
    torch.manual_seed(0)
    network = tiny_model(None, modalities="va", dropout=0.0, **MODELS[model])
    weights = {task.name: torch.rand(len(task.labels)) + 0.5 for task in TASKS}
    one = Learner(network, TASKS, TrainConfig(**SETTINGS), weights).double()
    one.random = torch.Generator().manual_seed(1)
    return one.train()


def batch(rows: list[int]) -> Batch:
    samples = [sample(i, LETTERS[i], seconds=0.4 + 0.1 * i) for i in rows or [0]]
    whole = collate(samples, tiny(modalities="va").readers(), TASKS)
    for i, row in enumerate(rows):
        whole.targets["emotion"][i] = torch.eye(3)[row % 3] if row % 3 else torch.nan
    if not rows:
        for modality in whole.inputs:
            whole = whole.without(modality, torch.ones(1, dtype=torch.bool))
        targets = {name: torch.full_like(t, torch.nan) for name, t in whole.targets.items()}
        whole = replace(whole, targets=targets, ids=[])
    inputs = {m: replace(part, values=part.values.double()) for m, part in whole.inputs.items()}
    return replace(whole, inputs=inputs)


def step(one: Learner, rows: list[int]) -> Tensor:
    own = batch(rows)
    sizes = gather_sizes(len(own.ids), torch.device("cpu"))
    own = one.drop_modalities(own, sum(sizes))
    loss = one.loss(*gather_batch(one.model(own), own, sizes))
    loss.backward()
    return loss.detach()


def found(one: Learner, loss: Tensor) -> dict[str, Tensor]:
    gradients = {n: p.grad for n, p in one.named_parameters() if p.grad is not None}
    return gradients | dict(one.named_buffers()) | {"loss": loss}


def share(rank: int, world: int, folder: str) -> None:
    """Take a step on a share of the batch, and the mean of the gradients, as DDP does."""
    torch.set_num_threads(1)
    meet = f"file://{folder}/meet"
    dist.init_process_group("gloo", init_method=meet, rank=rank, world_size=world)
    for model in MODELS:
        one, sync = learner(model), NormSync()
        sync.apply(one)
        loss = step(one, list(HERE[world])[rank::world])
        for parameter in one.parameters():
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            dist.all_reduce(gradient)
            parameter.grad = gradient / world
        sync.revert(one)
        torch.save(found(one, loss), f"{folder}/{model}-{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
@pytest.mark.parametrize("world", [2, 3])
def test_a_step_of_several_processes_is_that_of_one(world: int, tmp_path: Path) -> None:
    command = [sys.executable, __file__, str(world), str(tmp_path)]
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(command, env=os.environ | paths, check=True, timeout=300)
    for model in MODELS:
        one = learner(model)
        expected = found(one, step(one, list(HERE[world])))
        assert len(expected) > 100
        for rank in range(world):
            shared = torch.load(tmp_path / f"{model}-{rank}.pt")
            for name, value in expected.items():
                why = f"{model}: {name}"
                torch.testing.assert_close(shared[name], value, rtol=1e-8, atol=1e-12, msg=why)


if __name__ == "__main__":
    spawn(share, (int(sys.argv[1]), sys.argv[2]), nprocs=int(sys.argv[1]))
