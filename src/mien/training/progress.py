"""Log messages of the epochs, for output that is not a terminal with a progress bar."""

import logging
import time
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback

from mien.progress import duration

logger = logging.getLogger(__name__)


class EpochLines(Callback):
    """Log one line after each epoch: loss, validation metrics, learning rate, and time."""

    def __init__(self) -> None:
        self.first, self.began, self.epoch_began = 0, 0.0, 0.0

    def on_train_start(self, trainer: L.Trainer, learner: L.LightningModule) -> None:
        """Count epochs from here: only those of this process have a known duration."""
        self.first, self.began = trainer.current_epoch, time.monotonic()

    def on_train_epoch_start(self, trainer: L.Trainer, learner: L.LightningModule) -> None:
        """Start the timer of the epoch."""
        self.epoch_began = time.monotonic()

    def on_train_epoch_end(self, trainer: L.Trainer, learner: L.LightningModule) -> None:
        """Log the line; the validation of the epoch is over by now."""
        if not trainer.is_global_zero:
            return
        now, epoch = time.monotonic(), trainer.current_epoch + 1
        logger.info(
            "epoch %d of %s: %s, lr %.3g, %s%s",
            *(epoch, trainer.max_epochs, format_metrics(trainer.callback_metrics)),
            *(trainer.optimizers[0].param_groups[0]["lr"], duration(now - self.epoch_began)),
            self._left(trainer, now - self.began, epoch),
        )

    def _left(self, trainer: L.Trainer, seconds: float, epoch: int) -> str:
        if trainer.should_stop or trainer.max_epochs is None or epoch >= trainer.max_epochs:
            return ""
        each = seconds / (epoch - self.first)
        return f", at most {duration(each * (trainer.max_epochs - epoch))} left"


def format_metrics(metrics: dict[str, Any]) -> str:
    """Format the metrics of an epoch, without those of its last step.

    Examples
    --------
    >>> format_metrics({"valid/f1": 0.5, "train/loss_step": 2.0, "train/loss": 1.25})
    'train/loss 1.25, valid/f1 0.5'
    """
    kept = {n: float(v) for n, v in metrics.items() if not n.endswith(("_step", "_epoch"))}
    return ", ".join(f"{name} {value:.4g}" for name, value in sorted(kept.items()))
