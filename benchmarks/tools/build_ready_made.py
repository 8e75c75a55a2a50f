"""Build the ready-made models from trained parts, with their cards and measured metrics.

    mien prepare goemotions google-research/goemotions/data data/goemotions
    mien prepare ravdess RAVDESS data/ravdess
    mien train data/goemotions --config recipes/goemotions-adapters.yaml --out runs/text
    mien cv data/ravdess --config recipes/ready-made-audio.yaml --protocol emobox --folds all \
        --out studies/ready-made-audio
    python benchmarks/tools/build_ready_made.py runs/text studies/ready-made-audio bundles

The folder `bundles` then replaces src/mien/bundles, and the digests in the catalogue of weights
change.

The text part is single-label here: the softmax of its logits, at the temperature that fits the
validation split best. The audio part is the model of the last fold; its temperature is fitted to
what the models of the other folds predict for speakers whom they never heard.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mien.files import write_text
from mien.inference.abstention import Abstention
from mien.inference.evaluate import metrics_of, predict_split
from mien.inference.predictions import Predictions
from mien.inference.predictions_file import PREDICTIONS, read_predictions
from mien.metrics import evaluate_labels
from mien.metrics.temperature import best_probabilities, fit_temperature
from mien.models.pretrained.catalogue import CATALOGUE
from mien.runs.config import WEIGHTS, RunConfig, write_config
from mien.runs.hub import save
from mien.runs.ready_made import BASE, PARTS
from mien.runs.run import Run
from mien.tasks import EmotionTask
from mien.tasks.label_metrics import LabelMetrics
from mien.tensor_file import read_tensors, write_tensors

MAPPING = {"calm": "neutral"}

LARGE = 5_000
"""Numbers from which on a weight is stored in 16 bits."""

MIN_PROBABILITY = {BASE: 0.5, "mien-text": 0.5, "mien-audio-nc": 0.6}
"""Probability from which on each model answers.

That of the audio is higher, because it is too sure of voices unlike those of its training."""

USE = """\
## Limits

* It predicts the label that annotators or actors gave to similar clips. It does not perceive
  feelings. Do not use it to make decisions about people.
* English only. It says "can't tell" where the audio is too noisy or too short, the text is in
  another language, or it is not sure enough (`abstention.json`).
* The pretrained network below it is not part of it: it is loaded by name and digest, and has a
  licence of its own (`mien models`)."""
"""What holds for every card."""


@dataclass(frozen=True)
class Measured:
    """What is single-label in predictions: probabilities and right labels, both (N, C)."""

    labels: tuple[str, ...]
    scores: np.ndarray
    truth: np.ndarray

    @classmethod
    def of(cls, found: Predictions, rows: np.ndarray | None = None) -> "Measured":
        """Take the utterances with one known label, of some rows."""
        (task,) = found.info.tasks
        scores, truth = found.scores[task.name], found.truth[task.name]
        single = found.known(task.name) & (truth.sum(axis=1) == 1)
        single &= True if rows is None else rows
        scores = np.clip(scores[single], 1e-12, 1 - 1e-12)
        odds = scores if task.loss == "ce" else scores / (1 - scores)  # of the softmax of logits
        return cls(task.labels, odds / odds.sum(axis=1, keepdims=True), truth[single])

    @property
    def temperature(self) -> float:
        """The temperature that fits best."""
        return fit_temperature(self.scores, self.truth)

    def table(self, temperature: float) -> str:
        """Write the metrics, at a temperature, as a table."""
        counts = self.truth.sum(axis=0)
        found = evaluate_labels(
            self.scores, self.truth, self.labels, thresholds=None, train_counts=counts
        )
        single = found["singlelabel"]
        right = self.scores.argmax(axis=1) == self.truth.argmax(axis=1)
        error = calibration_error(best_probabilities(self.scores, temperature), right)
        rows = [
            ("utterances", f"{len(self.truth):,}"),
            ("average recall (UA)", f"{single['ua']:.3f}"),
            ("accuracy (WA)", f"{single['wa']:.3f}"),
            ("average F1 (macro)", f"{single['macro_f1']:.3f}"),
            ("expected calibration error", f"{error:.3f}"),
            ("average recall by chance", f"{1 / len(self.labels):.3f}"),
        ]
        lines = [f"| {name} | {value} |" for name, value in rows]
        return "\n".join(["| metric | value |", "|---|---:|", *lines])


def calibration_error(sure: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """Compute the expected calibration error (Guo et al. 2017) over bins of equal width."""
    places = np.minimum((sure * bins).astype(int), bins - 1)
    parts = [places == i for i in range(bins)]
    return float(sum(abs((right[p] - sure[p]).sum()) for p in parts if p.any()) / len(sure))


def halved(weight: torch.Tensor) -> torch.Tensor:
    """Store a large matrix in 16 bits: 11 bits of precision are enough for what was learnt."""
    return weight.half() if weight.numel() > LARGE else weight


def bundle(run: Run, out: Path, temperature: float, card: str) -> None:
    """Copy a run, whose logits are divided by a temperature, with its licence and card."""
    save(run, out)
    (modality,) = run.config.model.modalities
    weights, _ = read_tensors(out / WEIGHTS)
    heads = sorted(name for name in weights if name.startswith(f"heads.emotion.{modality}."))
    for name in heads[-2:]:  # weight and bias of the last layer
        weights[name] = weights[name] / temperature
    write_tensors(out / WEIGHTS, {name: halved(weight) for name, weight in weights.items()})
    labels = run.config.tasks[0].labels
    task = EmotionTask(labels=labels, loss="ce", single_label=True, mapping=MAPPING)
    settings = Run(out).config.model_dump() | {
        "tasks": (task,),
        "licence": CATALOGUE[out.name].licence,
    }
    write_config(out, RunConfig.model_validate(settings))
    for name in ("thresholds.json", "metrics.json", "environment.json"):
        out.joinpath(name).unlink(missing_ok=True)  # of the task and the machine before
    write_text(out / "README.md", card)
    write_text(out / "abstention.json", abstention(out.name).model_dump_json(indent=2))


def abstention(name: str) -> Abstention:
    """Say when a model does not answer; benchmarks/abstention.md has what that brings."""
    least = {"emotion": MIN_PROBABILITY[name]}
    return Abstention(min_snr=3, min_probability=least, languages=("en",))


def text(run: Run, out: Path) -> str:
    """Build the text part, and return its metrics as a table."""
    valid = Measured.of(predict_split(run, split="valid", progress=False))
    tested = predict_split(run, split="test", progress=False)
    test, several = Measured.of(tested), multilabel(tested)
    temperature = valid.temperature
    table = test.table(temperature)
    card = f"""\
