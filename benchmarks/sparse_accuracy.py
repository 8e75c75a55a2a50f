"""Sparse MME2E against dense on the synthetic corpus: macro F1 of both tasks over three seeds.

The models are small, as the demo's, and are judged on dialogues that no training saw. What is
trained stays in runs/sparse_accuracy; a run that is there is not trained again.
"""

import json
import statistics
from pathlib import Path
from typing import Any

from mien.corpora import CORPORA, synthetic
from mien.dataset.prepare import prepare
from mien.demo import MODEL, TRAINING
from mien.files import write_text
from mien.models import ModelConfig
from mien.training import TrainConfig, train
from mien.training.evaluate import evaluate_run

FOLDER = Path("runs/sparse_accuracy")
SEEDS = (0, 1, 2)
DIALOGUES = 32
EPOCHS = {"emotion": 24, "person": 8}
SETTINGS = TRAINING | {"lr": 1e-3}
MODELS: dict[str, dict[str, Any]] = {
    "dense": {},
    "sparse, p = .5": {"model": "mme2e-sparse", "sparse_threshold": 0.5},
}


def data() -> Path:
    """Generate and prepare the corpus."""
    corpus, prepared = FOLDER / "corpus", FOLDER / "data"
    if not corpus.is_dir():
        synthetic.write(corpus, dialogues=DIALOGUES, turns=12, seed=0)
    prepare(list(CORPORA["synthetic"].read(corpus)), prepared, corpus="synthetic")
    return prepared


def macro_f1(prepared: Path, task: str, model: str, seed: int) -> float:
    """Train a model and judge it on the test part."""
    folder = FOLDER / f"{task}-{'-'.join(model.split()).replace(',', '')}-{seed}"
    if not (folder / "metrics.json").is_file():
        passes = EPOCHS[task]
        config = TrainConfig(task=task, seed=seed, epochs=passes, early_stop=passes, **SETTINGS)
        run = train(prepared, folder, ModelConfig(**MODEL | MODELS[model]), config)
        run.write("metrics.json", evaluate_run(folder, progress=False))
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return metrics["tasks"][task]["singlelabel"]["macro_f1"]


HEADING = f"""# Sparse against dense: accuracy

Macro F1 on the synthetic corpus ({{n}} dialogues a session, models of the demo's size; unseen
dialogues of known persons), training seeds {", ".join(map(str, SEEDS))}. The corpus is the same
for all; figures on synthetic data say nothing of real people.

| task | model | seeds | mean | against dense |
|---|---|---|---:|---:|
"""


def table(result: dict[str, dict[str, list[float]]]) -> str:
    """Write the result as a page."""
    lines = []
    for task, models in result.items():
        dense = statistics.mean(models["dense"])
        for model, figures in models.items():
            mean = statistics.mean(figures)
            seeds = " ".join(f"{figure:.3f}" for figure in figures)
            lines.append(f"| {task} | {model} | {seeds} | {mean:.3f} | {mean - dense:+.3f} |")
    return HEADING.format(n=DIALOGUES) + "\n".join(lines) + "\n"


def main() -> None:
    """Train and judge all, print the table and write it beside this file."""
    prepared = data()
    result = {
        task: {m: [macro_f1(prepared, task, m, seed) for seed in SEEDS] for m in MODELS}
        for task in EPOCHS
    }
    here, page = Path(__file__).resolve(), table(result)
    print(page)
    write_text(here.with_suffix(".json"), json.dumps(result, indent=1) + "\n")
    write_text(here.with_suffix(".md"), page)


if __name__ == "__main__":
    main()
