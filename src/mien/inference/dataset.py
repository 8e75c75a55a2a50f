"""Predictions for prepared data, in batches."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from mien.batch import Batch
from mien.dataset.references import NO_REFERENCES, ReferenceChoice
from mien.dataset.store import Store
from mien.devices import choose_device
from mien.inference import BATCH_SIZE, checked_batch_size
from mien.modality import parse_modalities
from mien.models import MultimodalModel, Output
from mien.progress import follow
from mien.runs.data import examples, loader
from mien.runs.run import Run

Device = str | torch.device | None
"""Where to compute (None: a GPU if there is one)."""

Scored = dict[str, tuple[np.ndarray, np.ndarray]]
"""For each task the scores (N, C) and the truth (N, C; rows of NaN where it is not known)."""


def predict(
    run: Run,
    model: MultimodalModel,
    store: Store,
    rows: list[int],
    *,
    modalities: str = "tav",
    progress: bool = True,
    device: Device = None,
    batch_size: int = BATCH_SIZE,
    references: ReferenceChoice = NO_REFERENCES,
    pool: Sequence[int] | None = None,
) -> Scored:
    """Predict rows of a data set from some of the modalities.

    `references` of each are chosen from the rows of `pool`, for a model that takes any.
    """
    tasks = run.config.tasks
    kept: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {task.name: [] for task in tasks}
    batches = outputs_of(
        run,
        model,
        store,
        rows,
        modalities,
        progress=progress,
        device=device,
        batch_size=batch_size,
        references=references,
        pool=pool,
    )
    for batch, output in batches:
        for task in tasks:
            scores = task.scores(output.logits[task.name].float()).cpu().numpy()
            kept[task.name].append((scores, batch.targets[task.name].numpy()))
    return {
        name: (np.concatenate([s for s, _ in blocks]), np.concatenate([t for _, t in blocks]))
        for name, blocks in kept.items()
    }


def embed(
    run: Run,
    model: MultimodalModel,
    store: Store,
    rows: list[int],
    *,
    modalities: str = "tav",
    progress: bool = True,
    device: Device = None,
    batch_size: int = BATCH_SIZE,
) -> np.ndarray:
    """Compute the embeddings (N, E) of rows of a data set, from some of the modalities.

    They have unit length; a row that has none of the modalities gets zeros.
    """
    outputs = outputs_of(
        run, model, store, rows, modalities, progress=progress, device=device, batch_size=batch_size
    )
    return np.concatenate([output.embedding.float().cpu().numpy() for _, output in outputs])


def outputs_of(
    run: Run,
    model: MultimodalModel,
    store: Store,
    rows: list[int],
    modalities: str,
    *,
    progress: bool = True,
    device: Device = None,
    batch_size: int = BATCH_SIZE,
    references: ReferenceChoice = NO_REFERENCES,
    pool: Sequence[int] | None = None,
) -> Iterator[tuple[Batch, Output]]:
    """Yield the batches of rows with the model's output for each, in order."""
    place, size = choose_device(device), checked_batch_size(batch_size)
    model = model.to(place).eval()
    data = examples(run, store, rows, run.tokenizer(), references=references, pool=pool)
    batches = loader(data, batch_size=size)
    with torch.inference_mode():
        for batch in follow(batches, "predicting", "batches", shown=progress):
            for unused in set(run.config.model.modalities) - set(parse_modalities(modalities)):
                batch = batch.without(unused, torch.ones(len(batch), dtype=torch.bool))
            yield batch, model(batch.to(place))
