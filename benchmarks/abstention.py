"""What abstention brings: coverage, and the accuracy of what is answered, in white noise.

    python benchmarks/abstention.py STUDY --out FOLDER

STUDY is a finished study of `mien cv` with folds, of one label an utterance, that kept its run
folders. Its evaluations in noise are written to FOLDER, or taken from there.
"""

import argparse
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

from mien.dataset.degraded import DegradedStore
from mien.dataset.effect import parse_effect
from mien.dataset.store import Store
from mien.errors import MienError
from mien.files import atomic_write, write_text
from mien.inference.abstention import Abstention
from mien.inference.predictions import Predictions
from mien.media.signal_to_noise import signal_to_noise
from mien.metrics.temperature import best_probabilities, fit_temperature
from mien.studies.evaluation import evaluate_study
from mien.studies.study import Study
from mien.tasks import LabelTask

STUDY = Path("studies/abstention")
NOISE = (20, 15, 10, 5, 0)
CONDITIONS = ("clean", *(f"white:{level}" for level in NOISE))
THRESHOLDS = (0.0, 0.4, 0.6, 0.8)
BINS = 10
FEW = 30
"""Answers below which an accuracy says little."""


@dataclass(frozen=True)
class Condition:
    """Predictions in one condition: how sure, whether right, and whether the audio is noisy."""

    probability: np.ndarray
    right: np.ndarray
    noisy: np.ndarray

    def answered(self, least: float, rule: bool) -> dict[str, Any]:
        """Measure what is answered from a probability on, with or without the noise rule."""
        kept = (self.probability >= least) & ~(self.noisy & rule)
        return {
            "coverage": float(kept.mean()),
            "accuracy": float(self.right[kept].mean()) if kept.any() else None,
            "answered": int(kept.sum()),
        }

    def calibration_error(self) -> float:
        """Compute the expected calibration error over ten bins of the probability."""
        bins = np.minimum((self.probability * BINS).astype(int), BINS - 1)
        gaps = [
            abs(self.probability[bins == n].mean() - self.right[bins == n].mean())
            * (bins == n).mean()
            for n in np.unique(bins)
        ]
        return float(sum(gaps))


def task_of(predictions: Predictions) -> LabelTask:
    """Return the task; refuse a study in which one label is not one answer."""
    task = predictions.info.tasks[0]
    if not isinstance(task, LabelTask) or task.loss != "ce":
        raise MienError("this benchmark needs a study of a task with the loss ce")
    return task


def temperatures(clean: Predictions) -> dict[int | None, float]:
    """Fit the temperature of each fold on what the other folds' models predict for their tests."""
    task = task_of(clean)
    scores, truth = clean.scores[task.name], clean.truth[task.name]
    folds = folds_of(clean)
    if len(set(folds)) < 2:
        raise MienError("this benchmark needs a study with two folds or more")
    known = clean.known(task.name)
    return {
        fold: fit_temperature(scores[rows], truth[rows])
        for fold in dict.fromkeys(folds)
        if len(rows := np.flatnonzero(known & np.array([other != fold for other in folds])))
    }


def folds_of(predictions: Predictions) -> list[int | None]:
    """Give the fold of each row."""
    return [predictions.info.trainings[origin.training].fold for origin in predictions.origins]


def condition(
    found: Predictions,
    heat: Mapping[int | None, float],
    ratios: Mapping[str, float],
    min_snr: float,
) -> Condition:
    """Say how sure the predictions are, whether they are right, and which audio is noisy."""
    task = task_of(found)
    scores, truth = found.scores[task.name], found.truth[task.name]
    best = np.zeros(len(found))
    for fold in set(folds_of(found)):
        rows = np.flatnonzero([other == fold for other in folds_of(found)])
        best[rows] = best_probabilities(scores[rows], heat[fold])
    noisy = np.array([ratios[origin.id] < min_snr for origin in found.origins])
    right = truth[np.arange(len(found)), scores.argmax(axis=1)] == 1
    known = found.known(task.name)
    return Condition(best[known], right[known], noisy[known])


