"""How to score a person by their templates: the nearest, or all; on voices of 24 actors."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from tqdm import tqdm

from mien.errors import MienError
from mien.files import write_text

RAVDESS = Path(__file__).resolve().parents[2] / "shared/data/ravdess"
NEUTRAL = 1
ENROLLED, DRAWS, FPIR = 16, 40, 0.1
WAYS = ("nearest", "mean cosine", "mean template")


def recordings() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embed all clips: embeddings (N, E), actors (N,) and emotions (N,)."""
    try:
        from mien.identity.resemblyzer import Voiceprint
    except ImportError as error:
        raise MienError("this benchmark needs the pretrained voice encoder") from error
    clips = sorted(RAVDESS.glob("03-*.flac"))
    if not clips:
        raise MienError(f"this benchmark needs the recordings in {RAVDESS}")
    voiceprint, found = Voiceprint(), []
    for clip in tqdm(clips, desc="embedding", unit="clip"):
        wave, _ = soundfile.read(clip, dtype="float32")
        found.append(voiceprint(wave))
    codes = np.array([[int(code) for code in clip.stem.split("-")] for clip in clips])
    return np.stack(found), codes[:, 6], codes[:, 2]


def scores(way: str, asked: np.ndarray, templates: np.ndarray) -> np.ndarray:
    """Score each person (Q, P) by templates (P, T, E)."""
    if way == "mean template":
        mean = templates.mean(axis=1)
        return asked @ (mean / np.linalg.norm(mean, axis=1, keepdims=True)).T
    all_scores = np.einsum("qe,pte->qpt", asked, templates)
    return all_scores.max(axis=2) if way == "nearest" else all_scores.mean(axis=2)


def trial(
    random: np.random.Generator, data: tuple[np.ndarray, ...], count: int, neutral: bool
) -> dict[str, tuple[float, float]]:
    """Enrol some actors by `count` clips; search for their other clips, and for other actors."""
    embeddings, actors, emotions = data
    drawn = random.permutation(np.unique(actors))
    enrolled, non_mated = drawn[:ENROLLED], np.isin(actors, drawn[ENROLLED:])
    pools = [
        np.flatnonzero((actors == a) & ((emotions == NEUTRAL) | (not neutral))) for a in enrolled
    ]
    rows = np.array([random.choice(pool, count, replace=False) for pool in pools])
    asked = np.setdiff1d(np.flatnonzero(~non_mated), rows)
    truth = np.array([np.flatnonzero(enrolled == a)[0] for a in actors[asked]])
    result = {}
    for way in WAYS:
        found = scores(way, embeddings[asked], embeddings[rows])
        best = scores(way, embeddings[non_mated], embeddings[rows]).max(axis=1)
        right = found.argmax(axis=1) == truth
        passed = found.max(axis=1) > np.quantile(best, 1 - FPIR)
        result[way] = float(right.mean()), float((right & passed).mean())
    return result


def measure() -> list[dict[str, Any]]:
    """Draw who is enrolled, by what, many times."""
    data, rows = recordings(), []
    for neutral in (True, False):
        for count in (2, 4):
            random = np.random.default_rng(0)
            drawn = [trial(random, data, count, neutral) for _ in range(DRAWS)]
            for way in WAYS:
                right, named = np.mean([result[way] for result in drawn], axis=0)
                rows.append(
                    {
                        "enrolled by": "neutral clips" if neutral else "clips of any emotion",
                        "templates": count,
                        "score": way,
                        "right": right,
                        "named": named,
                    }
                )
    return rows


def page(rows: list[dict[str, Any]]) -> str:
    """Write the result as a page."""
    lines = "\n".join(
        f"| {r['enrolled by']} | {r['templates']} | {r['score']} | {r['right']:.3f} |"
        f" {r['named']:.3f} |"
        for r in rows
    )
    return f"""# How to score a person by their templates

RAVDESS, 24 actors who speak the same two sentences in eight emotions; the pretrained voice
encoder. {ENROLLED} actors are enrolled, the others are not; {DRAWS} draws. Right: share of
the enrolled actors' other clips whose actor has the highest score. Named: right, and above the
threshold that {FPIR:.0%} of the other actors' clips reach.

| enrolled by | templates | score | right | named |
|---|---:|---|---:|---:|
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
