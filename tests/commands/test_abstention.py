"""`mien predict` that can't tell: what a user sees, the status, and what makes it answer."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from samples import tiny_run

from mien.inference.prediction import Prediction
from mien.runs.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_text: Path) -> Run:
    made = tiny_run(tmp_path_factory.mktemp("abstains") / "run", tiny_text, modalities="ta")
    made.write("abstention.json", {"languages": ["en"]})
    return made


@pytest.fixture(scope="module")
def hiss(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hiss") / "hiss.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 48_000), 16_000)
    return path


def test_a_refusal_is_a_result(program, run: Run, hiss: Path) -> None:
    told = program("predict", hiss, "--model", run.folder)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines()[:3] == [
        str(hiss),
        "  3.0 s; nothing could be used",
        "  can't tell: no speech (nobody is heard speaking in 3.0 s)",
    ]


def test_answer_all_answers(mien, run: Run, hiss: Path) -> None:
    told = mien("predict", hiss, "--model", run.folder, "--answer-all", "--json", "-")
    (document,) = json.loads(told.stdout)
    assert document["abstained"] is None
    assert document["modalities"] == ["audio"]
    assert set(document["answers"]["person"]["scores"]) == {"a", "b", "c", "d"}


def test_the_json_lists_the_reasons(mien, run: Run) -> None:
    told = mien(
        *("predict", "--model", run.folder, "--json", "-"), "--text", "Lass mich bitte in Ruhe"
    )
    assert told.returncode == 0
    (document,) = json.loads(told.stdout)
    assert document["abstained"] == [
        {
            "kind": "other language",
            "modality": "text",
            "task": None,
            "detail": "German; the model knows English",
        }
    ]
    assert document["answers"]["emotion"]["decision"] == []
    assert Prediction.model_validate(document).segments[0].text == "Lass mich bitte in Ruhe"


def test_a_photo_says_what_the_model_lacks(mien, run: Run, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "photo.jpg"), np.full((80, 80, 3), 120, np.uint8))
    told = mien("predict", tmp_path / "photo.jpg", "--model", run.folder)
    assert told.returncode == 1
    assert "it has an image, which this model does not use: choose one that does" in told.stderr
