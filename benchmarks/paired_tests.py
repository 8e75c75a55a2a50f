"""Coverage of intervals and level of tests that compare two systems on the same utterances.

Synthetic predictions: each speaker is easier or harder for both systems, and has a difference
between them of their own. The null hypothesis is that this difference is 0 on average over the
population of speakers. See `mien.metrics.paired`.
"""

import json
import os
import platform
import runpy
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binom

from mien.files import write_text
from mien.metrics.bootstrap import average_recall, interval, tally
from mien.metrics.paired import difference, mcnemar, permutation_test

SPEAKERS = (4, 10, 24)
DEVIATIONS = (0.0, 0.1, 0.2)
SHIFTS = (0.0, 0.1)
UTTERANCES, LABELS = 60, 4
ACCURACY, BETWEEN = 0.6, 0.1
ALIKE = 0.5
"""Share of the utterances on which luck is the same for both systems."""


class Predictions(NamedTuple):
    """Two systems' predictions for one test split."""

    counts: tuple[np.ndarray, np.ndarray]
    correct: tuple[np.ndarray, np.ndarray]
    speakers: np.ndarray
    accuracies: np.ndarray
    """Mean over these speakers of what A and B would reach with more utterances of them, (2,)."""


class Outcome(NamedTuple):
    """What the intervals of one test split hold, and which tests reject the null hypothesis.

    "These" is the truth of these speakers, "others" that of the population.
    """

    interval_these: bool
    interval_others: bool
    difference_these: bool
    difference_others: bool
    permutation: bool
    mcnemar: bool
    interval_excludes_0: bool


def predictions(
    speakers: int, deviation: float, shift: float, random: np.random.Generator
) -> Predictions:
    """Draw predictions of systems whose difference varies with the speaker around a shift."""
    ease = random.normal(ACCURACY, BETWEEN, speakers)
    gap = random.normal(shift, deviation, speakers)
    accuracy = np.clip([ease + gap / 2, ease - gap / 2], 0, 1)
    who = np.repeat(np.arange(speakers), UTTERANCES)
    label = np.tile(np.arange(UTTERANCES) % LABELS, speakers)
    luck = random.random((2, len(who)))
    luck[1] = np.where(random.random(len(who)) < ALIKE, *luck)
    correct = luck < accuracy[:, who]
    predicted = np.where(correct, label, (label + 1) % LABELS)
    one = np.eye(LABELS, dtype=bool)
    a, b = (tally(one[label], one[system]) for system in predicted)
    return Predictions((a, b), (correct[0], correct[1]), who.astype(str), accuracy.mean(axis=1))


def outcome(drawn: Predictions, shift: float, resamples: int, seed: int) -> Outcome:
    """Evaluate one test split."""
    how: dict[str, Any] = {"speakers": drawn.speakers, "resamples": resamples, "seed": seed}
    gap = difference(*drawn.counts, average_recall, **how)
    test = permutation_test(*drawn.counts, average_recall, **how)
    alone = interval(
        drawn.counts[0], average_recall, groups=drawn.speakers, resamples=resamples, seed=seed
    )
    assert gap is not None
    assert test is not None
    assert alone is not None
    own, other = drawn.accuracies
    return Outcome(
        alone["low"] <= own <= alone["high"],
        alone["low"] <= ACCURACY + shift / 2 <= alone["high"],
        gap.low <= own - other <= gap.high,
        gap.low <= shift <= gap.high,
        test.p <= 0.05,
        mcnemar(*drawn.correct).p <= 0.05,
        not gap.low <= 0 <= gap.high,
    )


def rates(
    speakers: int, deviation: float, shift: float, draws: int, resamples: int = 1000
) -> dict[str, Any]:
    """Measure how often each outcome occurs."""
    random = np.random.default_rng([speakers, round(1000 * deviation), round(1000 * shift)])
    found = [
        outcome(predictions(speakers, deviation, shift, random), shift, resamples, seed)
        for seed in range(draws)
    ]
    about = {"speakers": speakers, "deviation": deviation, "shift": shift, "draws": draws}
    means = np.mean(found, axis=0).tolist()
    return about | dict(zip(Outcome._fields, means, strict=True))


