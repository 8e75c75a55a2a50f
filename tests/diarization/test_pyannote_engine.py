"""pyannote.audio as the engine, with a stand-in for the package: it is not installed here."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pyannote.core import Annotation, Segment
from tones import conversation, hear

from mien.diarization.pyannote_engine import PyannoteDiarizer
from mien.errors import MienError
from mien.turn import Turn

SPANS = [(0.2, 6.0, "SPEAKER_01"), (5.0, 9.0, "SPEAKER_00"), (9.1, 9.3, "SPEAKER_01")]


class Pipeline:
    """As pyannote.audio 4.0.7 defines it, as far as it is used."""

    asked: dict[str, Any] = {}  # noqa: RUF012

    @classmethod
    def from_pretrained(cls, checkpoint: Path) -> "Pipeline":
        if "bad" in checkpoint.name:
            raise ValueError("no such class")
        return cls()

    def __call__(self, file: dict[str, Any], **options: int) -> SimpleNamespace:
        Pipeline.asked = {"shape": tuple(file["waveform"].shape), "rate": file["sample_rate"]}
        Pipeline.asked |= {"peak": float(file["waveform"].abs().max()), **options}
        annotation = Annotation()
        for i, (start, end, label) in enumerate(SPANS):
            annotation[Segment(start, end), i] = label
        return SimpleNamespace(speaker_diarization=annotation)


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("pyannote.audio")
    module.Pipeline = Pipeline  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyannote.audio", module)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text("pipeline: {}")
    return tmp_path


def test_turns_are_those_of_the_pipeline_within_the_speech(package: None, folder: Path) -> None:
    waveform, _ = conversation([(0, 5.0), (1, 5.0)])
    engine = PyannoteDiarizer(folder, speakers=2, encoder=hear)
    found = engine(waveform, [Turn(0.0, 8.0), Turn(9.0, 10.0)])
    assert found.turns == [
        Turn(0.2, 5.0, "Speaker 1"),
        Turn(5.0, 6.0, "Speaker 2", mark="overlap"),
        Turn(5.0, 6.0, "Speaker 1", mark="overlap"),
        Turn(6.0, 8.0, "Speaker 2"),
        Turn(9.1, 9.3, "Speaker 1", mark="short"),
    ]
    asked = Pipeline.asked
    assert (asked["shape"], asked["rate"]) == ((1, len(waveform)), 16_000)
    assert asked["num_speakers"] == 2
    assert asked["peak"] == pytest.approx(np.abs(waveform).max() / 32768)
    for name, start in (("Speaker 1", 0.3), ("Speaker 2", 6.2)):
        sound = waveform[int(start * 16_000) :][:25_600] / np.float32(32768)
        assert found.embeddings[name] @ hear(sound[None])[0] > 0.99


def test_the_number_is_estimated_up_to_the_most_that_is_allowed(
    package: None, folder: Path
) -> None:
    waveform, turns = conversation([(0, 5.0), (1, 5.0)])
    PyannoteDiarizer(str(folder), max_speakers=7, encoder=hear)(waveform, turns)
    assert Pipeline.asked["max_speakers"] == 7
    assert "num_speakers" not in Pipeline.asked


def test_without_speech_the_pipeline_is_not_asked(package: None, folder: Path) -> None:
    Pipeline.asked = {}
    found = PyannoteDiarizer(folder, encoder=hear)(np.zeros(16_000, np.int16), [])
    assert (found.turns, found.embeddings, Pipeline.asked) == ([], {}, {})


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyannote.audio", None)
    with pytest.raises(MienError, match=r"pip install pyannote\.audio"):
        PyannoteDiarizer(folder)


def test_a_folder_without_a_pipeline_is_refused(package: None, tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"no config\.yaml"):
        PyannoteDiarizer(tmp_path)


def test_a_pipeline_that_cannot_be_loaded_is_named(package: None, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "config.yaml").write_text("")
    with pytest.raises(MienError, match=r"bad cannot be loaded .* no such class"):
        PyannoteDiarizer(bad)


def test_offline_a_name_is_looked_up_in_the_cache(
    package: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path))
    with pytest.raises(MienError, match="someone/pipeline is no folder, and could not be fetched"):
        PyannoteDiarizer("someone/pipeline")
