"""Sparse MME2E against dense on the synthetic corpus: macro F1 of both tasks over three seeds.

The models are small, as the demo's, and are evaluated on a second corpus: the same persons in
dialogues that no training and no choice of the design has used. What is generated and trained
stays in runs/sparse_accuracy; a run that is there is not trained again.
"""

import json
import statistics
from pathlib import Path
from typing import Any

from mien.corpora import CORPORA
from mien.corpora.synthetic import generate
from mien.dataset.prepare import prepare
from mien.demo import MODEL, TRAINING
from mien.files import write_text
from mien.inference.evaluate import evaluate
from mien.models import preset
from mien.training import TrainConfig, train

FOLDER = Path("runs/sparse_accuracy")
SEEDS = (0, 1, 2)
DIALOGUES = 32
EPOCHS = {"emotion": 24, "person": 8}
SETTINGS = TRAINING | {"lr": 1e-3}
INPUTS = {"emotion": ("tav", "v", "a"), "person": ("tav",)}
NAMES = {"tav": "all", "v": "video alone", "a": "audio alone"}
MODELS: dict[str, dict[str, Any]] = {
    "dense": {},
    "sparse, p = .5": {"name": "mme2e-sparse", "sparse_threshold": 0.5},
}


def corpus(name: str, seed: int) -> Path:
    """Generate and prepare a corpus; the persons are the same with each seed."""
    folder, prepared = FOLDER / f"{name}-corpus", FOLDER / name
    if not folder.is_dir():
        generate.write(folder, dialogues=DIALOGUES, turns=12, seed=seed)
    prepare(list(CORPORA["synthetic"].read(folder)), prepared, corpus="synthetic")
    return prepared


def trained(data: Path, task: str, model: str, seed: int) -> Path:
    """Train a model."""
    folder = FOLDER / f"{task}-{'-'.join(model.split()).replace(',', '')}-{seed}"
    if not (folder / "metrics.json").is_file():
        passes = EPOCHS[task]
        config = TrainConfig(task=task, seed=seed, epochs=passes, early_stop=passes, **SETTINGS)
        run = train(data, folder, preset(**MODEL | MODELS[model]), config)
        run.write("metrics.json", evaluate(folder, progress=False).model_dump(mode="json"))
    return folder


def measured(folder: Path, data: Path, task: str, modalities: str) -> dict[str, Any]:
    """Evaluate a trained model on these modalities alone."""
    metrics = evaluate(
        folder, data=data, split="all", modalities=modalities, progress=False
    ).model_dump()
    return metrics["tasks"][task]


def compare(runs: dict[str, list[Path]], data: Path, task: str, modalities: str) -> dict[str, Any]:
    """Evaluate all models of a task on the same modalities."""
    blocks = {m: [measured(run, data, task, modalities) for run in own] for m, own in runs.items()}
    return {
        "task": task,
        "input": modalities,
        "utterances": blocks["dense"][0]["n"],
        "macro_f1": {m: [b["singlelabel"]["macro_f1"] for b in own] for m, own in blocks.items()},
    }


HEADING = f"""# Sparse against dense: accuracy

Macro F1 on synthetic recordings, training seeds {", ".join(map(str, SEEDS))}: models of the
demo's size, trained on one corpus ({DIALOGUES} dialogues a session) and evaluated on all labelled
utterances of another, in which the same persons have other dialogues. Metrics on synthetic data say
nothing of real people.

| task | input | utterances | model | seeds | mean | against dense |
|---|---|---:|---|---|---:|---:|
"""


def table(rows: list[dict[str, Any]]) -> str:
    """Write the result as a page."""
    lines = []
    for row in rows:
        what = f"| {row['task']} | {NAMES[row['input']]} | {row['utterances']} |"
        dense = statistics.mean(row["macro_f1"]["dense"])
        for model, values in row["macro_f1"].items():
            mean = statistics.mean(values)
            seeds = " ".join(f"{value:.3f}" for value in values)
            lines.append(f"{what} {model} | {seeds} | {mean:.3f} | {mean - dense:+.3f} |")
    return HEADING + "\n".join(lines) + "\n"


def measure() -> list[dict[str, Any]]:
    """Train and evaluate all models."""
    learnt, other = corpus("data", seed=0), corpus("other", seed=1)
    rows = []
    for task, views in INPUTS.items():
        runs = {m: [trained(learnt, task, m, seed) for seed in SEEDS] for m in MODELS}
        rows += [compare(runs, other, task, modalities) for modalities in views]
    return rows


def main() -> None:
    """Measure, print the table and write it beside this file."""
    result, here = measure(), Path(__file__).resolve()
    page = table(result)
    print(page)
    write_text(here.with_suffix(".json"), json.dumps(result, indent=1) + "\n")
    write_text(here.with_suffix(".md"), page)


if __name__ == "__main__":
    main()
