"""Predictions for prepared data, in batches."""

from collections.abc import Iterator

import numpy as np
import torch
from tqdm import tqdm

from mien.batch import Batch
from mien.dataset.store import Store
from mien.modality import parse_modalities
from mien.models import MultimodalModel, Output
from mien.runs.data import examples, loader
from mien.runs.run import Run

Answers = dict[str, tuple[np.ndarray, np.ndarray]]
"""For each task the scores (N, C) and what is right (N, C; NaN rows where unknown)."""


def answer(
    run: Run,
    model: MultimodalModel,
    store: Store,
    rows: list[int],
    *,
    modalities: str = "tav",
    progress: bool = True,
) -> Answers:
    """Run a model over rows of a data set, with only some `modalities` shown to it."""
    tasks = run.config.tasks
    kept: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {task.name: [] for task in tasks}
    for batch, output in outputs_of(run, model, store, rows, modalities, progress):
        for task in tasks:
            scores = task.scores(output.logits[task.name].float()).cpu().numpy()
            kept[task.name].append((scores, batch.targets[task.name].numpy()))
    return {
        name: (np.concatenate([p for p, _ in parts]), np.concatenate([t for _, t in parts]))
        for name, parts in kept.items()
    }


def embed(
    run: Run,
    model: MultimodalModel,
    store: Store,
    rows: list[int],
    *,
    modalities: str = "tav",
    progress: bool = True,
) -> np.ndarray:
    """Give the embeddings (N, E) of rows of a data set, with only some `modalities` shown.

    They have unit length; zeros where a row has none of the modalities.
    """
    outputs = outputs_of(run, model, store, rows, modalities, progress)
    return np.concatenate([output.embedding.float().cpu().numpy() for _, output in outputs])


def outputs_of(
    run: Run, model: MultimodalModel, store: Store, rows: list[int], modalities: str, progress: bool
) -> Iterator[tuple[Batch, Output]]:
    """Yield the batches of rows and what the model computes of them, in order."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device).eval()
    batches = loader(examples(run, store, rows, run.tokenizer()), batch_size=16)
    with torch.inference_mode():
        for batch in tqdm(batches, desc="answering", unit="batch", disable=not progress):
            for hidden in set(run.config.model.modalities) - set(parse_modalities(modalities)):
                batch = batch.without(hidden, torch.ones(len(batch), dtype=torch.bool))
            yield batch, model(batch.to(device))
