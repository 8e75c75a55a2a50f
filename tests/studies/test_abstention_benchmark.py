"""The benchmark of abstention goes from a study to its page: on tiny synthetic tones."""

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import samples
from study_data import spoken

from mien.cli import main
from mien.errors import MienError
from mien.utterance import Sample

PATH = Path(__file__).parents[2] / "benchmarks" / "abstention.py"
TINY = "--width 0.125 --temporal-dim 16 --temporal-layers 1 --temporal-heads 2"
TINY += " --temporal-feedforward 32 --epochs 2 --loss ce --batch-size 8 --lr 5e-3"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = spec_from_file_location("abstention_benchmark", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclasses look for their module
    spec.loader.exec_module(module)
    return module


def tone(number: int) -> Sample:
    """Half a second of a tone that tells the emotion, between pauses."""
    time = np.arange(8000) / 16_000
    sound = np.sin(2 * np.pi * (300 + 400 * (number % 3)) * time) * 8000
    pause = np.random.default_rng(number).normal(0, 5, 4000)
    waveform = np.concatenate([pause, sound, pause]).astype(np.int16)
    return Sample(utterance=spoken(number, text=None), waveform=waveform)


@pytest.fixture(scope="module")
def audio_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("abstention")
    samples.store(folder / "data", [tone(number) for number in range(48)])
    words = ["cv", str(folder / "data"), "--protocol", "kfold-speakers", "--num-folds", "2"]
    words += ["--modalities", "a", *TINY.split(), "--device", "cpu", "--out", str(folder / "study")]
    assert main(words) == 0
    return folder / "study"


def test_a_page_its_numbers_and_its_picture_are_written(
    benchmark: ModuleType, audio_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "CONDITIONS", ("clean", "white:10", "white:0"))
    page = tmp_path / "page.md"
    typed = ["abstention.py", str(audio_study), "--out", str(tmp_path / "noise")]
    monkeypatch.setattr("sys.argv", [*typed, "--page", str(page)])
    benchmark.main()
    found = json.loads(page.with_suffix(".json").read_text())
    assert page.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert "| 10 dB | " in page.read_text()
    assert (found["utterances"], found["speakers"], found["folds"]) == (48, 4, 2)
    for name, rows in found["conditions"].items():
        always, ruled = rows[0], rows[len(benchmark.THRESHOLDS)]
        assert always["coverage"] == 1
        # the noise rule refuses all at 0 dB, and nothing that is cleaner than its 5
        assert ruled["coverage"] == (0 if name == "white:0" else 1), name
        coverages = [row["coverage"] for row in rows[: len(benchmark.THRESHOLDS)]]
        assert coverages == sorted(coverages, reverse=True)


def test_what_is_answered_is_counted(benchmark: ModuleType) -> None:
    one = benchmark.Condition(
        np.array([0.9, 0.7, 0.5, 0.3]),
        np.array([True, True, False, False]),
        np.array([False, True, False, False]),
    )
    assert one.answered(0.0, False) == {"coverage": 1.0, "accuracy": 0.5, "answered": 4}
    assert one.answered(0.6, False) == {"coverage": 0.5, "accuracy": 1.0, "answered": 2}
    assert one.answered(0.6, True) == {"coverage": 0.25, "accuracy": 1.0, "answered": 1}
    assert one.answered(1.0, True) == {"coverage": 0.0, "accuracy": None, "answered": 0}
    # four bins of one: |0.9 - 1|, |0.7 - 1|, |0.5 - 0|, |0.3 - 0|
    assert one.calibration_error() == pytest.approx((0.1 + 0.3 + 0.5 + 0.3) / 4)


def test_a_fold_is_calibrated_by_the_others(benchmark: ModuleType, audio_study: Path) -> None:
    from mien.studies.study import Study

    clean = Study(audio_study).predictions()
    heat = benchmark.temperatures(clean)
    changed = Study(audio_study).predictions()
    folds = np.array(benchmark.folds_of(changed))
    first = folds[0]
    changed.scores["emotion"][folds == first] = 1 / 3
    assert benchmark.temperatures(changed)[first] == heat[first]
    (other,) = set(heat) - {first}
    assert benchmark.temperatures(changed)[other] != heat[other]


def test_a_study_that_is_missing_is_named(
    benchmark: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["abstention.py", str(tmp_path / "none")])
    with pytest.raises(MienError, match=r"no study .*none"):
        benchmark.main()
