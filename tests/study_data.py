"""Synthetic utterances whose words tell the emotion most of the time."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from samples import store

from mien.dataset.store import Store
from mien.utterance import Sample, Utterance

EMOTIONS = ("happy", "sad", "angry")
WORDS = ("how lovely", "so very sad", "go away now")


def spoken(number: int, **fields: Any) -> Utterance:
    """An utterance of one of four speakers; three times out of four its words fit its emotion."""
    random = np.random.default_rng(number)
    emotion, speaker = number % 3, number // 3 % 4
    said = emotion if random.random() < 0.75 else int(random.integers(3))
    own: dict[str, Any] = {
        "id": f"u{number:02}",
        "corpus": "synthetic",
        "person": f"P{speaker}",
        "session": f"S{speaker // 2}",
        "dialogue": f"D{number // 6}",
        "emotions": (EMOTIONS[emotion],),
        "sentiment": float((1.5, -1, -2)[emotion] + random.normal(0, 0.5)),
        "labels": {"valence": 3 - emotion + random.normal(0, 0.5), "arousal": float(emotion)},
        "text": f"{WORDS[said]} {number}",
        "synthetic": True,
    }
    return Utterance(**(own | fields))


def write_study_data(folder: Path, number: int = 48) -> Path:
    """Write utterances of four speakers, of text alone."""
    store(folder, [Sample(utterance=spoken(n)) for n in range(number)])
    return folder


def altered(data: Path, out: Path, change: Any) -> Path:
    """Write a copy of data in which `change` gives each utterance's other fields."""
    samples = list(Store(data))
    store(out, [replace(s, utterance=replace(s.utterance, **change(s.utterance))) for s in samples])
    return out
