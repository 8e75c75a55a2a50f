"""The Lightning module: loss, optimiser and validation metrics."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import lightning as L
import torch
from torch import Tensor

from mien.batch import Batch
from mien.models import MultimodalModel, Output
from mien.models.config import STACKED
from mien.models.mixing import Mixing
from mien.models.person_head import margin_loss
from mien.runs.frozen import Frozen, frozen_names
from mien.tasks import Task
from mien.training.config import TrainConfig
from mien.training.finite import check_step
from mien.training.gather import gather, gather_batch, gather_sizes, processes, rank


def monitored_metric(metrics: Mapping[str, Tensor], tasks: Iterable[Task]) -> float:
    """Return the monitored metric, for early stopping and the best epoch; higher is better.

    It is the sum of the metrics that the tasks monitor (`Task.monitor`), each averaged over its
    tasks, minus those for which lower is better.
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
        The tasks.
    config : TrainConfig
        The settings of training.
    weights : dict of str to Tensor (C,), optional
        The weights of the labels in the loss of each task (`Task.balance`).
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
        self.predictions: list[dict[str, tuple[Tensor, Tensor]]] = []
        self.broken: list[str] = []
        self.random: torch.Generator | None = None
        self.step: tuple[int, Tensor, list[str]] | None = None

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave frozen pretrained weights out of the training state."""
        for name in frozen_names(self.model, self.frozen):
            checkpoint["state_dict"].pop(f"model.{name}")

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the frozen weights of the model to the training state."""
        own = self.model.state_dict()
        for name in frozen_names(self.model, self.frozen):
            checkpoint["state_dict"][f"model.{name}"] = own[name]

    def on_train_epoch_start(self) -> None:
        """Seed random numbers by epoch, so that a resumed run has those of an uninterrupted one.

        The processes differ in their dropout, and share the modality dropout.
        """
        epoch = self.config.seed * 1_000_003 + self.current_epoch
        torch.manual_seed(epoch * 4096 + self.global_rank)
        self.random = torch.Generator().manual_seed(epoch * 4096)

    def loss(self, output: Output, batch: Batch) -> Tensor:
        """Sum the tasks' losses of the fused logits and, weighted, of each modality's logits."""
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
        """Compute the mean margin loss of the fused embedding and of each modality's embedding."""
        persons = self.model.persons
        assert persons is not None
        known = ~targets.isnan().any(dim=1)
        losses = []
        for vectors in (output.embedding, *output.modality_embeddings.values()):
            rows = known & vectors.any(dim=1)
            if rows.any():
                losses.append(margin_loss(persons.cosines(vectors[rows]), targets[rows].argmax(1)))
        return torch.stack(losses).mean() if losses else output.embedding.sum() * 0

    def drop_modalities(self, batch: Batch, size: int | None = None) -> Batch:
        """Apply modality dropout, never to the last modality of an utterance.

        Parameters
        ----------
        batch : Batch
            This process's share.
        size : int, optional
            Number of utterances in all shares; each process draws for all, and uses its own.
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
        """Compute the loss of a batch that the processes share."""
        sizes = gather_sizes(len(batch.ids), self.device)
        if self.config.modality_dropout:
            batch = self.drop_modalities(batch, sum(sizes))
        mixing = None
        if self.config.mixup:
            assert self.random is not None
            mixing = Mixing.draw(len(batch), self.config.mixup, self.device, self.random)
        output, batch = self.model(batch, mixing), self._softened(batch, mixing)
        loss = self.loss(*gather_batch(output, batch, sizes))
        self.step = index + 1, loss, batch.ids
        self.log(
            "train/loss", loss, on_epoch=True, prog_bar=True, batch_size=sum(sizes), sync_dist=True
        )
        return loss

    def _softened(self, batch: Batch, mixing: Mixing | None) -> Batch:
        """Smooth and mix the targets of a batch, as the settings say."""
        targets = dict(batch.targets)
        for task in self.tasks:
            if self.config.label_smoothing:
                targets[task.name] = task.smoothed(targets[task.name], self.config.label_smoothing)
            if mixing is not None:
                targets[task.name] = mixing.mix_targets(targets[task.name])
        return replace(batch, targets=targets)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Stop before a loss or a gradient that is not finite changes the weights."""
        assert self.step is not None
        number, loss, ids = self.step
        where = f"epoch {self.current_epoch + 1}, batch {number}"
        check_step(where, loss, self.parameters(), ids)

    def on_validation_epoch_start(self) -> None:
        """Clear the utterances whose scores were not finite in the epoch before."""
        self.broken = []

    def validation_step(self, batch: Batch, index: int) -> None:
        """Collect the predictions of a batch for `on_validation_epoch_end`."""
        output, sizes = self.model(batch), gather_sizes(len(batch.ids), self.device)
        loss = self.loss(*gather_batch(output, batch, sizes))
        self.log("valid/loss", loss, batch_size=sum(sizes), sync_dist=True)
        if not batch.ids:
            return
        self.predictions.append(
            {
                t.name: (t.scores(output.logits[t.name].float()), batch.targets[t.name])
                for t in self.tasks
            }
        )
        finite = torch.cat(list(output.logits.values()), dim=1).isfinite().all(dim=1)
        self.broken += [name for name, fine in zip(batch.ids, finite, strict=True) if not fine]

    def on_validation_epoch_end(self) -> None:
        """Log the monitored metric of each task, and the mean of tasks with the same metric."""
        predictions = [one for share in gather(self.predictions) for one in share]
        self.broken = [name for share in gather(self.broken) for name in share]
        found: dict[str, dict[str, float]] = {}
        for task in self.tasks:
            scores = torch.cat([one[task.name][0].cpu() for one in predictions])
            targets = torch.cat([one[task.name][1].cpu() for one in predictions])
            found.setdefault(task.monitor.name, {})[task.name] = task.monitored(scores, targets)
        for metric, values in found.items():
            for name, value in values.items() if len(values) > 1 else ():
                self.log(f"valid/{metric}_{name}", value, sync_dist=True)
            mean = sum(values.values()) / len(values)
            self.log(f"valid/{metric}", mean, prog_bar=True, sync_dist=True)
        self.predictions.clear()

    def configure_optimizers(self) -> Any:
        """Build the optimiser, slower for pretrained weights and attention, and its schedule."""
        # at the full rate an attention narrows before the CNN has learnt useful features
        slow = {id(w): d for w, d in self.model.slow_parameters(self.config.text_lr_factor)}
        by_divisor: dict[float, list[torch.nn.Parameter]] = {1.0: []}
        for weight in self.model.parameters():
            if weight.requires_grad:
                by_divisor.setdefault(slow.get(id(weight), 1.0), []).append(weight)
        groups = [{"params": p, "lr": self.config.lr / d} for d, p in by_divisor.items()]
        kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
        optimizer = kinds[self.config.optimizer](
            [group for group in groups if group["params"]], weight_decay=self.config.weight_decay
        )
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _Schedule(self.config, steps))
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


class _Schedule:
    """Factor of the learning rate at a step: linear warm-up, then constant or a half cosine."""

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