# mien-text

Emotion from English text: {", ".join(test.labels)}. Low-rank adapters (rank 16) and a head on
all-MiniLM-L6-v2 (`minilm`).

* **Licence:** Apache-2.0. Of all-MiniLM-L6-v2 below it, whose training data include MS MARCO, see
  `mien models`.
* **Training data:** GoEmotions (Demszky et al. 2020, Apache License 2.0), 43,410 comments from
  Reddit, with the mapping of its authors to Ekman's six emotions and neutral.
* **Calibration:** temperature {temperature:.3f}, fitted on the validation split.

## Metrics

On the comments of the test split with one label, which training has not seen:

{table}

With a threshold for each label, chosen on the validation split, as it was trained (several labels
are possible, all {several.n:,} comments of the test split): average F1 {average_f1(several):.3f}.

{USE}
"""
    bundle(run, out, temperature, card)
    return table


def multilabel(found: Predictions) -> LabelMetrics:
    """Evaluate predictions with a threshold for each label."""
    (task,) = found.info.tasks
    metrics = metrics_of(found).tasks[task.name]
    assert isinstance(metrics, LabelMetrics)
    return metrics


def average_f1(metrics: LabelMetrics) -> float:
    """Return the mean over labels of their F1 at their thresholds."""
    assert metrics.multilabel is not None
    return float(metrics.multilabel.average.f1)


def audio(study: Path, out: Path) -> str:
    """Build the audio part, and return its metrics as a table."""
    found = read_predictions(study / PREDICTIONS)
    folds = np.array([found.info.trainings[o.training].fold for o in found.origins])
    seeds = np.array([found.info.trainings[o.training].seed for o in found.origins])
    last, first = folds.max(), seeds == seeds.min()
    others = Measured.of(found, first & (folds != last))
    temperature = others.temperature
    whole = Measured.of(found, first)
    table = whole.table(temperature)
    run = Run(study / "runs" / f"fold-{last}-seed-{seeds.min()}")
    own = Measured.of(found, first & (folds == last)).table(temperature)
    card = f"""\
# mien-audio-nc

Emotion from the voice: {", ".join(whole.labels)}. A head on the first three layers of Whisper
tiny.en (`whisper-tiny.en`), frozen. It takes other clips of the speaker as references (`mien
predict --references`, `--gallery`).

* **Licence:** CC-BY-NC-SA-4.0, no commercial use: so is RAVDESS, on which it was trained.
* **Training data:** RAVDESS (Livingstone & Russo 2018), speech of 20 of its 24 actors, acted, two
  sentences, North American English; its *calm* counts as neutral.
* **Calibration:** temperature {temperature:.3f}, fitted to what the models of the other folds
  predict for actors whom they never heard.

## Metrics

On the four actors whom this model never heard:

{own}

On all 24 actors, each by a model that never heard them (EmoBox's six folds; the temperature has
seen five of them):

{table}

Feelings that are not acted, other sentences, other microphones and other languages are harder
than these clips.

On voices and rooms unlike those of RAVDESS expect wrong answers.

{USE}
"""
    bundle(run, out, temperature, card)
    return own


def base(out: Path, words: str, voice: str) -> None:
    """Write the model that is joined from both."""
    write_text(out / "joined.json", json.dumps({"parts": PARTS}, indent=2))
    card = f"""\
# {BASE}

Emotion from English text and from the voice, with what a clip has of both: the geometric mean of
the calibrated probabilities of two models. There is no pretrained expression model of faces whose
licence allows its use: video is not used.

| part | licence | commercial use |
|---|---|---|
| mien-text | Apache-2.0 | allowed; of the network below it see `mien models` |
| mien-audio-nc | CC-BY-NC-SA-4.0 | not allowed |

Text and audio of the same clip together have not been measured: there are no such data here that no
part was trained on.

## Text, on GoEmotions

{words}

## Audio, on the four actors of RAVDESS whom it never heard

{voice}

{USE}
"""
    write_text(out / "README.md", card)
    write_text(out / "abstention.json", abstention(out.name).model_dump_json(indent=2))


def main(run: Path, study: Path, out: Path) -> None:
    """Build all bundles."""
    for name in (BASE, *PARTS):
        (out / name).mkdir(parents=True)
    words = text(Run(run), out / "mien-text")
    voice = audio(study, out / "mien-audio-nc")
    base(out / BASE, words, voice)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
