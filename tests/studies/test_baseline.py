"""Linear baselines over folds: what a study of them holds, for every kind of task."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from study_data import EMOTIONS, altered

from mien.cli import main
from mien.dataset.splits import split
from mien.dataset.store import Store
from mien.errors import MienError
from mien.files import read_json
from mien.inference.predictions_file import read_predictions
from mien.studies.baseline import train_baseline
from mien.studies.classifiers import STRENGTHS
from mien.studies.summary import StudyMetrics

Trained = Callable[..., StudyMetrics]


def vectors(data: Path) -> dict[str, list[float]]:
    """Three numbers for each utterance, of which the first two tell something of its emotion."""
    random = np.random.default_rng(0)
    found = {}
    for utterance in Store(data).utterances:
        emotion = EMOTIONS.index((utterance.emotions or EMOTIONS)[0])
        noise = random.normal(0, 1, 3)
        found[utterance.id] = (noise + np.array([1.5 * emotion, 2 * (emotion == 1), 0])).tolist()
    return found


def with_calm(data: Path, out: Path) -> tuple[Path, set[str]]:
    """Some of the sad utterances that fold 1 tests become calm; give the copy and their ids."""
    utterances = Store(data).utterances
    rows = split(utterances, "kfold-speakers", fold=1, num_folds=2).test
    sad = [row for row in rows if utterances[row].emotions == ("sad",)]
    calm = {utterances[row].id for row in sad if row >= 24}  # half of those of each speaker
    copy = altered(data, out, lambda u: {"emotions": ("calm",)} if u.id in calm else {})
    return copy, calm


def write(path: Path, rows: dict[str, list[float]]) -> Path:
    lines = [",".join(map(str, [id_, *values])) for id_, values in rows.items()]
    path.write_text("\n".join(["id,x,y,z", *lines]))
    return path


@pytest.fixture(scope="module")
def table(study_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("features") / "features.csv", vectors(study_data))


@pytest.fixture
def trained(study_data: Path, table: Path, tmp_path: Path) -> Trained:
    def run(
        data: Path = study_data, features: Path = table, out: str = "study", **how: Any
    ) -> StudyMetrics:
        return train_baseline(data, tmp_path / out, str(features), num_folds=2, **how)

    return run


def test_a_study_of_a_baseline(
    study_data: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "study"
    command = ["baseline", str(study_data), "--features", str(table), "--num-folds", "2"]
    assert main([*command, "--out", str(out)]) == 0
    shown = capsys.readouterr()
    assert "protocol kfold-speakers; folds 1, 2; seeds 0" in shown.out
    assert "emotion: 48 utterances of all test folds together" in shown.out
    lines = shown.err.splitlines()
    assert lines[0] == "3 features of 48 utterances"
    assert lines[1].startswith("fold-1-seed-0: emotion average recall (UA) 0.")
    assert lines[2].endswith("(2 of 2)")
    names = {path.name for path in out.iterdir()}
    files = {"study.yaml", "features.parquet", "folds", "predictions.parquet", "metrics.json"}
    assert names == files
    found = StudyMetrics.model_validate(read_json(out / "metrics.json"))
    ua = found.tasks["emotion"].metrics["ua"]
    assert ua.over_seeds.mean is not None
    assert ua.over_seeds.mean > 0.6 > 2 * (ua.chance or 0) - 0.1


def test_each_fold_is_what_a_user_of_scikit_learn_would_get(
    study_data: Path, table: Path, trained: Trained, tmp_path: Path
) -> None:
    """C by macro F1 on validation, the smallest of equal ones; its partner may not train."""
    trained()
    rows = pq.read_table(tmp_path / "study" / "predictions.parquet").to_pylist()
    utterances, features = Store(study_data).utterances, vectors(study_data)
    x = np.array([features[utterance.id] for utterance in utterances])
    y = np.array([EMOTIONS.index((utterance.emotions or ("",))[0]) for utterance in utterances])
    for fold in (1, 2):
        parts = split(utterances, "kfold-speakers", fold=fold, num_folds=2)
        models = [
            make_pipeline(
                SimpleImputer(),
                StandardScaler(),
                LogisticRegression(C=strength, class_weight="balanced", max_iter=2000, tol=1e-6),
            ).fit(x[parts.train], y[parts.train])
            for strength in STRENGTHS
        ]
        f1 = [
            f1_score(y[parts.valid], model.predict(x[parts.valid]), average="macro")
            for model in models
        ]
        best = models[int(np.argmax(f1))].predict_proba(x[parts.test])
        found = {row["id"]: dict(row["scores"]) for row in rows if row["fold"] == fold}
        ids = [utterances[row].id for row in parts.test]
        assert sorted(found) == sorted(ids)
        scores = [[found[id_][emotion] for emotion in EMOTIONS] for id_ in ids]
        np.testing.assert_allclose(scores, best, atol=1e-6)


def test_validation_trains_once_c_is_chosen_where_it_shares_nothing_with_the_test(
    study_data: Path, trained: Trained, tmp_path: Path
) -> None:
    data = altered(study_data, tmp_path / "data", lambda _: {"dialogue": None, "session": None})
    trained(data)
    parts = split(Store(data).utterances, "kfold-speakers", fold=1, num_folds=2)
    used = read_predictions(tmp_path / "study" / "folds" / "fold-1-seed-0.parquet").info.trainings
    both = len(parts.train) + len(parts.valid)
    assert sum(used[0].label_counts["emotion"].values()) == both > len(parts.train)
    (first, _) = read_json(tmp_path / "study" / "metrics.json")["leakage"]
    assert (first["train"], first["valid"]) == (both, len(parts.valid))


def test_several_labels_have_thresholds_from_validation(
    study_data: Path, trained: Trained, tmp_path: Path
) -> None:
    def both(utterance: Any) -> dict[str, Any]:
        return {"emotions": ("happy", "sad")} if utterance.emotions == ("sad",) else {}

    found = trained(altered(study_data, tmp_path / "data", both))
    assert list(found.tasks["emotion"].metrics)[:2] == ["average_f1", "weighted_accuracy"]
    rows = pq.read_table(tmp_path / "study" / "folds" / "fold-1-seed-0.parquet").to_pylist()
    assert {len(row["truth"]) for row in rows} == {1, 2}
    assert {len(row["decision"]) for row in rows} >= {1, 2}
    f1 = found.tasks["emotion"].metrics["average_f1"]
    assert f1.over_seeds.mean is not None
    assert f1.constant is not None
    assert f1.over_seeds.mean > max(f1.constant, f1.chance or 0) + 0.1


@pytest.mark.parametrize("classifier", ["logistic", "svm"])
def test_numbers(trained: Trained, classifier: str) -> None:
    sentiment = trained(task="sentiment", out="sentiment", classifier=classifier)
    metrics = sentiment.tasks["sentiment"].metrics
    assert metrics["mae"].sign == -1
    assert metrics["mae"].over_seeds.mean is not None
    assert metrics["mae"].constant is not None
    assert metrics["mae"].over_seeds.mean < metrics["mae"].constant
    assert metrics["mae"].chance is None
    affect = trained(task="affect", out="affect", classifier=classifier).tasks["affect"]
    assert affect.labels == ["valence", "arousal"]
    assert affect.metrics["ccc"].over_seeds.mean is not None
    assert affect.metrics["ccc"].over_seeds.mean > 0.4
    assert affect.metrics["ccc"].constant in (0, None)


def test_a_sentiment_stays_on_its_scale(study_data: Path, trained: Trained, tmp_path: Path) -> None:
    """A regression that goes beyond it has no word for what it finds."""
    rows = {id_: [100 * value for value in v] for id_, v in vectors(study_data).items()}
    ids = {u.id for u in Store(study_data).utterances if u.person == "P0"}
    wild = {
        id_: values if id_ in ids else [v / 100 for v in values] for id_, values in rows.items()
    }
    trained(features=write(tmp_path / "wild.csv", wild), task="sentiment")
    rows = pq.read_table(tmp_path / "study" / "predictions.parquet").to_pylist()
    scores = [score for row in rows for _, score in row["scores"]]
    truth = [u.sentiment or 0 for u in Store(study_data).utterances]
    assert min(truth) <= min(scores) < max(scores) <= max(truth)


def test_speakers_are_named_by_a_protocol_that_knows_them(
    study_data: Path, table: Path, trained: Trained, tmp_path: Path
) -> None:
    with pytest.raises(MienError, match="the task 'person' needs at least two labels"):
        trained(task="person")
    found = train_baseline(
        study_data, tmp_path / "persons", str(table), task="person", protocol="random"
    )
    assert found.folds == [None]
    assert set(found.tasks["person"].labels) == {"P0", "P1", "P2", "P3"}


def test_a_label_that_training_lacks_counts_as_wrong(
    study_data: Path, trained: Trained, tmp_path: Path
) -> None:
    """Only speakers of fold 1 are ever calm, so the training of fold 1 does not know it."""
    data, calm = with_calm(study_data, tmp_path / "data")
    found = trained(data)
    emotion = found.tasks["emotion"]
    assert (found.left_out, emotion.n, len(calm)) == (0, 48, 4)
    assert emotion.labels == ["happy", "sad", "angry", "calm"]
    read = pq.read_table(tmp_path / "study" / "predictions.parquet").to_pylist()
    assert {row["id"] for row in read if row["truth"] == ["calm"]} == calm
    scores = {(row["fold"], dict(row["scores"])["calm"] > 0) for row in read}
    assert scores == {(1, False), (2, True)}, "pooled, the label has the score 0 where unknown"
    right = {label: [r["decision"] == [label] for r in read if r["truth"] == [label]] for label in
             emotion.labels}  # fmt: skip
    assert sum(right["calm"]) == 0 < sum(right["sad"])
    recall = sum(sum(each) / len(each) for each in right.values()) / 4
    assert emotion.metrics["ua"].over_seeds.mean == pytest.approx(recall)
    wa = sum(map(sum, right.values())) / 48
    assert emotion.metrics["wa"].over_seeds.mean == pytest.approx(wa)


def test_one_of_several_labels_that_training_lacks_counts_as_missed(
    study_data: Path, trained: Trained, tmp_path: Path
) -> None:
    def happy_too(utterance: Any) -> dict[str, Any]:
        return {"emotions": ("happy", *utterance.emotions)} if utterance.id < "u24" else {}

    both = altered(study_data, tmp_path / "both", happy_too)
    data, calm = with_calm(both, tmp_path / "data")
    found = trained(data).by_seed["0"].tasks["emotion"].multilabel.per_label["calm"]
    assert (found.support, found.recall, found.f1) == (len(calm), 0, 0)
    rows = pq.read_table(tmp_path / "study" / "folds" / "fold-1-seed-0.parquet").to_pylist()
    assert {row["id"] for row in rows if "calm" in row["truth"]} == calm
    assert not any("calm" in row["decision"] for row in rows)


def test_all_folds_ask_for_one_label_or_for_several(
    study_data: Path, trained: Trained, tmp_path: Path
) -> None:
    """Two emotions at once occur in the test of fold 1 alone, which its training has not seen."""
    tested = split(Store(study_data).utterances, "kfold-speakers", fold=1, num_folds=2).test
    ids = {Store(study_data).utterances[row].id for row in tested[:6]}
    found = trained(
        altered(
            study_data,
            tmp_path / "data",
            lambda u: {"emotions": ("happy", "sad")} if u.id in ids else {},
        )
    )
    assert (found.left_out, found.tasks["emotion"].n) == (0, 48)
    assert next(iter(found.tasks["emotion"].metrics)) == "average_f1"


def test_utterances_without_features_are_left_out(
    study_data: Path, trained: Trained, tmp_path: Path
) -> None:
    rows = vectors(study_data)
    few = {id_: values for id_, values in rows.items() if int(id_[1:]) % 8}
    found = trained(features=write(tmp_path / "few.csv", few))
    assert (found.left_out, found.tasks["emotion"].n) == (6, 42)
    used = read_predictions(tmp_path / "study" / "folds" / "fold-1-seed-0.parquet").info.trainings
    parts = split(Store(study_data).utterances, "kfold-speakers", fold=1, num_folds=2)
    trained_on = parts.train  # validation has dialogues of the test
    kept = [row for row in trained_on if Store(study_data).utterances[row].id in few]
    assert sum(used[0].label_counts["emotion"].values()) == len(kept) < len(trained_on)
    utterances = Store(study_data).utterances
    tested = split(utterances, "kfold-speakers", fold=1, num_folds=2).test
    none = rows.keys() - {utterances[row].id for row in tested}
    other = write(tmp_path / "none.csv", {id_: rows[id_] for id_ in sorted(none)})
    with pytest.raises(MienError, match=r"fold-1-seed-0: no utterance of test has features"):
        trained(features=other, out="none")


def test_missing_numbers_are_no_obstacle(
    study_data: Path, trained: Trained, tmp_path: Path
) -> None:
    rows = vectors(study_data)
    for number, values in enumerate(rows.values()):
        values[number % 3] = float("nan")
        values[2] = float("nan")  # a feature that nobody has
    found = trained(features=write(tmp_path / "holes.csv", rows))
    ua = found.tasks["emotion"].metrics["ua"]
    assert ua.over_seeds.mean is not None
    assert ua.over_seeds.mean > 0.45


def test_what_is_refused(trained: Trained, table: Path, tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"task: a baseline has one task, not emotion\+person"):
        trained(task="emotion+person")
    trained()
    with pytest.raises(MienError, match=r"holds a study with classifier logistic \(here svm\)"):
        trained(classifier="svm")
    other = tmp_path / "other.csv"
    other.write_text(table.read_text().replace("z", "w"))
    with pytest.raises(MienError, match=r"with features features.csv \w+ \(here other.csv \w+\)"):
        trained(features=other)
    with pytest.raises(MienError, match=r"^seeds: has no effect here: logistic and ridge regr"):
        trained(seeds=(0, 1), out="seeds")
    with pytest.raises(MienError, match=r"^seeds: give one seed or more"):
        trained(seeds=(), classifier="svm", out="seeds")
    with pytest.raises(MienError, match=r"^num_folds: has no effect here: only a protocol of any"):
        trained(protocol="random", out="random")
    with pytest.raises(MienError, match="folds: 3 is not one of the folds"):
        trained(folds=[3], out="folds")
    with pytest.raises(MienError, match="does not exist"):
        trained(features=tmp_path / "gone.csv", out="gone")
    assert not (tmp_path / "gone").exists()
