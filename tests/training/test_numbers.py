"""The numbers of each model stay the same, bit for bit on the processor that recorded them.

A change of structure must not change a number. For each model this takes the logits of a new
network, trains one step and two epochs on synthetic data with the commands, and compares weights
and scores with those in `numbers.json`: exactly where the processor and the libraries are those
that wrote it, to a tolerance elsewhere, where two epochs are not compared. Names of weights are
left out, so that they may change. After a change that is meant to change numbers, write them anew:

    .venv/bin/python tests/training/test_numbers.py
"""

import hashlib
import json
import platform
import sys
import tempfile
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mien.cli import main
from mien.dataset.store import Store
from mien.inference.recognizer import Recognizer
from mien.runs.run import Run

RECORDED = Path(__file__).with_name("numbers.json")
SAMPLES = 9

COMMON = ["--protocol", "dialogues", "--task", "emotion+person", "--lr", "2e-3", "--seed", "3"]
FEW_LAYERS = ["--temporal-layers", "1", "--temporal-feedforward", "32"]
CNN = ["--width", "0.125", "--temporal-dim", "16", "--temporal-heads", "2", *FEW_LAYERS]
FLAGS = {
    "mme2e": [*CNN, "--positions", "--modality-loss", "0.3", "--augment"],
    "mme2e-sparse": [*CNN, "--sparsity", "both", "--text-freeze"],
    "lf-rnn": ["--rnn-hidden", "16", "--standardize"],
    "lf-transformer": [*FEW_LAYERS, "--fusion", "concat"],
}


def environment() -> dict[str, str]:
    """Name what may round in another way."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().split("\n\n")[0].splitlines() if info.exists() else []
    facts = {name.strip(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    kinds = ("vendor_id", "cpu family", "model", "stepping", "flags")
    features = hashlib.sha256("|".join(facts.get(kind, "") for kind in kinds).encode()).hexdigest()
    packages = {name: version(name) for name in ("torch", "transformers", "numpy")}
    name = facts.get("model name", platform.processor())
    return {"processor": name, "features": features[:16], **packages}


def measure(model: str, data: Path, text: Path, out: Path) -> dict[str, Any]:
    """Give logits of a new network, and digests of weights and scores after a step and 2 epochs."""
    flags = [*COMMON, *FLAGS[model]]
    if not model.startswith("lf-"):
        flags += ["--text-model", str(text)]
    found: dict[str, Any] = {}
    for stage, steps in (("step", ["1000", "--epochs", "1"]), ("epochs", ["8", "--epochs", "2"])):
        run = out / f"{model}-{stage}"
        command = ["train", str(data), "--out", str(run), "--model", model, *flags]
        assert main([*command, "--batch-size", *steps]) == 0
        recognizer = Recognizer.from_pretrained(run, device="cpu")
        if not found:
            torch.manual_seed(0)
            recognizer.model = Run(run).build().eval()
            found["new"] = _answers(recognizer, data)
            recognizer = Recognizer.from_pretrained(run, device="cpu")
        weights = recognizer.model.state_dict().values()
        found[stage] = _answers(recognizer, data) | {"weights": _digest(weights)}
    return found


def _answers(recognizer: Recognizer, data: Path) -> dict[str, Any]:
    store = Store(data)
    samples = [recognizer.read(store[number]).segments[0][2] for number in range(SAMPLES)]
    with torch.inference_mode():
        _, output = recognizer.forward(samples)
    logits = [output.logits[task] for task in sorted(output.logits)]
    return {
        "logits": [round(value, 7) for value in torch.cat(logits, dim=1).flatten().tolist()],
        "digest": _digest([*logits, output.embedding]),
    }


def _digest(tensors: Iterable[Tensor]) -> str:
    """Identify tensors bit for bit, whatever their names and their order."""
    parts = sorted(
        hashlib.sha256(np.ascontiguousarray(tensor.float().numpy()).tobytes()).digest()
        for tensor in tensors
    )
    return hashlib.sha256(b"".join(parts)).hexdigest()[:32]


@pytest.fixture(scope="module")
def data(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from shutil import copytree

    folder = tmp_path_factory.mktemp("numbers") / "data"
    copytree(tiny_data, folder)
    assert main(["features", str(folder), "--workers", "1"]) == 0
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("model", FLAGS)
def test_the_numbers_are_those_recorded(
    model: str, data: Path, tiny_text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = json.loads(RECORDED.read_text())
    found = measure(model, data, tiny_text, tmp_path)
    if environment() == recorded["environment"]:
        assert found == recorded["models"][model]
    # elsewhere rounding differs, and training makes the more of it the longer it lasts
    for stage, tolerance in (("new", 1e-4), ("step", 1e-2)):
        expected = recorded["models"][model][stage]["logits"]
        assert found[stage]["logits"] == pytest.approx(expected, abs=tolerance), stage


def write(folder: Path) -> None:
    """Record the numbers of this checkout on this machine."""
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from training_data import write_data, write_text_encoder

    data, text = write_data(folder / "data"), write_text_encoder(folder / "text")
    assert main(["features", str(data), "--workers", "1"]) == 0
    models = {model: measure(model, data, text, folder) for model in FLAGS}
    content = {"environment": environment(), "models": models}
    RECORDED.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        write(Path(temporary))
