"""A trained model in memory: what it computes for samples, and how it decides."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from threading import Lock

import torch

from mien.batch import Batch
from mien.dataset.collate import collate, stored_references
from mien.devices import choose_device
from mien.errors import MienError
from mien.inference.batching import SegmentOutput
from mien.inference.segments import without
from mien.modality import Modality
from mien.models import MultimodalModel, Output
from mien.runs.run import Run
from mien.task_prediction import TaskPrediction
from mien.tasks import Task
from mien.utterance import Sample


class LoadedModel:
    """The model of a run on a device. Several threads may use one at the same time.

    Parameters
    ----------
    run : Run
        The run folder.
    device : str or torch.device, optional
        Where to compute (default: a GPU if there is one).
    modalities : collection of Modality
        Use only these modalities; the encoders of the others are not loaded.

    Raises
    ------
    MienError
        The run is incomplete, or there is no such device.
    """

    def __init__(
        self,
        run: Run,
        device: str | torch.device | None = None,
        modalities: Collection[Modality] = tuple(Modality),
    ) -> None:
        self.run = run
        self.device = choose_device(device)
        self.model: MultimodalModel = run.model(modalities).to(self.device)
        self.thresholds = {task.name: run.thresholds(task) for task in run.config.tasks}
        self.modalities = [m for m in self.model.config.modalities if m in modalities]
        tokenizer = run.tokenizer() if Modality.TEXT in self.modalities else None
        self.readers = self.model.config.readers(tokenizer)
        self._collating = Lock()

    @torch.inference_mode()
    def forward(self, samples: Sequence[Sample]) -> tuple[Batch, Output]:
        """Compute the model's output for samples; returns the batch of them with it."""
        with self._collating:  # a tokenizer serves one thread at a time
            used = [without(sample, self._unused) for sample in samples]
            batch = collate(used, self.readers)
        encoders = self.model.config.encoders
        referring = [m for m in self.readers if encoders[m].takes_references]
        found = {m: stored_references(used, m) for m in referring}
        given = {m: references for m, references in found.items() if references is not None}
        batch = replace(batch, references=given).to(self.device)
        return batch, self.model(batch)

    def scores(self, output: Output) -> dict[str, torch.Tensor]:
        """Compute the scores (B, C) of each task: probabilities, or numbers.

        Raises
        ------
        MienError
            A logit is not a finite number.
        """
        if not _finite(output).all():
            raise self.not_finite()
        return self._scores(output)

    def _scores(self, output: Output) -> dict[str, torch.Tensor]:
        return {t.name: t.scores(output.logits[t.name]).cpu() for t in self.tasks}

    def not_finite(self) -> MienError:
        """Give the error of scores that are not finite numbers."""
        return MienError(
            f"{self.run.folder}: the model's scores are not finite numbers: copy the run again,"
            " or train again with a lower lr or with clip 1"
        )

    def outputs(self, samples: Sequence[Sample]) -> list[SegmentOutput]:
        """Compute one batch of segments; scores that are not finite are marked, not refused."""
        _, output = self.forward(samples)
        scores = self._scores(output)
        embeddings, finite = output.embedding.cpu(), _finite(output).tolist()
        return [
            SegmentOutput(
                {name: rows[i] for name, rows in scores.items()}, embeddings[i], finite[i]
            )
            for i in range(len(samples))
        ]

    def decide(self, scores: Mapping[str, torch.Tensor]) -> dict[str, TaskPrediction]:
        """Make the prediction for each task from its scores (C,)."""
        return {
            task.name: task.predict(scores[task.name].tolist(), self.thresholds[task.name])
            for task in self.tasks
        }

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks of the model."""
        return self.run.config.tasks

    @property
    def _unused(self) -> set[Modality]:
        return {m for m in Modality if m not in self.modalities}


def _finite(output: Output) -> torch.Tensor:
    """Tell for which utterances (B,) all logits are finite numbers."""
    return torch.stack([rows.isfinite().all(dim=1) for rows in output.logits.values()]).all(dim=0)