def ratios_of(data: Path, name: str) -> dict[str, float]:
    """Estimate the signal-to-noise ratio of all utterances with audio."""
    store = Store(data) if name == "clean" else DegradedStore(data, parse_effect(name))
    bar = tqdm(range(len(store)), desc=f"noise, {name}", unit="clip", disable=None)
    samples = (store[number] for number in bar)
    return {s.utterance.id: signal_to_noise(s.waveform) for s in samples if s.waveform is not None}


def measure(study: Path, out: Path, data: Path | None, min_snr: float) -> dict[str, Any]:
    """Evaluate the study in noise, and measure what is answered at each threshold."""
    source = Study(study)
    clean = source.predictions()
    heat = temperatures(clean)
    place = data or Path(source.config.data)
    found: dict[str, Condition] = {}
    plain: dict[str, float] = {}
    for name in CONDITIONS:
        predictions = clean
        if name != "clean":
            folder = out / name.replace(":", "-")
            evaluate_study(study, folder, data=place, degrade=name)
            predictions = Study(folder).predictions()
        ratios = ratios_of(place, name)
        found[name] = condition(predictions, heat, ratios, min_snr)
        uncalibrated = condition(predictions, dict.fromkeys(heat, 1.0), ratios, min_snr)
        plain[name] = uncalibrated.calibration_error()
    return {
        "data": clean.info.data,
        "protocol": clean.info.protocol,
        "utterances": len({origin.id for origin in clean.origins}),
        "speakers": len({origin.speaker for origin in clean.origins}),
        "labels": len(task_of(clean).labels),
        "seeds": len(clean.info.seeds),
        "folds": len(heat),
        "min_snr": min_snr,
        "temperatures": {str(fold): value for fold, value in heat.items()},
        "calibration error": {
            name: {"scores": plain[name], "probabilities": one.calibration_error()}
            for name, one in found.items()
        },
        "conditions": {name: rows(one) for name, one in found.items()},
        "together": rows(together(list(found.values()))),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
    }


def together(parts: Sequence[Condition]) -> Condition:
    """Put conditions one below the other."""
    return Condition(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("probability", "right", "noisy")
        )
    )


def rows(one: Condition) -> list[dict[str, Any]]:
    """Measure all thresholds, alone and with the noise rule."""
    return [
        {"threshold": least, "noise rule": rule, **one.answered(least, rule)}
        for rule in (False, True)
        for least in THRESHOLDS
    ]


