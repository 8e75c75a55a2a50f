"""A study over folds and seeds: its folder, its numbers, and what it refuses."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from samples import utterance
from study_data import EMOTIONS, altered, write_study_data

from mien.cli import build_parser, main
from mien.dataset.leakage import validation_may_train
from mien.dataset.splits import split
from mien.dataset.store import Store
from mien.errors import MienError
from mien.files import read_json
from mien.inference.evaluate import predict_split
from mien.models import ModelConfig, preset
from mien.runs.run import Run
from mien.studies import cross_validation
from mien.studies.cross_validation import cross_validate
from mien.studies.evaluation import evaluate_study
from mien.studies.study import Job, Study
from mien.studies.summary import StudyMetrics
from mien.training import TrainConfig

Rows = list[dict[str, Any]]

JOBS = [f"fold-{fold}-seed-{seed}" for fold in (1, 2) for seed in (0, 1)]


@pytest.fixture(scope="module")
def rows(study: Path) -> Rows:
    return pq.read_table(study / "predictions.parquet").to_pylist()


@pytest.fixture
def one_epoch(tiny_text: Path) -> tuple[ModelConfig, TrainConfig]:
    model = preset(modalities="t", text_model=str(tiny_text))
    return model, TrainConfig(num_folds=2, protocol="kfold-speakers", loss="ce", epochs=1)


def recall(rows: Rows) -> float:
    """Average recall, by hand."""
    found = []
    for emotion in EMOTIONS:
        of = [row for row in rows if row["truth"] == [emotion]]
        best = [max(dict(row["scores"]).items(), key=lambda pair: pair[1])[0] for row in of]
        found.append(best.count(emotion) / len(of))
    return sum(found) / len(found)


def accuracy(rows: Rows) -> float:
    """Share of right decisions, by hand."""
    return sum(row["decision"] == row["truth"] for row in rows) / len(rows)


def of(rows: Rows, **wanted: int) -> Rows:
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def test_folder_of_a_study(study: Path, rows: Rows, study_data: Path) -> None:
    names = {path.name for path in study.iterdir()}
    assert names == {"study.yaml", "runs", "folds", "predictions.parquet", "metrics.json"}
    assert sorted(path.name for path in (study / "runs").iterdir()) == JOBS
    assert sorted(path.stem for path in (study / "folds").iterdir()) == JOBS
    content = yaml.safe_load((study / "study.yaml").read_text())
    assert (content["kind"], content["folds"], content["seeds"]) == ("network", [1, 2], [0, 1])
    assert content["data"] == str(study_data)
    assert len(rows) == 2 * 48, "each seed tests each utterance once"
    assert len({(row["id"], row["seed"]) for row in rows}) == len(rows)
    for row in rows:
        assert (row["fold"] == 1) == (row["speaker"] in {r["speaker"] for r in of(rows, fold=1)})


def test_a_flag_of_training_is_used_for_each_fold(study: Path) -> None:
    for job in JOBS:
        run = Run(study / "runs" / job)
        assert run.config.training["lr"] == 5e-3
        log = list(csv.DictReader((run.folder / "log" / "metrics.csv").open()))
        assert [row["epoch"] for row in log] == ["0", "1", "2"], job
    seeds = [Run(study / "runs" / job).config.training["seed"] for job in JOBS]
    assert seeds == [0, 1, 0, 1]


def test_metrics_are_those_of_the_predictions(study: Path, rows: Rows) -> None:
    found = StudyMetrics.model_validate(read_json(study / "metrics.json"))
    assert (found.folds, found.seeds, found.left_out) == ([1, 2], [0, 1], 0)
    assert [(row.train, row.valid, row.test) for row in found.leakage] == [(12, 12, 24)] * 2
    for name, by_hand in (("ua", recall), ("wa", accuracy)):
        metric = found.tasks["emotion"].metrics[name]
        seeds = {str(seed): by_hand(of(rows, seed=seed)) for seed in (0, 1)}
        assert metric.over_seeds.values == pytest.approx(seeds)
        assert len(set(seeds.values())) == 2, "equal numbers would hide a mistake"
        assert metric.over_seeds.mean == pytest.approx(sum(seeds.values()) / 2)
        assert metric.over_seeds.deviation == pytest.approx(np.std([*seeds.values()], ddof=1))
        folds = {
            str(fold): np.mean([by_hand(of(rows, fold=fold, seed=seed)) for seed in (0, 1)])
            for fold in (1, 2)
        }
        assert metric.over_folds.values == pytest.approx(folds)
        assert metric.over_folds.mean == pytest.approx(np.mean([*folds.values()]))
        assert metric.over_folds.deviation == pytest.approx(np.std([*folds.values()], ddof=1))
        assert (metric.constant, metric.chance) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
        assert metric.interval is not None
        assert metric.interval.low < metric.over_seeds.mean < metric.interval.high
        assert (metric.interval.by, metric.interval.units) == ("person", 4)
        whole = found.by_seed["1"].tasks["emotion"].singlelabel
        assert getattr(whole, name) == pytest.approx(seeds["1"])


def test_each_run_is_evaluated_as_its_fold_is(study: Path, rows: Rows) -> None:
    """The weights and thresholds that are kept are those that predicted."""
    again = predict_split(study / "runs" / "fold-2-seed-1", progress=False, device="cpu")
    kept = {row["id"]: dict(row["scores"]) for row in of(rows, fold=2, seed=1)}
    assert len(kept) == len(again)
    for origin, scores in zip(again.origins, again.scores["emotion"], strict=True):
        assert [*kept[origin.id].values()] == scores.tolist()


def test_the_splits_are_those_of_the_number_of_folds(study: Path) -> None:
    """Training counts labels of its own split, 12 utterances of one speaker."""
    for job in JOBS:
        counts = Run(study / "runs" / job).config.data.label_counts["emotion"]
        assert counts == dict.fromkeys(EMOTIONS, 4)


def test_the_same_command_computes_nothing_again(
    study: Path, cv: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(study, tmp_path / "study"))
    (copy / "metrics.json").unlink()
    times = {path: path.stat().st_mtime_ns for path in (copy / "folds").iterdir()}
    assert main([*cv, "--out", str(copy)]) == 0
    assert {path: path.stat().st_mtime_ns for path in (copy / "folds").iterdir()} == times
    assert (copy / "metrics.json").read_bytes() == (study / "metrics.json").read_bytes()
    assert "emotion: 48 utterances of all test folds together" in capsys.readouterr().out


def test_weights_are_deleted_if_none_are_kept(study: Path, cv: list[str], tmp_path: Path) -> None:
    """Also those that a process left which was killed before it deleted them."""
    copy = Path(shutil.copytree(study, tmp_path / "study"))
    (copy / "folds" / f"{JOBS[2]}.parquet").unlink()
    assert main([*cv, "--out", str(copy), "--keep", "none"]) == 0
    assert not list(copy.rglob("*.safetensors"))
    for name in ("predictions.parquet", "metrics.json"):
        assert (copy / name).read_bytes() == (study / name).read_bytes()


@pytest.mark.parametrize("error", [MienError("the disk is full"), RuntimeError("out of memory")])
def test_a_fold_that_fails_is_tried_again_and_does_not_stop_others(
    study_data: Path,
    tmp_path: Path,
    one_epoch: tuple[ModelConfig, TrainConfig],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    def predict(run: Run, **options: Any) -> Any:
        if run.config.data.fold == 1:
            raise error
        return predict_split(run, **options)

    monkeypatch.setattr(cross_validation, "predict_split", predict)
    with pytest.raises(MienError, match=rf"^1 of 2 trainings failed; fold-1-seed-0: .*{error}"):
        cross_validate(study_data, tmp_path / "study", *one_epoch)
    assert [*map(str, Study(tmp_path / "study").missing())] == ["fold-1-seed-0"]
    with pytest.raises(MienError, match=r"not finished, 1 of 2 trainings are missing: run the"):
        Study(tmp_path / "study").predictions()
    monkeypatch.undo()
    weights = tmp_path / "study" / "runs" / "fold-1-seed-0" / "model.safetensors"
    trained = weights.stat().st_mtime_ns
    found = cross_validate(study_data, tmp_path / "study", *one_epoch)
    assert found.tasks["emotion"].n == 48
    assert weights.stat().st_mtime_ns == trained, "what was trained is not trained again"


@pytest.mark.parametrize("loss", ["ce", "bce"])
def test_a_label_that_training_lacks_counts_as_wrong(
    study_data: Path, tmp_path: Path, one_epoch: tuple[ModelConfig, TrainConfig], loss: str
) -> None:
    """Only one speaker that fold 1 tests is ever calm."""
    tested = split(Store(study_data).utterances, "kfold-speakers", fold=1, num_folds=2).test
    calm = {Store(study_data).utterances[row].id for row in tested[:3]}
    data = altered(
        study_data, tmp_path / "data", lambda u: {"emotions": ("calm",)} if u.id in calm else {}
    )
    config = one_epoch[1].model_copy(update={"loss": loss})
    out = tmp_path / "study"
    found = cross_validate(data, out, one_epoch[0], config, device="cpu")
    emotion = found.tasks["emotion"]
    assert (found.left_out, emotion.n, emotion.labels[-1]) == (0, 48, "calm")
    rows = pq.read_table(out / "predictions.parquet").to_pylist()
    assert {row["id"] for row in rows if row["truth"] == ["calm"]} == calm
    assert not any("calm" in row["decision"] for row in of(rows, fold=1))
    assert found.by_seed["0"].tasks["emotion"].singlelabel.per_label["calm"].recall == 0
    best = [max(dict(row["scores"]).items(), key=lambda pair: pair[1])[0] for row in rows]
    right = sum([name] == row["truth"] for name, row in zip(best, rows, strict=True))
    assert emotion.metrics["wa"].over_seeds.mean == pytest.approx(right / 48)
    run = out / "runs" / "fold-1-seed-0"
    own = predict_split(run, progress=False, device="cpu")
    assert (len(own), own.task("emotion").labels[-1]) == (24, "calm")
    assert Run(run).config.tasks[0].labels == EMOTIONS
    other = altered(data, tmp_path / "other", lambda u: {"text": f"{u.text}!"})
    found = predict_split(run, data=other, progress=False, device="cpu")
    assert found.task("emotion").labels == EMOTIONS, "other data may have labels of their own"
    assert len(found) == (21 if loss == "ce" else 24)


def test_speakers_are_learnt_over_folds_of_sentences(
    study_data: Path, tmp_path: Path, one_epoch: tuple[ModelConfig, TrainConfig]
) -> None:
    """Each fold tests a sentence that nobody trains or validates on, by speakers who all train."""
    data = altered(
        study_data,
        tmp_path / "data",
        lambda u: {"attributes": {"sentence": f"{int(u.id[1:]) // 12}"}},
    )
    config = one_epoch[1].model_copy(
        update={"protocol": "kfold-sentences", "num_folds": 4, "task": "person"}
    )
    found = cross_validate(data, tmp_path / "study", one_epoch[0], config, device="cpu")
    assert [(row.train, row.valid, row.test) for row in found.leakage] == [(24, 12, 12)] * 4
    assert [(row.person, row.sentence) for row in found.leakage] == [(1, 0)] * 4
    person = found.tasks["person"]
    assert (found.left_out, person.n, person.labels) == (0, 48, ["P0", "P1", "P2", "P3"])


def test_epochs_are_told_where_one_network_trains_at_a_time(
    study_data: Path,
    tmp_path: Path,
    one_epoch: tuple[ModelConfig, TrainConfig],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level("INFO", "mien")
    model, config = one_epoch
    config = config.model_copy(update={"epochs": 2})
    cross_validate(study_data, tmp_path / "one", model, config, folds=[1], device="cpu")
    told = [line.split(":")[0] for line in caplog.messages]
    assert told == [
        "fold-1-seed-0 begins",
        "protocol kfold-speakers",
        "epoch 1 of 2",
        "epoch 2 of 2",
        "fold-1-seed-0",
    ]
    caplog.clear()
    works: list[cross_validation.Training] = []
    monkeypatch.setattr(cross_validation, "run_jobs", lambda _, work, **__: works.append(work))
    with pytest.raises(MienError, match="is not finished"):
        cross_validate(study_data, tmp_path / "two", model, config, jobs=2, device="cpu")
    works[0](Job(1, 0))
    assert [line for line in caplog.messages if line.startswith(("epoch", "fold"))] == []


def test_fold_and_seed_are_of_the_study(
    study: Path, one_epoch: tuple[ModelConfig, TrainConfig], caplog: pytest.LogCaptureFixture
) -> None:
    """A recipe may hold those of a single run, which a line says are not used."""
    parser = build_parser()
    actions = next(a for a in parser._actions if isinstance(a.choices, dict)).choices
    flags = set(actions["cv"]._option_string_actions)
    assert {"--folds", "--seeds", "--lr", "--width"} <= flags
    assert not {"--fold", "--seed"} & flags
    config = Study(study).config
    assert not {"fold", "seed"} & set(config.settings["training"])
    caplog.set_level("INFO", "mien")
    given = one_epoch[1].model_copy(update={"fold": 2, "seed": 3})
    with pytest.raises(MienError, match="holds a study with"):
        cross_validate(config.data, study, one_epoch[0], given)
    assert "fold 2 is not used: each training of the study has its own" in caplog.messages
    assert "seed 3 is not used: each training of the study has its own" in caplog.messages


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--folds", "7"],
            "--folds: 7 is not one of the folds of kfold-speakers, which are 1 to 2",
        ),
        (["--num-folds", "9"], "--num-folds: 4 persons can't be divided into 9 folds"),
        (["--protocol", "loso", "--folds", "3"], "--num-folds: has no effect here"),
    ],
)
def test_folds_that_there_are_not_are_refused_before_there_is_a_folder(
    cv: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    told: str,
) -> None:
    assert main([*cv, "--out", str(tmp_path / "study"), *words]) == 1
    assert told in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_wrong_numbers_are_a_wrong_command(cv: list[str], refused: Callable[..., str]) -> None:
    assert "--folds takes all, or numbers from 1" in refused(*cv, "--out", "x", "--folds", "0")
    assert "--jobs is at least 1" in refused(*cv, "--out", "x", "--jobs", "0")
    assert "--seeds at least 0" in refused(*cv, "--out", "x", "--seeds", "-1")


@pytest.mark.parametrize("flag", ["--fold", "--seed"])
def test_a_flag_of_mien_train_is_not_taken_for_one_of_several(
    cv: list[str], refused: Callable[..., str], flag: str
) -> None:
    told = refused(*cv, "--out", "x", flag, "1")
    assert f"unrecognized arguments: {flag} 1 (did you mean {flag}s?)" in told


def test_nothing_to_run_is_refused(
    study_data: Path, tmp_path: Path, one_epoch: tuple[ModelConfig, TrainConfig]
) -> None:
    with pytest.raises(MienError, match=r"^seeds: give one seed or more"):
        cross_validate(study_data, tmp_path / "study", *one_epoch, seeds=())
    with pytest.raises(MienError, match=r"^folds: give one fold or more"):
        cross_validate(study_data, tmp_path / "study", *one_epoch, folds=())
    assert not (tmp_path / "study").exists()


def test_a_study_is_evaluated_again_with_the_same_numbers_and_on_its_own_data_only(
    study: Path, study_data: Path, tmp_path: Path
) -> None:
    again = evaluate_study(study, tmp_path / "again", device="cpu", progress=False)
    before = Study(study).predictions()
    after = Study(tmp_path / "again").predictions()
    np.testing.assert_allclose(after.scores["emotion"], before.scores["emotion"], atol=1e-6)
    assert again.tasks["emotion"].n == 48
    other = write_study_data(tmp_path / "other", 40)
    with pytest.raises(MienError, match="holds other data than those of"):
        evaluate_study(study, tmp_path / "new", data=other, progress=False)


def test_an_unfinished_study_is_not_evaluated_again(study: Path, tmp_path: Path) -> None:
    part = Path(shutil.copytree(study, tmp_path / "part"))
    next(part.glob("folds/*.parquet")).unlink()
    with pytest.raises(MienError, match="is not finished, 1 of 4 trainings are missing"):
        evaluate_study(part, tmp_path / "again", progress=False)


def test_what_validation_shares_with_the_test_does_not_train() -> None:
    """The partner of a tested speaker has all of their dialogues."""
    rows = [
        utterance(n, person=f"s{pair}{n % 2}", session=f"s{pair}", dialogue=f"d{pair}")
        for pair in range(3)
        for n in range(8 * pair, 8 * pair + 8)
    ]
    by_speaker = split(rows, "loso-speaker", fold=1)
    assert not validation_may_train(rows, "loso-speaker", by_speaker)
    assert validation_may_train(rows, "loso", split(rows, "loso", fold=1))
