"""Data that a run is evaluated on, and how they must be like those of its training."""

import logging
from pathlib import Path

import pytest
import samples
from samples import sample, store, tiny_run

from mien import MienError
from mien.inference.evaluate import evaluate
from mien.modality import Modality
from mien.runs.data import open_for
from mien.runs.run import Run


def trained_on(run: Run, face_size: int) -> Run:
    """The same run, as if its data had had face crops of this size."""
    counts = {task.name: dict.fromkeys(task.labels, 4) for task in run.config.tasks}
    changes = {"face_size": face_size, "label_counts": counts}
    run.record_data(run.config.data.model_copy(update=changes))
    return Run(run.folder)


@pytest.fixture
def run(tmp_path: Path, tiny_text: Path) -> Run:
    return tiny_run(tmp_path / "run", tiny_text)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Prepared data with face crops of 48 pixels."""
    return samples.store(tmp_path / "data", [sample(i) for i in range(12)]).folder


def test_face_crops_of_another_size_are_told_and_used(
    run: Run, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "mien.runs")
    found = evaluate(trained_on(run, 112), data=data, split="all", progress=False)
    assert found.tasks["emotion"].n == 12
    (message,) = (
        record.getMessage() for record in caplog.records if record.name == "mien.runs.data"
    )
    assert f"{data} has face crops of 48 pixels, the training had 112: they are resized" in message
    assert "prepare the data again with a face size of 112" in message


def test_face_crops_of_the_same_size_or_unused_ones_are_not_told(
    run: Run, data: Path, tmp_path: Path, tiny_text: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "mien.runs")
    faceless = samples.store(tmp_path / "faceless", [sample(i, "ta") for i in range(4)]).folder
    without_video = tiny_run(tmp_path / "ta", tiny_text, modalities="ta")
    assert open_for(run, data, "tav").face_size == 48
    assert len(open_for(trained_on(run, 112), faceless, "tav")) == 4
    assert len(open_for(trained_on(without_video, 112), data, "ta")) == 12
    assert len(open_for(trained_on(run, 112), data, "ta")) == 12
    assert caplog.records == []


def test_face_crops_of_another_size_are_refused_where_no_encoder_resizes_them(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = trained_on(run, 112)
    encoder = other.config.model.encoders[Modality.VIDEO]
    monkeypatch.setattr(type(encoder), "face_size", None)
    with pytest.raises(
        MienError, match="does not resize them: prepare the data again with"
    ) as error:
        open_for(other, data, "tav")
    assert error.value.parameter == "data"
    assert f"the video encoder {encoder.kind!r}" in str(error.value)
    assert len(open_for(other, data, "ta")) == 12


def test_thresholds_are_not_chosen_with_face_crops_that_are_not_resized(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although the metrics use text and audio alone: thresholds are those of all modalities."""
    other = trained_on(run, 112)
    monkeypatch.setattr(type(other.config.model.encoders[Modality.VIDEO]), "face_size", None)
    with pytest.raises(MienError, match="does not resize them"):
        evaluate(other, data=data, split="all", modalities="ta", progress=False)


def test_data_without_what_the_protocol_needs_ask_for_another_split(
    tmp_path: Path, tiny_text: Path
) -> None:
    run = tiny_run(tmp_path / "run", tiny_text)
    counts = {task.name: dict.fromkeys(task.labels, 1) for task in run.config.tasks}
    changes = {"protocol": "sessions", "label_counts": counts}
    run.record_data(run.config.data.model_copy(update=changes))
    folder = store(tmp_path / "data", [sample(number) for number in range(4)]).folder
    with pytest.raises(MienError) as raised:
        evaluate(run, data=folder, progress=False)
    assert raised.value.parameter == "split"
    message = raised.value.message
    assert message.startswith(f"{folder} cannot be split as the run's data were (the protocol 'ses")
    assert message.endswith("; choose all to take every utterance")
    run.write("thresholds.json", {"emotion": {"happy": 0.5, "sad": 0.5, "angry": 0.5}})
    assert evaluate(run, data=folder, split="all", progress=False).left_out == 0
