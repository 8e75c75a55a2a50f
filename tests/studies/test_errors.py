"""The worst predictions of a system, the labels it confuses, and where the media are."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from constructed import constructed
from samples import sample, store

from mien.cli import main
from mien.dataset.store import Store
from mien.errors import MienError
from mien.inference.error_analysis import confusions, with_media, worst_predictions
from mien.inference.predictions import Origin, Predictions, PredictionsInfo, Training
from mien.inference.predictions_file import write_predictions
from mien.report.error_tables import confusion_table, worst_table
from mien.tasks import AffectTask

THREE = {"labels": "abc", "truth": "aabbcc", "speakers": [None] * 6}


def test_the_worst_come_first() -> None:
    """Of wrong predictions the one that is surest; right ones are not listed."""
    predictions = constructed("abbaaa", **THREE)
    scores = predictions.scores["emotion"].copy()
    scores[1], scores[3] = (0.4, 0.6, 0.0), (1.0, 0.0, 0.0)
    predictions = replace(predictions, scores={"emotion": scores})
    found = worst_predictions(predictions, "emotion")
    assert [each.id for each in found] == ["u3", "u4", "u5", "u1"]
    errors = [2 / 3, (0.9 + 0.1 + 0.9) / 3, (0.9 + 0.1 + 0.9) / 3, 0.4]
    assert [each.error for each in found] == pytest.approx(errors)
    assert (found[0].truth, found[0].predicted) == ({"b": 1.0}, {"a": 1})
    assert [each.id for each in worst_predictions(predictions, "emotion", number=2)] == ["u3", "u4"]


def test_only_utterances_of_a_label() -> None:
    predictions = constructed("abbaaa", **THREE)
    found = worst_predictions(predictions, "emotion", label="c")
    assert [each.id for each in found] == ["u4", "u5"]
    assert confusions(predictions, "emotion", label="c") == [("c", "a", 2)]
    assert confusions(predictions, "emotion") == [("c", "a", 2), ("a", "b", 1), ("b", "a", 1)]
    assert confusions(predictions, "emotion", number=1) == [("c", "a", 2)]
    with pytest.raises(MienError, match=r"label: .* has no label 'd': choose from a, b, c"):
        worst_predictions(predictions, "emotion", label="d")
    with pytest.raises(MienError, match="task: there are no predictions of 'person' but of emo"):
        worst_predictions(predictions, "person")


def test_several_trainings_vote() -> None:
    predictions = constructed({0: "ab", 1: "ac", 2: "bc"}, "ab", [None] * 2, labels="abc")
    found = worst_predictions(predictions, "emotion")
    assert [(each.id, each.predicted, each.trainings) for each in found] == [
        ("u1", {"b": 1, "c": 2}, 3),
        ("u0", {"a": 2, "b": 1}, 3),
    ]
    assert [each.error for each in found] == pytest.approx([(2 * 1.9 + 0.3) / 9, (1.9 + 0.6) / 9])
    assert [row[2:4] for row in worst_table("emotion", found).labels] == [
        ("b", "b (1 of 3), c (2 of 3)"),
        ("a", "a (2 of 3), b (1 of 3)"),
    ]
    assert confusions(predictions, "emotion") == [("b", "c", 2), ("a", "b", 1)]


def test_several_labels_and_none() -> None:
    """Thresholds decide; a prediction of no label is a confusion too."""
    predictions = constructed("aa", "ab", [None] * 2, loss="bce")
    task = predictions.info.tasks[0].model_copy(update={"single_label": False})
    thresholds = Training(thresholds={"emotion": [0.95, 0.05]})
    info = predictions.info.model_copy(update={"tasks": (task,), "trainings": (thresholds,)})
    scores = {"emotion": np.array([[0.9, 0.1], [0.9, 0.01]])}
    predictions = replace(predictions, info=info, scores=scores)
    assert confusions(predictions, "emotion") == [("a", "a, b", 1), ("b", "none", 1)]
    rows = worst_table("emotion", worst_predictions(predictions, "emotion")).labels
    assert {row[0]: row[2:4] for row in rows}["u1"] == ("b", "none")


@pytest.fixture
def numbers() -> Predictions:
    task = AffectTask(labels=("valence", "arousal"), loss="ccc", means=(0, 0), deviations=(1, 1))
    truth = np.array([[1.0, np.nan], [2.0, 4.0], [np.nan, np.nan]])
    return Predictions(
        PredictionsInfo(
            tasks=(task,),
            split="test",
            protocol="random",
            data="data",
            trainings=(Training(seed=0), Training(seed=1)),
        ),
        [Origin(f"u{n}", "Ann", None, None, (), training) for training in (0, 1) for n in range(3)],
        {"affect": np.array([[0.0, 9], [2, 2], [5, 5], [0.5, 9], [2, 3], [5, 5]])},
        {"affect": np.tile(truth, (2, 1))},
    )


def test_numbers_have_errors_and_no_confusions(numbers: Predictions) -> None:
    """Only what is rated counts; all utterances are listed, since none is right or wrong."""
    found = worst_predictions(numbers, "affect")
    assert [(each.id, each.error) for each in found] == [("u0", 0.75), ("u1", 0.75)]
    assert found[0].truth == {"valence": 1.0}
    assert found[1].predicted == {"valence": 2.0, "arousal": 2.5}
    row = worst_table("affect", found).labels[1]
    assert row[2:5] == ("valence 2.00, arousal 4.00", "valence 2.00, arousal 2.50", "0.750")
    assert confusions(numbers, "affect") == []
    assert confusion_table([]).labels == []


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """Two utterances with media, of which one file is not there any more."""
    (tmp_path / "a.wav").touch()
    fields = ({"id": "u0", "audio": tmp_path / "a.wav"}, {"id": "u1", "video": tmp_path / "b.mp4"})
    times = {"start": 1.5, "end": 3.25}
    samples = [sample(n, "ta", **(own | times)) for n, own in enumerate(fields)]
    return store(tmp_path / "data", samples).folder


@pytest.fixture
def file(prepared: Path) -> Path:
    """Predictions of these: both wrong."""
    info = {"data": str(prepared), "fingerprint": Store(prepared).fingerprint}
    path = prepared.parent / "predictions.parquet"
    write_predictions(path, constructed("ba", "ab", ["Ann"] * 2, **info))
    return path


def test_media_to_look_at(file: Path, prepared: Path, capsys, tmp_path: Path) -> None:
    assert main(["errors", str(file), "--json", str(tmp_path / "errors.json")]) == 0
    shown = capsys.readouterr().out
    assert f"{prepared.parent / 'a.wav'} from 1.5 s to 3.2 s" in shown
    assert f"{prepared.parent / 'b.mp4'} (missing) from 1.5 s to 3.2 s" in shown
    assert "Missing media are not where they lay when the data were prepared" in shown
    content = json.loads((tmp_path / "errors.json").read_text())
    texts = {utterance.id: utterance.text for utterance in Store(prepared).utterances}
    assert {each["id"]: each["text"] for each in content} == texts
    assert [each["media_missing"] for each in content] == [False, True]


def test_data_that_have_moved(file: Path, prepared: Path, capsys, tmp_path: Path) -> None:
    moved = prepared.rename(tmp_path / "moved")
    assert main(["errors", str(file)]) == 1
    told = capsys.readouterr().err
    assert told.startswith("mien: --data: text and media are looked up in the prepared data")
    assert f"{prepared}: no such folder" in told
    assert "If they have moved, say where they are now" in told
    assert main(["errors", str(file), "--data", str(moved)]) == 0
    assert "a.wav" in capsys.readouterr().out


def test_other_data_are_refused(file: Path, tmp_path: Path, study_data: Path) -> None:
    found = worst_predictions(constructed("ba", "ab"), "emotion")
    with pytest.raises(MienError, match=r"data: .* are other data than those that were predicted"):
        with_media(found, study_data, "0123")
    assert with_media(found, study_data) == found, "nothing is known of these utterances"


def test_nothing_is_wrong(file: Path, prepared: Path, capsys, tmp_path: Path) -> None:
    info = {"data": str(prepared)}
    write_predictions(tmp_path / "right.parquet", constructed("ab", "ab", ["Ann"] * 2, **info))
    assert main(["errors", str(tmp_path / "right.parquet")]) == 0
    assert capsys.readouterr().out == "emotion: no prediction is wrong\n"
