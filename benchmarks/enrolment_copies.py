"""Whether augmented copies at enrolment help to recognise speakers in noise; on 24 actors."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from tqdm import tqdm

from mien.dataset.effect import apply, parse_effect
from mien.errors import MienError
from mien.files import write_text
from mien.metrics.verification.det import equal_error_rate

RAVDESS = Path(__file__).resolve().parents[2] / "shared/data/ravdess"
COPIES = (0, 1, 2, 4, 8)
ENROLLED = ("01", "02", "03", "04", "06")
ASKED = ("01", "02", "05", "07", "08")
"""Emotions of the clips, of normal intensity: sentence 1 is enrolled, sentence 2 is asked for."""

NOISES = ("clean", "white:10", "white:0", "pink:5", "babble:5", "reverberation:0.5", "telephone")


def clips(emotions: tuple[str, ...], sentence: int) -> list[list[np.ndarray]]:
    """Read the waveforms of each actor."""
    named = [
        [RAVDESS / f"03-01-{e}-01-{sentence:02}-01-{actor:02}.flac" for e in emotions]
        for actor in range(1, 25)
    ]
    if not named[0][0].is_file():
        raise MienError(f"this benchmark needs the recordings in {RAVDESS}")
    return [[soundfile.read(path, dtype="int16")[0] for path in paths] for paths in named]


def heard(asked: list[list[np.ndarray]], noise: str) -> Iterator[tuple[int, np.ndarray]]:
    """Degrade the clips of each actor; babble is of three others."""
    random = np.random.default_rng(0)
    for actor, waves in enumerate(asked):
        others = [asked[(actor + step) % len(asked)][0] for step in (5, 11, 17)]
        for wave in waves:
            degraded = noise != "clean"
            yield actor, apply(parse_effect(noise), wave, random, others) if degraded else wave


def error_rate(scores: np.ndarray, truth: np.ndarray) -> float:
    """Compute the equal error rate of scores (Q, P)."""
    target = truth[:, None] == np.arange(scores.shape[1])
    order = np.argsort(-scores.ravel())
    accepted = target.ravel()[order]
    fnmr = 1 - np.append(0, np.cumsum(accepted)) / accepted.sum()
    fmr = np.append(0, np.cumsum(~accepted)) / (~accepted).sum()
    return equal_error_rate(fnmr, fmr)


def measure() -> list[dict[str, Any]]:
    """Enrol all actors with copies, and search for their other clips."""
    try:
        from mien.identity.copies import copies_of
        from mien.identity.resemblyzer import Voiceprint
    except ImportError as error:
        raise MienError("this benchmark needs the pretrained voice encoder") from error
    voice = Voiceprint()
    enrolled = [
        np.stack([[voice(w) for w in (wave, *copies_of(wave, max(COPIES)))] for wave in waves])
        for waves in tqdm(clips(ENROLLED, 1), desc="enrolling", unit="actor")
    ]
    asked, rows = clips(ASKED, 2), []
    for noise in NOISES:
        truth, waves = zip(*heard(asked, noise), strict=True)
        found = np.stack([voice(wave) for wave in tqdm(waves, desc=noise, unit="clip")])
        for count in COPIES:
            means = np.stack([t[:, : count + 1].mean(axis=(0, 1)) for t in enrolled])
            means /= np.linalg.norm(means, axis=1, keepdims=True)
            scores = found @ means.T
            right = float((scores.argmax(axis=1) == np.array(truth)).mean())
            eer = error_rate(scores, np.array(truth))
            rows.append({"noise": noise, "copies": count, "right": right, "eer": eer})
    return rows


def page(rows: list[dict[str, Any]]) -> str:
    """Write the result as a page."""

    def cells(noise: str, what: str) -> str:
        return " | ".join(f"{r[what]:.3f}" for r in rows if r["noise"] == noise)

    lines = "\n".join(f"| {n} | {cells(n, 'right')} | {cells(n, 'eer')} |" for n in NOISES)
    head = " | ".join(f"{what}, {n}" for what in ("right", "EER") for n in COPIES)
    return f"""# Augmented copies at enrolment

RAVDESS, 24 actors; the pretrained voice encoder. Each is enrolled by five clips of the first
sentence, and by 0 to {max(COPIES)} augmented copies of each (`mien enrol --copies N`); five clips
of the second sentence, {24 * len(ASKED)} in all, are searched for, as they are and degraded. Right:
share of the clips whose actor has the highest score. EER: equal error rate of all pairs of a clip
and an actor. The number is that of the copies.

| clip | {head} |
|---|{"---:|" * 2 * len(COPIES)}
{lines}
"""


def main() -> None:
    """Measure, print the table and write it beside this file."""
    rows = measure()
    text = page(rows)
    print(text)
    here = Path(__file__).resolve()
    write_text(here.with_suffix(".json"), json.dumps(rows, indent=1) + "\n")
    write_text(here.with_suffix(".md"), text)


if __name__ == "__main__":
    main()
