"""The demo, on a synthetic corpus: generate, prepare, train, evaluate, predict."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from mien.corpora import CORPORA
from mien.corpora.synthetic import generate
from mien.dataset.prepare import prepare
from mien.dataset.splits import split
from mien.dataset.store import Store
from mien.errors import MienError
from mien.files import write_text
from mien.inference.evaluate import evaluate
from mien.inference.metrics import Metrics
from mien.inference.recognizer import Recognizer
from mien.media.faces import PUBLISHED_FACE_SIZE
from mien.models import preset
from mien.models.presets import places_of, plain
from mien.report.plots import save
from mien.report.run_report import write_report
from mien.training import TrainConfig, train
from mien.training.unread import drop_unread

MODALITIES = {"tav": "text + audio + video", "t": "text", "a": "audio", "v": "video"}

MODEL: dict[str, Any] = {
    "text_freeze": True,
    "width": 0.125,
    "temporal_layers": 2,
    "temporal_feedforward": 256,
    "positions": True,
}
"""A small model, so that the demo trains eight of them in minutes on two cores."""

EPOCHS = {"emotion": 14, "person": 5}
"""Passes over the training split; speakers are learnt sooner than emotions."""

TRAINING: dict[str, Any] = {
    "protocol": "dialogues",
    "loss": "ce",
    "modality_loss": 1.0,
    "batch_size": 16,
    "lr": 2e-3,
    "schedule": "cosine",
    "warmup": 0.05,
    "optimizer": "adamw",
}


def demo(
    out: Path,
    *,
    seed: int = 0,
    dialogues: int = 10,
    turns: int = 12,
    epochs: Mapping[str, int] = EPOCHS,
    device: str | None = None,
) -> dict[str, Any]:
    """Do everything mien does with a small synthetic corpus, and print each step.

    For each task, emotion and person, one model is trained on text, audio and video, and three on
    one of these alone. All are evaluated on dialogues that are not in training.

    Parameters
    ----------
    out : Path
        A new folder, for ``corpus``, ``data``, ``results.png``, ``emotion-tav`` and the other runs.
    seed : int
        Of the corpus and of training.
    dialogues, turns : int
        Dialogues a session, and turns a dialogue.
    epochs : mapping of str to int
        For each task the passes over the training split.
    device : str, optional
        Where to compute (default: a GPU if there is one).

    Returns
    -------
    dict
        For each task the metric of each set of modalities and of chance; also in summary.json.

    Raises
    ------
    MienError
        The folder exists and is not empty.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise MienError(
            f"{out} exists and is not empty: delete it or choose another", parameter="out"
        )
    began = time.monotonic()
    _step("generating a synthetic corpus in IEMOCAP's layout", began)
    generate.write(out / "corpus", dialogues=dialogues, turns=turns, seed=seed)
    _step("preparing it: faces, audio, text", began)
    items = list(CORPORA["synthetic"].read(out / "corpus"))
    print(prepare(items, out / "data", corpus="synthetic", face_size=PUBLISHED_FACE_SIZE))
    metrics: dict[str, dict[str, Metrics]] = {}
    for task, passes in epochs.items():
        metrics[task] = {}
        for modalities, name in MODALITIES.items():
            _step(f"{task}: training and evaluating a model of {name}", began)
            config = TrainConfig(task=task, seed=seed, epochs=passes, early_stop=passes, **TRAINING)
            folder = out / f"{task}-{modalities}"
            metrics[task][modalities] = _train_and_evaluate(
                out / "data", folder, modalities, config, device
            )
        write_report(out / f"{task}-tav")
    _step("predicting a clip that is not in training", began)
    _predict_one(out, list(epochs), device)
    summary = _summary(metrics)
    write_text(out / "summary.json", json.dumps(summary, indent=2, allow_nan=False))
    _draw(summary, out / "results.png")
    print(_table(summary))
    print(f"\nplot {out / 'results.png'}; run folders {out}/TASK-MODALITIES, each with its report")
    print(f"all of it took {(time.monotonic() - began) / 60:.1f} minutes")
    return summary


def _step(what: str, began: float) -> None:
    print(f"\n[{time.monotonic() - began:4.0f} s] {what}", flush=True)


