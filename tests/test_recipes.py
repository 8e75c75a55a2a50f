"""The recipes of the published experiments: each builds its model and has its row in the manual."""

import re
from pathlib import Path

import pytest
import torch
from rule import ALBERT_BASE_V2

from mien.cli.recipe import read_recipe
from mien.modality import Modality
from mien.models import ModelConfig, build
from mien.models.presets import name_of
from mien.models.pretrained.source import describe
from mien.training import TrainConfig

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "published-results.md").read_text()
PUBLISHED = sorted(
    path
    for corpus in ("iemocap", "mosei")
    for path in ROOT.glob(f"recipes/{corpus}-*.yaml")
    if not path.stem.endswith("-pretrained")
)
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| (LF-|EmoEmbs|MulT|FE2E|MESM)", line)
]
MODELS = {
    "LF-LSTM": "lf-rnn",
    "LF-Transformer": "lf-transformer",
    "FE2E": "mme2e",
    "MESM": "mme2e-sparse",
}
NAMES = {str(modality): modality for modality in Modality}


def recipe_of(row: list[str]) -> str | None:
    """The name of a row's recipe; None for a model that mien does not have."""
    return next((m[1] for cell in row if (m := re.fullmatch(r"`([\w-]+)`", cell))), None)


def read(name: str) -> tuple[ModelConfig, TrainConfig]:
    content = read_recipe(ROOT / "recipes" / f"{name}.yaml")
    return ModelConfig(**content["model"]), TrainConfig(**content["training"])


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_a_recipe_builds_its_model_at_full_size(path: Path) -> None:
    model, training = read(path.stem)
    with torch.device("meta"):
        network = build(model, {"emotion": 3}, {Modality.TEXT: [describe(ALBERT_BASE_V2)]})
    assert set(network.encoders) == set(model.modalities)
    assert model.text is None or model.text.model == "albert-base-v2"
    assert training.task == "emotion"


def test_every_row_has_its_recipe_and_every_recipe_its_row_and_command() -> None:
    named = {name for row in ROWS if (name := recipe_of(row))}
    assert named == {path.stem for path in PUBLISHED}
    for name in named:
        protocol = " --protocol given" if name.startswith("iemocap") else ""
        config = f"--config recipes/{name}.yaml{protocol}\n"
        assert f"mien train data/{name.split('-')[0]} --out runs/{name} {config}" in PAGE
    without = {row[0] for row in ROWS if recipe_of(row) is None}
    assert without == {"EmoEmbs", "MulT"}


@pytest.mark.parametrize("row", [row for row in ROWS if recipe_of(row)], ids=" ".join)
def test_a_recipe_is_what_its_row_says(row: list[str]) -> None:
    model, training = read(recipe_of(row) or "")
    kind, _, share = row[0].partition(", p = ")
    assert name_of(model) == MODELS[kind] or set(model.modalities) == {Modality.TEXT}
    thresholds = {getattr(e, "sparse_threshold", None) for e in model.encoders.values()}
    assert not share or thresholds - {None} == {float(share)}
    names = row[1].split(", ") if not row[1].startswith("`") else list(NAMES)
    assert set(model.modalities) == {NAMES[name] for name in names}
    published = (5e-4, 32, 60, 8, 2.0) if kind.startswith("LF") else (5e-5, 8, 40, 6, None)
    batch = 2 if kind == "MESM" else published[1]
    found = (training.lr, training.batch_size, training.epochs, training.early_stop, training.clip)
    assert found == (published[0], batch, *published[2:])


def test_the_papers_figures_are_percentages_with_room_beside_them() -> None:
    for row in ROWS:
        theirs, ours = row[-4:-2], row[-2:]
        assert ours == ["", ""], row
        assert theirs == ["", ""] or all(40 < float(figure) < 90 for figure in theirs), row
