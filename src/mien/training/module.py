"""The Lightning module: loss, optimiser, and validation figures of a model and its tasks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import lightning as L
import torch
from torch import Tensor

from mien.batch import Batch
from mien.models import MultimodalModel, Output
from mien.models.config import STACKED
from mien.models.person_head import margin_loss
from mien.runs.frozen import Frozen, frozen_names
from mien.tasks import Task
from mien.training.config import TrainConfig
from mien.training.finite import check_step
from mien.training.gather import gather, gather_batch, gather_sizes, processes, rank


def monitored_metric(metrics: Mapping[str, Tensor], tasks: Iterable[Task]) -> float:
    """Give the metric that early stopping and the best epoch depend on; higher is better.

    The sum of the metrics that the tasks monitor (`Task.monitor`), each a mean over its tasks, less
    those of errors.
    """
    monitors = {task.monitor.name: task.monitor for task in tasks}
    return sum(m.sign * float(metrics[f"valid/{m.name}"]) for m in monitors.values())


class Learner(L.LightningModule):
    """Train a model on its tasks.

    Parameters
    ----------
    model : MultimodalModel
        The network.
    tasks : sequence of Task
        What it answers.
    config : TrainConfig
        How it learns.
    weights : dict of str to Tensor (C,)
        For each task the weights of its labels in the loss (`Task.balance`), or nothing.
    frozen : mapping of Modality to FrozenWeights, optional
        Weights that the training state leaves out.
    """

    def __init__(
        self,
        model: MultimodalModel,
        tasks: Sequence[Task],
        config: TrainConfig,
        weights: dict[str, Tensor] | None = None,
        frozen: Frozen | None = None,
    ) -> None:
        super().__init__()
        self.model, self.tasks, self.config = model, list(tasks), config
        self.frozen = dict(frozen or {})
        for name, weight in (weights or {}).items():
            self.register_buffer(f"weight_{name}", weight, persistent=False)
        self.answers: list[dict[str, tuple[Tensor, Tensor]]] = []
        self.broken: list[str] = []
        self.random: torch.Generator | None = None
        self.step: tuple[int, Tensor, list[str]] | None = None

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave frozen pretrained weights out of the training state."""
        for name in frozen_names(self.model, self.frozen):
            checkpoint["state_dict"].pop(f"model.{name}")

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the frozen weights that the model has been given from their source."""
        own = self.model.state_dict()
        for name in frozen_names(self.model, self.frozen):
            checkpoint["state_dict"][f"model.{name}"] = own[name]

    def on_train_epoch_start(self) -> None:
        """Seed by epoch what is random, so that a resumed run draws what an uninterrupted one does.

        Each process has a dropout of its own, and the same modality dropout.
        """
        epoch = self.config.seed * 1_000_003 + self.current_epoch
        torch.manual_seed(epoch * 4096 + self.global_rank)
        self.random = torch.Generator().manual_seed(epoch * 4096)

    def loss(self, output: Output, batch: Batch) -> Tensor:
        """Sum the tasks' losses, of the fused answer and, by their share, of each modality's."""
        total = next(iter(output.logits.values())).sum() * 0
        for task in self.tasks:
            weight = getattr(self, f"weight_{task.name}", None)
            targets = batch.targets[task.name]
            total = total + task.criterion(output.logits[task.name], targets, weight)
            if self.config.modality_loss:
                each = [
                    task.criterion(logits[rows], targets[rows], weight)
                    for m, logits in output.modality_logits[task.name].items()
                    if (rows := output.present[m]).any()
                ]
                if each:
                    total = total + self.config.modality_loss * torch.stack(each).mean()
            if task.name == self.model.speaker_task and self.model.persons is not None:
                total = total + self.config.embedding_loss * self.margin_loss(output, targets)
        return total

    def margin_loss(self, output: Output, targets: Tensor) -> Tensor:
        """Ask of the fused embedding, and of each modality's, to stand near its own person."""
        persons = self.model.persons
        assert persons is not None
        known = ~targets.isnan().any(dim=1)
        losses = []
        for vectors in (output.embedding, *output.modality_embeddings.values()):
            rows = known & vectors.any(dim=1)
            if rows.any():
                losses.append(margin_loss(persons.cosines(vectors[rows]), targets[rows].argmax(1)))
        return torch.stack(losses).mean() if losses else output.embedding.sum() * 0

    def hide(self, batch: Batch, size: int | None = None) -> Batch:
        """Hide modalities at random, never the last one of an utterance.

        Parameters
        ----------
        batch : Batch
            This process's share.
        size : int, optional
            Utterances of all shares; each process draws for all of them, and takes its own.
        """
        own = [m for m in STACKED if m in self.model.config.encoders]
        for index in torch.randperm(len(own), generator=self.random).tolist():
            others = [batch.present(m) for m in own if m != own[index]]
            if not others:
                return batch
            drawn = torch.rand(len(batch) if size is None else size, generator=self.random)
            chosen = (drawn < self.config.modality_dropout)[rank() :: processes()]
            if batch.ids:
                rows = torch.stack(others).any(dim=0) & chosen.to(self.device)
                batch = batch.without(own[index], rows)
        return batch

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Compute the loss of one batch, whose utterances the processes share."""
        sizes = gather_sizes(len(batch.ids), self.device)
        if self.config.modality_dropout:
            batch = self.hide(batch, sum(sizes))
        loss = self.loss(*gather_batch(self.model(batch), batch, sizes))
        self.step = index + 1, loss, batch.ids
        self.log(
            "train/loss", loss, on_epoch=True, prog_bar=True, batch_size=sum(sizes), sync_dist=True
        )
        return loss

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Stop before a loss or a gradient that is no finite number gets into the weights."""
        assert self.step is not None
        number, loss, ids = self.step
        where = f"epoch {self.current_epoch + 1}, batch {number}"
        check_step(where, loss, self.parameters(), ids)

    def on_validation_epoch_start(self) -> None:
        """Forget which answers of the epoch before were broken."""
        self.broken = []

    def validation_step(self, batch: Batch, index: int) -> None:
        """Keep the answers of one batch for `on_validation_epoch_end`."""
        output, sizes = self.model(batch), gather_sizes(len(batch.ids), self.device)
        loss = self.loss(*gather_batch(output, batch, sizes))
        self.log("valid/loss", loss, batch_size=sum(sizes), sync_dist=True)
        if not batch.ids:
            return
        self.answers.append(
            {
                t.name: (t.scores(output.logits[t.name].float()), batch.targets[t.name])
                for t in self.tasks
            }
        )
        finite = torch.cat(list(output.logits.values()), dim=1).isfinite().all(dim=1)
        self.broken += [name for name, fine in zip(batch.ids, finite, strict=True) if not fine]

    def on_validation_epoch_end(self) -> None:
        """Log the monitored metric of each task, and of tasks with the same one the mean."""
        answers = [answer for share in gather(self.answers) for answer in share]
        self.broken = [name for share in gather(self.broken) for name in share]
        found: dict[str, dict[str, float]] = {}
        for task in self.tasks:
            scores = torch.cat([a[task.name][0].cpu() for a in answers])
            targets = torch.cat([a[task.name][1].cpu() for a in answers])
            found.setdefault(task.monitor.name, {})[task.name] = task.monitored(scores, targets)
        for metric, values in found.items():
            for name, value in values.items() if len(values) > 1 else ():
                self.log(f"valid/{metric}_{name}", value, sync_dist=True)
            mean = sum(values.values()) / len(values)
            self.log(f"valid/{metric}", mean, prog_bar=True, sync_dist=True)
        self.answers.clear()

    def configure_optimizers(self) -> Any:
        """Set the optimiser, slower for words and attention, and its schedule."""
        # at the full rate an attention narrows before the CNN knows what to see
        late = {
            *map(id, self.model.selector_parameters()),
            *map(id, self.model.pretrained_parameters()),
        }
        slow: list[torch.nn.Parameter] = []
        fast: list[torch.nn.Parameter] = []
        for parameter in self.model.parameters():
            if parameter.requires_grad:
                (slow if id(parameter) in late else fast).append(parameter)
        groups = [
            {"params": fast, "lr": self.config.lr},
            {"params": slow, "lr": self.config.lr / self.config.text_lr_factor},
        ]
        kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
        optimizer = kinds[self.config.optimizer](
            [group for group in groups if group["params"]], weight_decay=self.config.weight_decay
        )
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _Schedule(self.config, steps))
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


class _Schedule:
    """Factor of the learning rate at a step: linear warm-up, then constant or half a cosine."""

    def __init__(self, config: TrainConfig, steps: int) -> None:
        self.warmup, self.steps = round(config.warmup * steps), steps
        self.cosine = config.schedule == "cosine"

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return (step + 1) / self.warmup
        if not self.cosine:
            return 1.0
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return 0.5 * (1 + float(torch.cos(torch.tensor(torch.pi * min(1.0, done)))))
