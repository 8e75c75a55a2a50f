"""How often the 95 % interval of an average recall holds the truth, by number of test speakers.

Synthetic predictions: each speaker has an accuracy of their own, drawn about 0.5 with a standard
deviation between speakers, and 60 utterances of 8 labels. The truth for *these* speakers is their
mean accuracy, which more utterances of them would show; the truth for *others* is 0.5. Two ways are
compared: speakers drawn with all their utterances, and the two stages of
`mien.metrics.bootstrap.interval`.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from mien.files import write_text
from mien.metrics.bootstrap import average_recall, interval, tally

SPEAKERS = (4, 10, 24)
BETWEEN = (0.0, 0.05, 0.1)
UTTERANCES, LABELS, ACCURACY = 60, 8, 0.5
WAYS = ("speakers whole", "two stages")


def predictions(
    speakers: int, between: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, float]:
    """Draw counts (N, 3, C) of predictions, who speaks (N,), and these speakers' mean accuracy."""
    skill = np.clip(random.normal(ACCURACY, between, speakers), 0, 1)
    who = np.repeat(np.arange(speakers), UTTERANCES)
    label = np.tile(np.arange(UTTERANCES) % LABELS, speakers)
    wrong = (label + random.integers(1, LABELS, len(label))) % LABELS
    predicted = np.where(random.random(len(label)) < skill[who], label, wrong)
    one = np.eye(LABELS, dtype=bool)
    return tally(one[label], one[predicted]), who.astype(str), float(skill.mean())


def drawn(way: str, counts: np.ndarray, who: np.ndarray, seed: int) -> tuple[float, float]:
    """Give the ends of an interval."""
    if way == "speakers whole":
        counts = np.stack([counts[who == name].sum(axis=0) for name in np.unique(who)])
    found = interval(counts, average_recall, groups=who if way == "two stages" else None, seed=seed)
    assert found is not None
    return found["low"], found["high"]


def coverage(speakers: int, between: float, draws: int, seed: int = 0) -> list[dict[str, Any]]:
    """Measure, for each way, the half width and the share of intervals that hold each truth."""
    random = np.random.default_rng([seed, speakers, round(1000 * between)])
    held: dict[str, list[tuple[float, bool, bool]]] = {way: [] for way in WAYS}
    for number in range(draws):
        counts, who, mean = predictions(speakers, between, random)
        for way in WAYS:
            low, high = drawn(way, counts, who, number)
            held[way].append(((high - low) / 2, low <= mean <= high, low <= ACCURACY <= high))
    return [
        {"speakers": speakers, "between": between, "way": way, "draws": draws}
        | dict(zip(("half", "these", "others"), np.mean(rows, axis=0).tolist(), strict=True))
        for way, rows in held.items()
    ]


HEADING = """# Coverage of the intervals

`benchmarks/interval_coverage.py`, on synthetic predictions: average recall of 8 labels, 60
utterances a speaker, accuracy 0.5, {draws} draws of a test split in each row. Wanted are 95 % for
these speakers, and for others where there are ten or more.

| speakers | deviation between them | drawn | half width | holds these speakers' truth | others' |
|---:|---:|---|---:|---:|---:|
"""


def table(rows: list[dict[str, Any]]) -> str:
    """Write the result as a page."""
    lines = [
        f"| {row['speakers']} | {row['between']:.2f} | {row['way']} | ±{row['half']:.3f}"
        f" | {row['these']:.1%} | {row['others']:.1%} |"
        for row in rows
    ]
    return HEADING.format(draws=rows[0]["draws"]) + "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print the table and write it beside this file."""
    result = [row for n in SPEAKERS for b in BETWEEN for row in coverage(n, b, draws=400)]
    page, here = table(result), Path(__file__).resolve()
    print(page)
    write_text(here.with_suffix(".json"), json.dumps(result, indent=1) + "\n")
    write_text(here.with_suffix(".md"), page)


if __name__ == "__main__":
    main()
