"""Evaluation on degraded audio: what is changed, what is recorded, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import samples
from samples import sample, tiny_run

from mien import MienError, evaluate
from mien.dataset.degraded import DegradedStore
from mien.dataset.effect import parse_effect
from mien.dataset.store import Store
from mien.features.store import FeatureStore
from mien.inference import evaluate as module
from mien.inference.dataset import Scored
from mien.inference.evaluate import metrics_of, predict_split
from mien.inference.evaluation_folder import make_folder, write_evaluation
from mien.inference.metrics import Metrics
from mien.inference.predictions import Predictions
from mien.inference.predictions_file import read_predictions
from mien.runs.data import degraded
from mien.runs.run import Run


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples.store(
        tmp_path_factory.mktemp("prepared") / "data", [sample(i) for i in range(12)]
    ).folder


@pytest.fixture
def run(tmp_path: Path, tiny_text: Path) -> Run:
    made = tiny_run(tmp_path / "run", tiny_text)
    counts = {task.name: dict.fromkeys(task.labels, 4) for task in made.config.tasks}
    made.record_data(made.config.data.model_copy(update={"label_counts": counts}))
    return Run(made.folder)


def predicted(run: Run, data: Path, degrade: str | None, **more: str) -> Predictions:
    return predict_split(run, data=data, split="all", degrade=degrade, progress=False, **more)


def test_the_audio_is_degraded_and_the_effect_recorded(run: Run, data: Path) -> None:
    clean, noisy = predicted(run, data, None), predicted(run, data, " white:00.0 ")
    assert clean.info.degraded is None
    assert noisy.info.degraded == "white:0"
    assert metrics_of(noisy).degraded == "white:0"
    assert noisy.info == clean.info.model_copy(update={"degraded": "white:0"})
    assert noisy.origins == clean.origins
    assert np.array_equal(noisy.truth["emotion"], clean.truth["emotion"])
    assert not np.array_equal(noisy.scores["emotion"], clean.scores["emotion"])
    again = predicted(run, data, "white:0")
    assert np.array_equal(again.scores["emotion"], noisy.scores["emotion"])


def test_a_gain_of_nothing_changes_nothing(run: Run, data: Path) -> None:
    clean, same = predicted(run, data, None), predicted(run, data, "gain:0")
    assert np.array_equal(clean.scores["emotion"], same.scores["emotion"])


def test_thresholds_are_chosen_on_audio_as_it_is(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[type[Store]] = []
    own = module.predict

    def predict(run: Run, model: Any, store: Store, *args: Any, **options: Any) -> Scored:
        read.append(type(store))
        return own(run, model, store, *args, **options)

    monkeypatch.setattr(module, "predict", predict)
    predicted(run, data, "white:-20")
    assert read == [Store, DegradedStore]  # validation, then what is evaluated
    assert "emotion" in json.loads(run.folder.joinpath("thresholds.json").read_text())


def test_evaluate_takes_the_effect_as_text(run: Run, data: Path) -> None:
    found = evaluate(run, data=data, split="all", degrade="telephone", progress=False)
    assert found.degraded == "telephone"
    assert found.tasks["emotion"].n == 12


def test_a_folder_has_metrics_and_predictions(run: Run, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "noisy"
    make_folder(out)
    found = predicted(run, data, "pink:5")
    write_evaluation(out, metrics_of(found), found)
    make_folder(out)  # to evaluate again
    assert sorted(path.name for path in out.iterdir()) == ["metrics.json", "predictions.parquet"]
    stored = Metrics.model_validate_json(out.joinpath("metrics.json").read_text())
    assert stored == metrics_of(found)
    assert read_predictions(out / "predictions.parquet").info == found.info


def test_a_folder_of_something_else_is_left_alone(run: Run, tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"has other files than those of an evaluation \(config"):
        make_folder(run.folder)
    tmp_path.joinpath("file").touch()
    with pytest.raises(MienError, match="can't be made"):
        make_folder(tmp_path / "file")


def test_a_model_that_hears_nothing_is_refused(run: Run, data: Path) -> None:
    with pytest.raises(MienError, match="modalities 'tv' are used, which have no audio"):
        predicted(run, data, "white:0", modalities="tv")


def test_hand_crafted_features_are_refused(run: Run) -> None:
    features = FeatureStore.__new__(FeatureStore)  # of which nothing is read
    with pytest.raises(MienError, match="hand-crafted features, which were computed from the"):
        degraded(run, features, parse_effect("white:10"), "tav")
