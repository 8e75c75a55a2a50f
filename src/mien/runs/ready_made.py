"""The ready-made models, which are installed with mien: heads and adapters, a few MB.

The pretrained networks below them are those of Python packages or of the hub, by name and digest.
"""

from pathlib import Path

from mien.models.pretrained.catalogue import CATALOGUE

BASE = "mien-base"
"""Name of the model that predicts where no other is named."""

READY_MADE = {
    BASE: "emotion from text and audio: mien-text and mien-audio-nc together",
    "mien-text": "emotion from text, trained on GoEmotions",
    "mien-audio-nc": "emotion from audio, trained on RAVDESS; not for commercial use",
}
"""Names of the ready-made models, and what each is for."""

PARTS = ("mien-text", "mien-audio-nc")
"""Those that have weights of their own; the catalogue has their licences."""

FOLDER = Path(__file__).parents[1] / "bundles"


def about(name: str) -> list[str]:
    """Say in a few lines what a ready-made model lacks, its licence and where its card is."""
    lines = [f"model {name}: {READY_MADE[name]}"]
    lines.append(
        "  video is not used: there is no pretrained expression model; train one (mien train)"
    )
    for weights in (CATALOGUE[part] for part in PARTS if name in (BASE, part)):
        terms = f"commercial use: {weights.commercial}; see `mien models`"
        lines.append(f"  licence of {weights.name}: {weights.licence} ({terms})")
    return [*lines, f"  model card: {FOLDER / name / 'README.md'}"]