def rises(found: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether the accuracy of what is answered rises with the threshold, where it counts."""
    return all(
        later["accuracy"] >= earlier["accuracy"]
        for rule in (False, True)
        for earlier, later in zip(*(shifted(found, rule, n) for n in (0, 1)), strict=False)
        if later["answered"] >= FEW
    )


def shifted(found: Sequence[Mapping[str, Any]], rule: bool, by: int) -> list[Mapping[str, Any]]:
    """Keep the thresholds with or without the noise rule, from one of them on."""
    return [row for row in found if row["noise rule"] is rule][by:]


def title(name: str) -> str:
    """Name a condition in words."""
    return "clean" if name == "clean" else f"{name.partition(':')[2]} dB"


def cell(row: Mapping[str, Any]) -> str:
    """Write accuracy and coverage."""
    accuracy = row["accuracy"]
    if accuracy is None:
        return "– (0 %)"
    few = "*" if row["answered"] < FEW else ""
    return f"{accuracy:.1%}{few} ({row['coverage']:.0%})"


def table(found: Mapping[str, Any], rule: bool) -> str:
    """Write a row for each condition, a column for each threshold."""
    heads = ["always", *(f"from {least:g}" for least in THRESHOLDS[1:])]
    lines = [f"| white noise | {' | '.join(heads)} |", "|---|" + "---:|" * len(heads)]
    named = {title(name): one for name, one in found["conditions"].items()}
    for name, one in (named | {"all together": found["together"]}).items():
        cells = [cell(row) for row in one if row["noise rule"] is rule]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def page(found: Mapping[str, Any]) -> str:
    """Write the result as a page."""
    heat = found["temperatures"].values()
    every = [*found["conditions"].values(), found["together"]]
    verdict = "rises" if all(map(rises, every)) else "does not rise"
    errors = "\n".join(
        f"| {title(name)} | {one['scores']:.3f} | {one['probabilities']:.3f} |"
        for name, one in found["calibration error"].items()
    )
    return f"""# What abstention brings

A study on {Path(found["data"]).name}, {found["protocol"]}: {found["utterances"]} utterances of
{found["speakers"]} speakers, {found["labels"]} labels, {found["folds"]} folds, seeds:
{found["seeds"]}. Each model is tested on what its fold tests, clean and with white noise. The share
of right answers among those given; in brackets the share of utterances that are answered.
{"" if verdict == "rises" else "NOT "}In every row it rises with the threshold, as far as {FEW}
utterances or more are answered; `*` marks fewer.

## By the probability alone

{table(found, rule=False)}

## With the noise rule

Audio with an estimated signal-to-noise ratio below {found["min_snr"]:g} dB is not answered.

{table(found, rule=True)}

![coverage and accuracy](abstention.png)

## The probabilities

The scores are divided by a temperature, {min(heat):.2f} to {max(heat):.2f}. A fold's is fitted on
the clean test predictions of the other folds' models, since what a fold holds out besides its test
may have trained its model: no utterance is calibrated by itself, and none of the noise was seen.
Expected calibration error, {BINS} bins:

| white noise | scores | probabilities |
|---|---:|---:|
{errors}
"""


def plot(found: Mapping[str, Any], out: Path) -> None:
    """Draw accuracy and coverage over the noise, a line for each threshold."""
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    names = list(found["conditions"])
    colours = ("#9aa5b1", "#8fb3d9", "#3b6ea5", "#1f2933")
    for axes, what in zip(figure.subplots(1, 2), ("accuracy", "coverage"), strict=True):
        for place, least in enumerate(THRESHOLDS):
            for rule, style in ((False, "o-"), (True, "s:")):
                values = [
                    np.nan if row[what] is None or row["answered"] < FEW * (what == "accuracy")
                    else row[what]
                    for name in names
                    for row in found["conditions"][name]
                    if row["threshold"] == least and row["noise rule"] is rule
                ]  # fmt: skip
                label = f"probability from {least:g}" if least else "always"
                axes.plot(
                    range(len(names)),
                    values,
                    style,
                    color=colours[place],
                    ms=8 if rule else 5,
                    mfc="none" if rule else None,
                    label=None if rule else label,
                )
        axes.set_xticks(range(len(names)), [title(name) for name in names])
        axes.set(xlabel="white noise", ylim=(0, 1.03))
        axes.set_title(
            "right, of what is answered" if what == "accuracy" else "answered", loc="left"
        )
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e4e7eb")
    axes.plot(
        [], [], "ks:", ms=8, mfc="none", label=f"and at least {found['min_snr']:g} dB, as measured"
    )
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    with atomic_write(out) as temporary:
        figure.savefig(temporary, dpi=110, format="png")


def main() -> None:
    """Measure, print the page and write it beside this file, or where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("study", nargs="?", type=Path, default=STUDY, help="a finished study")
    parser.add_argument("--out", type=Path, help="folder of its evaluations in noise")
    parser.add_argument("--data", type=Path, help="the present folder of its data")
    parser.add_argument(
        "--min-snr", type=float, default=Abstention().min_snr, help="of the noise rule, dB"
    )
    here = Path(__file__).resolve()
    parser.add_argument("--page", type=Path, default=here.with_suffix(".md"), help="the page")
    args = parser.parse_args()
    if not args.study.is_dir():
        raise MienError(f"no study {args.study}: name one, which mien cv made")
    out = args.out or args.study.with_name(f"{args.study.name}-noise")
    found = measure(args.study, out, args.data, args.min_snr)
    text = page(found)
    print(text)
    write_text(args.page.with_suffix(".json"), json.dumps(found, indent=1) + "\n")
    write_text(args.page, text)
    plot(found, args.page.with_suffix(".png"))


if __name__ == "__main__":
    main()