def _train_and_evaluate(
    data: Path, folder: Path, modalities: str, config: TrainConfig, device: str | None
) -> Metrics:
    own = {n: v for n, v in MODEL.items() if places_of(plain("mme2e", modalities), n)}
    model, config, _ = drop_unread(preset(modalities=modalities, **own), config)
    run = train(data, folder, model, config, device=device)
    metrics = evaluate(folder, progress=False, device=device)
    run.write("metrics.json", metrics.model_dump(mode="json"))
    return metrics


def _predict_one(out: Path, tasks: list[str], device: str | None) -> None:
    """Predict a test utterance from its prepared media, and print the truth."""
    store = Store(out / "data")
    sample = store[split(store.utterances, TRAINING["protocol"]).test[0]]
    for task in tasks:
        prediction = Recognizer.from_pretrained(out / f"{task}-tav", device=device)(sample)
        write_text(out / f"{task}-prediction.json", prediction.model_dump_json(indent=2))
        print(prediction.table())
    truth = sample.utterance
    print(f"  in truth: {', '.join(truth.emotions or ())}, {truth.person}: “{truth.text}”")


def _summary(metrics: dict[str, dict[str, Metrics]]) -> dict[str, Any]:
    """Collect the metric of each task and set of modalities, and of the constant baseline."""
    summary: dict[str, Any] = {"synthetic": True, "tasks": {}}
    for task, by_modality in metrics.items():
        blocks = {m: found.tasks[task].model_dump() for m, found in by_modality.items()}
        rows = {m: block["singlelabel"]["ua"] for m, block in blocks.items()}
        chance = blocks["tav"]["baselines"]["most_frequent"]["ua"]
        best = max(value for m, value in rows.items() if m != "tav")
        summary["tasks"][task] = {
            "figure": "average recall (UA)",
            "n": blocks["tav"]["n"],
            "ua": rows,
            "chance": chance,
            "interval": blocks["tav"]["intervals"]["ua"],
            "margin_over_best_single": rows["tav"] - best,
            "margin_over_chance": rows["tav"] - chance,
        }
    return summary


def _table(summary: dict[str, Any]) -> str:
    lines = ["\nsynthetic data, unseen dialogues of known speakers: average recall (UA)"]
    tasks = summary["tasks"]
    lines.append(f"  {'':<22}" + "".join(f"{task:>10}" for task in tasks))
    for modalities, name in MODALITIES.items():
        row = "".join(f"{tasks[task]['ua'][modalities]:>10.3f}" for task in tasks)
        lines.append(f"  {name:<22}{row}")
    for key, name in (
        ("chance", "most frequent label"),
        ("margin_over_best_single", "all above best single"),
        ("margin_over_chance", "all above chance"),
    ):
        lines.append(f"  {name:<22}" + "".join(f"{tasks[task][key]:>10.3f}" for task in tasks))
    return "\n".join(lines)


def _draw(summary: dict[str, Any], out: Path) -> None:
    """Plot the metric of each set of modalities beside chance."""
    tasks = summary["tasks"]
    figure = Figure(figsize=(5.2 * len(tasks), 3.6), layout="constrained")
    axes = figure.subplots(1, len(tasks), squeeze=False)
    colours = ["#3b6ea5", "#8fb3d9", "#8fb3d9", "#8fb3d9"]
    for axis, (task, block) in zip(axes[0], tasks.items(), strict=True):
        names = list(MODALITIES.values())
        bars = axis.barh(names, [block["ua"][m] for m in MODALITIES], color=colours)
        axis.bar_label(bars, fmt="%.2f", padding=3)
        axis.axvline(block["chance"], color="black", linewidth=1, linestyle=":")
        axis.text(block["chance"] + 0.01, -0.6, "chance", fontsize=8, va="center")
        axis.set(xlim=(0, 1.08), title=f"{task}, {block['n']} utterances", xlabel=block["figure"])
        axis.set_ylim(len(MODALITIES) - 0.5, -0.8)
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle("Synthetic data: unseen dialogues of known speakers", fontsize=12)
    save(figure, out)