HEADING = f"""# Intervals and tests that compare two systems

`benchmarks/paired_tests.py`, on synthetic predictions: average recall of {LABELS} labels,
{UTTERANCES} utterances a speaker, accuracy {ACCURACY} with a standard deviation of {BETWEEN}
between speakers. Each speaker has a difference between the systems of their own, with the standard
deviation that the tables give. {{draws}} draws of a test split in each row. In **bold**: errors are
more than 5 %, by more than chance explains (binomial test, p < 0.001).

{{machine}}, load {{load:.1f}} before the run, which took {{minutes:.0f}} minutes.

"""

COVERAGE = """## Coverage of the 95 % intervals

How often the interval of A's average recall (`interval`), and of the difference of A and B
(`difference`), holds the truth of these speakers, and that of the population. The systems are
equally good on average over the population.

| speakers | deviation | A: these | A: population | difference: these | difference: population |
|---:|---:|---:|---:|---:|---:|
"""

REJECTIONS = """
## Rejections at 0.05

How often each method finds one system better: first where neither is on average over the
population, which should be in 5 % at most, then where A is better by {shift:.2f}. The permutation
test exchanges whole speakers.

| speakers | deviation | permutation | McNemar | interval excludes 0 \
| A better: permutation | A better: McNemar | A better: interval excludes 0 |
|---:|---:|---:|---:|---:|---:|---:|---:|
"""

HELD = ("interval_these", "interval_others", "difference_these", "difference_others")
TESTS = ("permutation", "mcnemar", "interval_excludes_0")


def beyond_chance(errors: float, draws: int) -> bool:
    """Tell whether a share of errors is above 5 % by more than chance explains."""
    return bool(binom.sf(round(errors * draws) - 1, draws, 0.05) < 0.001)


def cell(rate: float, errors: float, draws: int) -> str:
    """Write a rate, in bold where its errors are too many."""
    return f"**{rate:.1%}**" if beyond_chance(errors, draws) else f"{rate:.1%}"


def page(result: dict[str, Any]) -> str:
    """Write the result as a page."""
    rows = result["rows"]
    parts = [HEADING.format(draws=rows[0]["draws"], **result), COVERAGE]
    equal, better = ([row for row in rows if row["shift"] == shift] for shift in SHIFTS)
    for row in equal:
        cells = [cell(row[name], 1 - row[name], row["draws"]) for name in HELD]
        parts.append(line(row, cells))
    parts.append(REJECTIONS.format(shift=SHIFTS[1]))
    for row, other in zip(equal, better, strict=True):
        cells = [cell(row[name], row[name], row["draws"]) for name in TESTS]
        parts.append(line(row, cells + [f"{other[name]:.1%}" for name in TESTS]))
    return "".join(parts)


def line(row: dict[str, Any], cells: list[str]) -> str:
    """Write a line of a table."""
    return f"| {row['speakers']} | {row['deviation']:.1f} | " + " | ".join(cells) + " |\n"


def main() -> None:
    """Measure, print the tables and write them beside this file."""
    here = Path(__file__).resolve()
    processor = runpy.run_path(str(here.with_name("cold_start.py")))["processor"]
    load, start = os.getloadavg()[0], time.monotonic()
    rows = [
        rates(speakers, deviation, shift, draws=1000)
        for shift in SHIFTS
        for speakers in SPEAKERS
        for deviation in DEVIATIONS
    ]
    machine = f"{processor()}, Python {platform.python_version()}"
    minutes = (time.monotonic() - start) / 60
    result = {"machine": machine, "load": load, "minutes": minutes, "rows": rows}
    print(page(result))
    write_text(here.with_suffix(".json"), json.dumps(result, indent=1) + "\n")
    write_text(here.with_suffix(".md"), page(result))


if __name__ == "__main__":
    main()
