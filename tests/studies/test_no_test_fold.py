"""No choice reads the fold that is tested: neither its labels nor its inputs change a training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from study_data import EMOTIONS, altered

from mien.dataset.splits import split
from mien.dataset.store import Store
from mien.models import preset
from mien.runs.run import Run
from mien.studies import baseline
from mien.studies.baseline import train_baseline
from mien.studies.cross_validation import cross_validate
from mien.studies.study import Job, Study
from mien.training import TrainConfig
from mien.utterance import Utterance

FOLD = 1
PROTOCOL = "kfold-speakers"

KEPT = ("model.safetensors", "thresholds.json", "log/metrics.csv")
"""The best epoch's weights, the thresholds, and the monitored metric that chose the epoch."""


def flipped(utterance: Utterance) -> dict[str, Any]:
    """Other labels, one of which nobody else has, and other words."""
    emotions = dict(zip(EMOTIONS, ("sad", "disgusted", "happy"), strict=True))
    return {
        "emotions": tuple(emotions[emotion] for emotion in utterance.emotions or ()),
        "sentiment": -(utterance.sentiment or 0),
        "text": f"nothing of the sort {len(utterance.text or '')}",
    }


@pytest.fixture(scope="module")
def flip(
    study_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Path, set[str]]]:
    """Flip a split of the fold in a copy of the data; give the copy and the ids."""

    def copy(name: str) -> tuple[Path, set[str]]:
        utterances = Store(study_data).utterances
        rows = split(utterances, PROTOCOL, fold=FOLD, num_folds=2).rows(name)
        ids = {utterances[row].id for row in rows}
        out = tmp_path_factory.mktemp("flipped") / name
        return altered(study_data, out, lambda u: flipped(u) if u.id in ids else {}), ids

    return copy


def test_a_network(
    study_data: Path, flip: Callable[[str], tuple[Path, set[str]]], tmp_path: Path, tiny_text: Path
) -> None:
    model = preset(modalities="t", text_model=str(tiny_text))
    config = TrainConfig(
        num_folds=2, protocol=PROTOCOL, epochs=3, lr=5e-3, text_lr_factor=1, batch_size=4
    )

    def trained(data: Path) -> tuple[Run, dict[str, bytes]]:
        out = tmp_path / data.name
        cross_validate(data, out, model, config, folds=[FOLD], device="cpu")
        run = Run(Study(out).run_folder(Job(FOLD, 0)))
        return run, {name: (run.folder / name).read_bytes() for name in KEPT}

    run, kept = trained(study_data)
    other, others = trained(flip("test")[0])
    assert others == kept
    assert other.config.tasks == run.config.tasks
    assert other.config.data.label_counts == run.config.data.label_counts
    assert set(run.read("thresholds.json")["emotion"]) == set(EMOTIONS)
    control, controls = trained(flip("valid")[0])
    assert all(controls[name] != kept[name] for name in KEPT[1:]), "validation does choose"
    assert control.config.tasks == run.config.tasks


@pytest.mark.parametrize("task", ["emotion", "sentiment"])
@pytest.mark.parametrize("classifier", ["logistic", "svm"])
def test_a_baseline(
    study_data: Path,
    flip: Callable[[str], tuple[Path, set[str]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    classifier: baseline.Classifier,
) -> None:
    chosen: list[Any] = []
    choose = baseline.choose_strength

    def watched(*given: Any) -> Any:
        chosen.append(choose(*given))
        return chosen[-1]

    monkeypatch.setattr(baseline, "choose_strength", watched)

    def trained(data: Path, ids: set[str]) -> tuple[float, list[Any], float | None]:
        random = np.random.default_rng(0)
        table = tmp_path / f"{data.name}.csv"
        rows = []
        for utterance in Store(study_data).utterances:
            value = EMOTIONS.index((utterance.emotions or ("",))[0]) + random.normal(0, 0.7)
            noise = random.normal()
            if utterance.id in ids:
                value, noise = 100 - 50 * value, float("inf")
            rows.append(f"{utterance.id},{value},{noise}")
        table.write_text("\n".join(["id,x,y", *rows]))
        how: dict[str, Any] = {"task": task, "classifier": classifier, "num_folds": 2}
        found = train_baseline(data, tmp_path / data.name, str(table), folds=[FOLD], **how)
        model, strength = chosen[-1]
        coefficients = [(each.coef_.tolist(), each.intercept_) for each in model._models]
        metrics = found.tasks[task].metrics
        return strength, coefficients, next(iter(metrics.values())).over_seeds.mean

    strength, coefficients, metric = trained(study_data, set())
    other = trained(*flip("test"))
    assert other[0] == strength
    np.testing.assert_equal(other[1], coefficients)
    assert other[2] != metric, "the test is another one"
    controls = trained(*flip("train"))
    assert str(controls[1]) != str(coefficients), "training does choose"
