"""Predictions: pooled, written to a table, and read again with the same numbers."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from made_up_predictions import MIXED, ONE, RATINGS, SENTIMENT, SEVERAL, predictions

from mien.errors import MienError
from mien.inference.evaluate import metrics_of
from mien.inference.predictions import Origin, Predictions, PredictionsInfo, Training
from mien.inference.predictions_file import INFO, SCHEMA, read_predictions, write_predictions
from mien.modality import Modality


def assert_same(found: Predictions, expected: Predictions) -> None:
    assert found.info == expected.info
    assert list(found.origins) == list(expected.origins)
    assert list(found.scores) == list(expected.scores)
    for name in expected.scores:
        np.testing.assert_array_equal(found.scores[name], expected.scores[name])
        np.testing.assert_array_equal(found.truth[name], expected.truth[name])
        np.testing.assert_array_equal(found.known(name), expected.known(name))
        np.testing.assert_array_equal(found.thresholds(name), expected.thresholds(name))


@pytest.mark.parametrize(
    "tasks",
    [(SEVERAL,), (ONE,), (MIXED,), (SENTIMENT,), (RATINGS,), (SEVERAL, SENTIMENT, RATINGS)],
    ids=lambda tasks: "+".join(f"{task.name} {task.loss}" for task in tasks),
)
def test_what_is_written_is_read_with_the_same_numbers(tmp_path: Path, tasks) -> None:
    made = predictions(*tasks, fold=2, seed=7)
    write_predictions(tmp_path / "some.parquet", made)
    found = read_predictions(tmp_path / "some.parquet")
    assert_same(found, made)
    assert metrics_of(found) == metrics_of(made)
    for task in tasks:
        assert found.known(task.name).tolist() == [True, False, *[True] * 10]
    write_predictions(tmp_path / "again.parquet", found)
    written = [(tmp_path / f"{name}.parquet").read_bytes() for name in ("some", "again")]
    assert written[0] == written[1]


def test_no_utterance_is_a_table_too(tmp_path: Path) -> None:
    write_predictions(tmp_path / "none.parquet", predictions(ONE, RATINGS).select([]))
    found = read_predictions(tmp_path / "none.parquet")
    assert len(found) == 0
    assert found.scores["emotion"].shape == found.thresholds("emotion").shape == (0, 3)
    assert found.truth["affect"].shape == (0, 2)


COLUMNS = {
    "id": "string",
    "speaker": "string",
    "session": "string",
    "dialogue": "string",
    "modalities": "list<element: string>",
    "fold": "int32",
    "seed": "int64",
    "task": "string",
    "truth": "list<element: string>",
    "decision": "list<element: string>",
    "scores": "map<string, double>",
    "true_values": "map<string, double>",
}
"""As documented, in pyarrow's spelling."""


def by_hand() -> Predictions:
    info = PredictionsInfo(
        tasks=(SEVERAL, SENTIMENT, RATINGS),
        split="test",
        protocol="loso",
        data="data",
        trainings=(Training(fold=3, seed=1, thresholds={"emotion": [0.5, 0.5, 0.9]}),),
    )
    return Predictions(
        info,
        [
            Origin("a", "Ann", "S1", "D1", (Modality.TEXT, Modality.VIDEO)),
            Origin("b", None, None, None, (Modality.AUDIO,)),
        ],
        {
            "emotion": np.array([[0.6, 0.25, 0.8], [0.1, 0.2, 0.3]]),
            "sentiment": np.array([[3.9], [-3.7]]),
            "affect": np.array([[2.5, 3.5], [1.0, 1.5]]),
        },
        {
            "emotion": np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]),
            "sentiment": np.array([[2.0], [np.nan]]),
            "affect": np.array([[np.nan, 4.0], [np.nan, np.nan]]),
        },
    )


def test_the_table_has_the_documented_columns(tmp_path: Path) -> None:
    write_predictions(tmp_path / "p.parquet", by_hand())
    table = pq.read_table(tmp_path / "p.parquet")
    shown = {field.name: re.sub(r" \('.*?'\)", "", str(field.type)) for field in table.schema}
    assert shown == COLUMNS
    first, second = table.slice(0, 2).to_pylist()
    assert first == {
        "id": "a",
        "speaker": "Ann",
        "session": "S1",
        "dialogue": "D1",
        "modalities": ["text", "video"],
        "fold": 3,
        "seed": 1,
        "task": "emotion",
        "truth": ["happy", "angry"],
        "decision": ["happy", "angry"],  # above its threshold; and the highest with it
        "scores": [("happy", 0.6), ("sad", 0.25), ("angry", 0.8)],
        "true_values": None,
    }
    assert (second["speaker"], second["truth"], second["decision"]) == (None, [], [])
    numbers = table.slice(2).to_pylist()
    assert [row["task"] for row in numbers] == ["sentiment"] * 2 + ["affect"] * 2
    beyond = [row["decision"] for row in numbers[:2]]
    assert beyond == [["highly positive"], ["highly negative"]], "a baseline may leave the scale"
    assert [row["true_values"] for row in numbers] == [
        [("sentiment", 2.0)],
        None,
        [("arousal", 4.0)],
        None,
    ]
    assert [row["truth"] for row in numbers] == [None] * 4
    assert numbers[2]["scores"] == [("valence", 2.5), ("arousal", 3.5)]


