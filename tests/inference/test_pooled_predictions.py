"""Predictions of several trainings together, and what `evaluate` makes of those of one."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from made_up_predictions import MIXED, ONE, RATINGS, SENTIMENT, SEVERAL, predictions
from samples import sample, store, tiny, tiny_model
from sklearn.metrics import f1_score

from mien.cli import main
from mien.errors import MienError
from mien.inference.evaluate import evaluate, metrics_of, predict_split
from mien.inference.predictions import Predictions, align, pool
from mien.inference.predictions_file import read_predictions, write_predictions
from mien.runs.config import DataConfig, RunConfig
from mien.runs.run import Run
from mien.tasks import EmotionTask, PersonTask, Task

LATER = EmotionTask(labels=("sad", "calm", "happy"), loss="bce")
"""Knows calm, and does not know angry."""


@pytest.fixture
def folds() -> list[Predictions]:
    """Two folds that know different labels, with thresholds of their own."""
    return [
        predictions(SEVERAL, fold=1, thresholds=(0.1, 0.2, 0.3), left_out=2),
        predictions(LATER, fold=2, thresholds=(0.6, 0.7, 0.8), left_out=3),
    ]


def test_the_pool_has_the_labels_of_all(folds: list[Predictions]) -> None:
    pooled = pool(folds)
    assert pooled.task("emotion").labels == ("happy", "sad", "angry", "calm")
    assert len(pooled) == 24
    assert [o.training for o in pooled.origins] == [0] * 12 + [1] * 12
    first, second = pooled.scores["emotion"][:12], pooled.scores["emotion"][12:]
    np.testing.assert_array_equal(first[:, :3], folds[0].scores["emotion"])
    np.testing.assert_array_equal(second[:, [1, 3, 0]], folds[1].scores["emotion"])
    assert not first[:, 3].any(), "the first fold does not know calm"
    assert not second[:, 2].any(), "the second does not know angry"
    thresholds = pooled.thresholds("emotion")
    assert np.unique(thresholds[:12], axis=0).tolist() == [[0.1, 0.2, 0.3, 1.0]]
    assert np.unique(thresholds[12:], axis=0).tolist() == [[0.8, 0.6, 1.0, 0.7]]


def test_the_truth_of_the_pool_is_that_of_its_parts(folds: list[Predictions]) -> None:
    truth = pool(folds).truth["emotion"]
    assert np.isnan(truth[[1, 13]]).all(), "unknown in every label, the new ones too"
    known = [row for row in range(12) if row != 1]
    np.testing.assert_array_equal(truth[:12][known, :3], folds[0].truth["emotion"][known])
    np.testing.assert_array_equal(truth[12:][known][:, [1, 3, 0]], folds[1].truth["emotion"][known])
    assert not truth[:12][known, 3].any()
    assert pool(folds).known("emotion").sum() == 22


def test_counts_and_utterances_left_out_add_up_over_the_trainings(folds) -> None:
    pooled = pool(folds)
    counts = [part.info.trainings[0].label_counts["emotion"] for part in folds]
    assert pooled.counts("emotion") == {
        label: counts[0].get(label, 0) + counts[1].get(label, 0)
        for label in ("happy", "sad", "angry", "calm")
    }
    assert pooled.info.left_out == metrics_of(pooled).left_out == 5
    assert [pooled.of(fold=fold).info.left_out for fold in (1, 2)] == [2, 3]


def test_trainings_are_found_by_fold_and_by_seed() -> None:
    jobs = [(fold, seed) for fold in (1, 2, 3) for seed in (0, 5)]
    parts = {job: predictions(ONE, SENTIMENT, fold=job[0], seed=job[1]) for job in jobs}
    pooled = pool(list(parts.values()))
    for (fold, seed), part in parts.items():
        found = pooled.of(fold=fold, seed=seed)
        assert found.info == part.info
        assert list(found.origins) == list(part.origins)
        for name in ("emotion", "sentiment"):
            np.testing.assert_array_equal(found.scores[name], part.scores[name])
            np.testing.assert_array_equal(found.truth[name], part.truth[name])
    by_seed = pooled.of(seed=5)
    assert [(t.fold, t.seed) for t in by_seed.info.trainings] == [(1, 5), (2, 5), (3, 5)]
    assert [o.training for o in by_seed.origins] == [n for n in range(3) for _ in range(12)]
    assert len(pooled.of(fold=2)) == 24
    nothing = pooled.of(fold=4)
    assert (len(nothing), nothing.info.trainings) == (0, ())
    assert nothing.thresholds("emotion").shape == (0, 3)
    assert len(pooled.of()) == len(pooled) == 72


def test_a_pool_is_read_with_the_same_numbers(folds: list[Predictions], tmp_path: Path) -> None:
    pooled = pool(folds)
    write_predictions(tmp_path / "p.parquet", pooled)
    found = read_predictions(tmp_path / "p.parquet")
    assert found.info == pooled.info
    assert list(found.origins) == list(pooled.origins)
    np.testing.assert_array_equal(found.scores["emotion"], pooled.scores["emotion"])
    np.testing.assert_array_equal(found.truth["emotion"], pooled.truth["emotion"])
    assert metrics_of(found) == metrics_of(pooled)


def test_each_fold_decides_by_its_own_thresholds(folds: list[Predictions], tmp_path: Path) -> None:
    pooled = pool(folds)
    write_predictions(tmp_path / "p.parquet", pooled)
    rows = pq.read_table(tmp_path / "p.parquet").to_pylist()
    labels = np.array(pooled.task("emotion").labels)
    for part, number in zip(folds, (1, 2), strict=True):
        own = [row for row in rows if row["fold"] == number]
        above = part.scores["emotion"] > part.info.trainings[0].thresholds["emotion"]
        best = np.array(part.task("emotion").labels)[part.scores["emotion"].argmax(axis=1)]
        for row, chosen, highest in zip(own, above, best, strict=True):
            expected = {part.task("emotion").labels[place] for place in np.flatnonzero(chosen)}
            assert set(row["decision"]) == expected | ({highest} if expected else set())
    known = pooled.known("emotion")
    block = metrics_of(pooled).tasks["emotion"].multilabel
    above = np.concatenate(
        [folds[0].scores["emotion"] > [0.1, 0.2, 0.3], folds[1].scores["emotion"] > [0.6, 0.7, 0.8]]
    )
    for place, label in enumerate(("happy", "sad")):
        column = np.concatenate([above[:12, place], above[12:, {"happy": 2, "sad": 0}[label]]])
        expected = f1_score(pooled.truth["emotion"][known, place], column[known])
        assert block.per_label[label].f1 == pytest.approx(expected)
        assert block.per_label[label].threshold is None, "it is not the same in both folds"
    assert labels.tolist() == list(block.per_label)


@pytest.mark.parametrize("tasks", [(SEVERAL,), (MIXED,), (ONE,), (SENTIMENT, RATINGS)])
def test_a_pool_of_one_is_evaluated_as_it_is_alone(tasks: tuple[Task, ...]) -> None:
    alone = predictions(*tasks, fold=1)
    assert metrics_of(pool([alone])) == metrics_of(alone)
    assert pool([alone]).info == alone.info


def test_what_asks_different_things_is_not_pooled(folds: list[Predictions]) -> None:
    with pytest.raises(MienError, match="another loss in some of the trainings"):
        pool([predictions(SEVERAL, fold=1), predictions(ONE, fold=2)])
    shorter = RATINGS.model_copy(
        update={"labels": ("valence",), "means": (3.0,), "deviations": (1.0,)}
    )
    with pytest.raises(MienError, match="the task 'affect' has other labels"):
        pool([predictions(RATINGS, fold=1), predictions(shorter, fold=2)])
    with pytest.raises(MienError, match="there are no predictions of 'emotion' but of sentiment"):
        pool([folds[0], predictions(SENTIMENT, fold=2)])
    with pytest.raises(MienError, match="two trainings of the same fold and seed"):
        pool([folds[0], predictions(SEVERAL, fold=1)])


def test_alignment_keeps_the_tasks_asked_for_and_their_labels() -> None:
    made = predictions(SEVERAL, SENTIMENT)
    turned = SEVERAL.model_copy(update={"labels": ("angry", "new", "happy", "sad")})
    found = align(made, [turned])
    assert list(found.scores) == list(found.truth) == ["emotion"]
    np.testing.assert_array_equal(found.scores["emotion"][:, [2, 3, 0]], made.scores["emotion"])
    assert found.thresholds("emotion")[0].tolist() == [0.7, 1.0, 0.3, 0.5]
    assert made.thresholds("emotion")[0].tolist() == [0.3, 0.5, 0.7], "the original is unchanged"
    same = align(made, [SEVERAL, SENTIMENT])
    assert same.info == made.info


def test_nothing_that_is_known_is_no_block() -> None:
    made = predictions(SEVERAL, SENTIMENT)
    unknown = replace(made, truth=made.truth | {"sentiment": np.full((12, 1), np.nan)})
    found = metrics_of(unknown)
    assert found.unlabelled == ["sentiment"]
    assert list(found.tasks) == ["emotion"]
    assert found.tasks["emotion"].n == 11


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of an audio model that has learnt nothing, and its data of 48 utterances."""
    folder = tmp_path_factory.mktemp("evaluated")
    labels = ("neutral", "calm", "happy")
    speakers = tuple(f"person-{n}" for n in range(4))
    unlabelled = {"emotions": None, "person": None}
    samples = [sample(i, "a", **(unlabelled if i % 9 == 4 else {})) for i in range(48)]
    store(folder / "data", samples)
    counts = {"emotion": dict.fromkeys(labels, 10), "person": dict.fromkeys(speakers, 8)}
    config = RunConfig(
        model=tiny(modalities="a"),
        tasks=(EmotionTask(labels=labels, loss="bce"), PersonTask(labels=speakers, loss="ce")),
        data=DataConfig(
            path=str(folder / "data"),
            corpus="synthetic",
            protocol="random",
            synthetic=True,
            label_counts=counts,
        ),
        training={"seed": 3},
    )
    made = Run.create(folder / "run", config)
    made.write_model(tiny_model(None, modalities="a"))
    return made


