"""Lightning callbacks of training."""

import csv
import io
import signal
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback

from mien.files import write_text
from mien.runs.run import Run
from mien.training.checkpoint import STATE
from mien.training.finite import NotFiniteError, check_weights, named
from mien.training.module import Learner, monitored_metric


class CheckpointCallback(Callback):
    """Write the best weights, the log and the training state after each epoch, and stop early.

    With `keep_last` the last weights count as the best, since validation is part of training.

    Lightning's own early stopping compares with a tensor that later epochs overwrite.
    """

    def __init__(self, run: Run, patience: int, *, keep_last: bool = False) -> None:
        self.run, self.patience, self.keep_last = run, patience, keep_last
        self.best, self.best_epoch = float("-inf"), -1

    def state_dict(self) -> dict[str, Any]:
        """Return the state that a resumed run needs."""
        return {"best": self.best, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state that `state_dict` returned."""
        self.best, self.best_epoch = state_dict["best"], state_dict["best_epoch"]

    def on_train_start(self, trainer: L.Trainer, learner: L.LightningModule) -> None:
        """Do not continue a run that had stopped early before it was resumed."""
        if trainer.current_epoch - 1 - self.best_epoch >= self.patience:
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer: L.Trainer, learner: L.LightningModule) -> None:
        """Write the files of the run folder; the validation of the epoch is over by now.

        Raises
        ------
        NotFiniteError
            Validation scores or weights are not finite. Then nothing is written.
        """
        assert isinstance(learner, Learner)
        where = f"epoch {trainer.current_epoch + 1}, validation"
        if learner.broken:
            raise NotFiniteError(f"{where}: scores are not finite; {named(learner.broken)}")
        metric = monitored_metric(trainer.callback_metrics, learner.tasks)
        # NaN is not greater than anything, so it is never the best
        if metric > self.best or self.keep_last:
            check_weights(where, learner.model.state_dict())
            self.best, self.best_epoch = metric, trainer.current_epoch
            if trainer.is_global_zero:
                self.run.write_model(learner.model)
        if trainer.current_epoch - self.best_epoch >= self.patience:
            trainer.should_stop = True
        if trainer.is_global_zero:
            self._log(trainer)
        trainer.save_checkpoint(self.run.folder / STATE)

    def _log(self, trainer: L.Trainer) -> None:
        """Write the epoch's row of log/metrics.csv, replacing one that an interruption left."""
        path = self.run.folder / "log" / "metrics.csv"
        rows = list(csv.DictReader(path.open(encoding="utf-8"))) if path.is_file() else []
        rows = [row for row in rows if int(row["epoch"]) < trainer.current_epoch]
        metrics = {
            n: float(v)
            for n, v in trainer.callback_metrics.items()
            if not n.endswith(("_step", "_epoch"))
        }
        place = {"epoch": trainer.current_epoch, "step": trainer.global_step}
        rows.append(place | dict(sorted(metrics.items())))
        table = io.StringIO()
        writer = csv.DictWriter(table, list(rows[-1]))
        writer.writeheader()
        writer.writerows(rows)
        write_text(path, table.getvalue())


class StopOnSignal(Callback):
    """End one of several processes on SIGTERM in the same way as on Ctrl-C.

    Lightning's own handler starts to communicate with the other processes, whatever they are doing.
    """

    def on_train_start(self, trainer: L.Trainer, learner: L.LightningModule) -> None:
        """Replace the handler that Lightning has set, and which it removes at the end."""
        if trainer.world_size > 1:
            signal.signal(signal.SIGTERM, signal.default_int_handler)