def test_a_data_frame_finds_what_is_right_without_mien(tmp_path: Path) -> None:
    made = predictions(ONE, n=60)
    write_predictions(tmp_path / "p.parquet", made)
    table = pq.read_table(tmp_path / "p.parquet", filters=pc.field("truth").is_valid())
    right = pc.equal(pc.list_element(table["truth"], 0), pc.list_element(table["decision"], 0))
    block = metrics_of(made).tasks["emotion"]
    assert table.num_rows == block.n == 59
    assert pc.mean(right).as_py() == block.singlelabel.wa
    happy = pc.map_lookup(table["scores"], "happy", "first").to_pylist()
    assert happy == made.scores["emotion"][made.known("emotion"), 0].tolist()


def changed(table: pa.Table, **info: Any) -> pa.Table:
    content = json.loads(table.schema.metadata[INFO]) | info
    return table.replace_schema_metadata({INFO: json.dumps(content)})


def with_rows(table: pa.Table, **fields: Any) -> pa.Table:
    rows = [row | fields for row in table.to_pylist()]
    return pa.Table.from_pylist(rows, SCHEMA).replace_schema_metadata(table.schema.metadata)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda t: t.replace_schema_metadata(None), "it does not say of which tasks"),
        (lambda t: t.replace_schema_metadata({INFO: b"[" * 100_000}), ""),
        (lambda t: t.replace_schema_metadata({INFO: b"{}"}), "Field required"),
        (lambda t: t.drop_columns(["scores"]), "it has other columns"),
        (lambda t: t.slice(1), "its tasks are of different utterances"),
        (lambda t: changed(t, tasks=[]), "it has no task"),
        (lambda t: changed(t, trainings=[{"seed": 0}] * 2), "two trainings of the same fold"),
        (lambda t: changed(t, tasks=[{"name": "no such"}]), "no task 'no such'"),
        (lambda t: with_rows(t, fold=9), "(9, 0)"),
        (lambda t: with_rows(t, scores=None), "NoneType"),
        (lambda t: with_rows(t, scores=[("other", 1.0)]), "happy"),
        (lambda t: with_rows(t, modalities=["smell"]), "smell"),
        (lambda t: with_rows(t, modalities=None), "NoneType"),
        (lambda t: pa.table({"id": ["a"], "emotion": ["happy"]}), "does not say of which tasks"),
    ],
)
def test_another_table_is_refused_in_a_line(
    tmp_path: Path, spoil: Callable[[pa.Table], pa.Table], why: str
) -> None:
    path = tmp_path / "p.parquet"
    write_predictions(path, predictions(SEVERAL, SENTIMENT))
    pq.write_table(spoil(pq.read_table(path)), path)
    with pytest.raises(MienError) as error:
        read_predictions(path)
    told = error.value.message
    assert told.startswith(f"{path} is no table of predictions (")
    assert why in told
    assert told.endswith("): evaluate again")
    assert "\n" not in told


def test_a_damaged_file_is_refused_wherever_it_is_damaged(tmp_path: Path) -> None:
    path, random = tmp_path / "p.parquet", np.random.default_rng(0)
    write_predictions(path, predictions(SEVERAL))
    whole = path.read_bytes()
    refused = 0
    for number in range(150):
        if number % 2:
            content = bytearray(whole)
            content[random.integers(len(whole))] ^= 255
        else:
            content = whole[: random.integers(len(whole))]
        path.write_bytes(bytes(content))
        try:
            read_predictions(path)
        except MienError as error:
            refused += str(path) in error.message
    assert refused > 100, "all that are cut, and most others"
    with pytest.raises(MienError, match="does not exist"):
        read_predictions(tmp_path / "none.parquet")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_no_numbers_are_not_written(tmp_path: Path, bad: float) -> None:
    path = tmp_path / "p.parquet"
    write_predictions(path, predictions(SENTIMENT))
    before = path.read_bytes()
    made = predictions(SENTIMENT)
    made.scores["sentiment"][4] = bad
    with pytest.raises(MienError, match="not finite numbers, so there is nothing to keep"):
        write_predictions(path, made)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["p.parquet"]
