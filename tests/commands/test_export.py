"""mien export: files that ONNX Runtime computes without mien and PyTorch."""

import ast
import json
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxscript", reason="exporting needs the extra onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="exporting needs the extra onnx")

PREDICTOR = Path(__file__).parents[2] / "docs" / "examples" / "predict_onnx.py"
ALONE = """import runpy, sys
for name in ("torch", "mien", "transformers"):
    sys.modules[name] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")"""


def predicted(*words: object) -> dict[str, dict[str, float]]:
    """Run the predictor of the documentation where mien and PyTorch can't be imported."""
    command = [sys.executable, "-c", ALONE, str(PREDICTOR), *map(str, words)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    rows = [line.split(" ", 1) for line in result.stdout.splitlines()]
    return {task: ast.literal_eval(scores) for task, scores in rows}


def test_the_predictor_of_the_documentation_is_short() -> None:
    assert len(PREDICTOR.read_text().splitlines()) <= 35


@pytest.mark.slow
def test_a_run_is_exported_with_its_description(mien, run_folder: Path, tmp_path: Path) -> None:
    result = mien("export", run_folder, tmp_path / "small.onnx")
    assert result.returncode == 0, result.stderr
    assert "largest difference from the model on random inputs: " in result.stdout
    assert float(result.stdout.split()[-1]) < 1e-4
    session = onnxruntime.InferenceSession(tmp_path / "small.onnx")
    about = json.loads(session.get_modelmeta().custom_metadata_map["mien"])
    assert [task["name"] for task in about["tasks"]] == ["emotion", "person"]
    assert about["synthetic_training"] is False
    names = {one.name for one in session.get_inputs()}
    assert names == set(about["inputs"])
    assert [one.name for one in session.get_outputs()] == [
        *("emotion_scores", "person_scores", "clip_embedding"),
    ]
    smaller = mien("export", run_folder, tmp_path / "int8.onnx", "--int8")
    assert smaller.returncode == 0, smaller.stderr
    assert float(smaller.stdout.split()[-1]) < 0.1
    assert (tmp_path / "int8.onnx").stat().st_size < (tmp_path / "small.onnx").stat().st_size
    names = {path.name for path in tmp_path.iterdir()}
    assert names - {"small.tokenizer.json", "int8.tokenizer.json"} == {"small.onnx", "int8.onnx"}


@pytest.mark.slow
@pytest.mark.usefixtures("voice_weights")
def test_a_ready_made_model_answers_alike_without_mien(
    mien, shared_data: Path, tmp_path: Path
) -> None:
    result = mien("export", "mien-base", tmp_path / "base.onnx")
    assert result.returncode == 0, result.stderr
    (clip, *_) = sorted((shared_data / "ravdess").glob("*.flac"))
    soundfile = pytest.importorskip("soundfile")
    samples, rate = soundfile.read(clip, dtype="int16")
    assert rate == 16_000
    with wave.open(str(tmp_path / "clip.wav"), "wb") as file:
        file.setparams((1, 2, rate, len(samples), "NONE", ""))
        file.writeframes(np.asarray(samples, np.int16).tobytes())
    for given in (["--audio", tmp_path / "clip.wav"], ["--text", "I am so glad that you came"]):
        found = predicted(tmp_path / "base.onnx", *given)["emotion"]
        own = [tmp_path / "clip.wav", "--no-sidecar"] if given[0] == "--audio" else given
        answer = mien("predict", *own, "--answer-all", "--json", "-")
        assert answer.returncode == 0, answer.stderr
        (row,) = json.loads(answer.stdout)
        scores = row["answers"]["emotion"]["scores"]
        assert found == pytest.approx(scores, abs=1e-4)


def test_a_name_that_is_no_onnx_file_is_refused(mien, run_folder: Path, tmp_path: Path) -> None:
    result = mien("export", run_folder, tmp_path / "model.bin")
    assert result.returncode == 1
    assert "the name of the file must end in .onnx" in result.stderr
