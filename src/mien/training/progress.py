"""What training says of its epochs where there is no terminal to draw a bar on."""

import logging
import time
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback

from mien.progress import duration

logger = logging.getLogger(__name__)


class EpochLines(Callback):
    """After each epoch one line: loss, validation, learning rate, and the time it takes."""

    def __init__(self) -> None:
        self.first, self.began, self.epoch_began = 0, 0.0, 0.0

    def on_train_start(self, trainer: L.Trainer, learner: L.LightningModule) -> None:
        """Begin to count epochs: a resumed training can tell the time of its own alone."""
        self.first, self.began = trainer.current_epoch, time.monotonic()

    def on_train_epoch_start(self, trainer: L.Trainer, learner: L.LightningModule) -> None:
        """Begin to take the time."""
        self.epoch_began = time.monotonic()

    def on_train_epoch_end(self, trainer: L.Trainer, learner: L.LightningModule) -> None:
        """Write the line; validation of the epoch has been done by now."""
        if not trainer.is_global_zero:
            return
        now, epoch = time.monotonic(), trainer.current_epoch + 1
        logger.info(
            "epoch %d of %s: %s, lr %.3g, %s%s",
            *(epoch, trainer.max_epochs, figures(trainer.callback_metrics)),
            *(trainer.optimizers[0].param_groups[0]["lr"], duration(now - self.epoch_began)),
            self._left(trainer, now - self.began, epoch),
        )

    def _left(self, trainer: L.Trainer, seconds: float, epoch: int) -> str:
        if trainer.should_stop or trainer.max_epochs is None or epoch >= trainer.max_epochs:
            return ""
        each = seconds / (epoch - self.first)
        return f", at most {duration(each * (trainer.max_epochs - epoch))} left"


def figures(metrics: dict[str, Any]) -> str:
    """Write what was logged of an epoch, without what is of its last step.

    Examples
    --------
    >>> figures({"valid/f1": 0.5, "train/loss_step": 2.0, "train/loss": 1.25})
    'train/loss 1.25, valid/f1 0.5'
    """
    kept = {n: float(v) for n, v in metrics.items() if not n.endswith(("_step", "_epoch"))}
    return ", ".join(f"{name} {value:.4g}" for name, value in sorted(kept.items()))