def test_evaluation_is_of_the_predictions_that_are_written(run: Run, tmp_path: Path) -> None:
    found = predict_split(run, split="all", progress=False)
    assert (found.info.left_out, len(found)) == (5, 43)
    assert found.info.trainings[0].seed == 3
    write_predictions(tmp_path / "p.parquet", found)
    metrics = evaluate(run, split="all", progress=False)
    assert metrics == metrics_of(found) == metrics_of(pool([found]))
    assert metrics == metrics_of(read_predictions(tmp_path / "p.parquet"))
    thresholds = json.loads((run.folder / "thresholds.json").read_text())["emotion"]
    assert found.thresholds("emotion")[0].tolist() == list(thresholds.values())
    assert {
        name: row.threshold for name, row in metrics.tasks["emotion"].multilabel.per_label.items()
    } == thresholds
    assert {str(m) for o in found.origins for m in o.modalities} == {"audio"}


def test_the_command_keeps_predictions_of_the_test_split_in_the_run(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, other = run.folder / "predictions.parquet", tmp_path / "valid.parquet"
    assert main(["evaluate", str(run.folder), "--split", "valid", "--predictions", str(other)]) == 0
    assert not kept.exists()
    assert read_predictions(other).info.split == "valid"
    assert main(["evaluate", str(run.folder)]) == 0
    test = read_predictions(kept)
    assert test.info.split == "test"
    assert not {o.id for o in test.origins} & {o.id for o in read_predictions(other).origins}
    written = json.loads((run.folder / "metrics.json").read_text())
    assert written == metrics_of(test).model_dump(mode="json")
    assert "emotion, test split" in capsys.readouterr().out
