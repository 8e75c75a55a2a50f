"""The rules of the house: which room may know which, and nothing heavy or unsafe by the way."""

import re
import subprocess
import sys

import pytest
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

ABOVE = {"", "__main__", "bench", "cli", "demo", "published"}
"""What talks to the user: it may print and name flags."""

BASE = (
    *("answer", "errors", "files", "modality", "names", "encoding", "utterance", "batch"),
    *("tensor_file", "yaml_file", "plugins", "registry", "resize"),
)

ALLOWED = {
    "answer": (),
    "errors": (),
    "modality": (),
    "utterance": ("modality",),
    "names": (),
    "encoding": (),
    "batch": ("modality",),
    "files": ("errors",),
    "plugins": ("errors",),
    "registry": ("errors", "plugins"),
    "resize": (),
    "safe_pickle": ("errors",),
    "metrics": ("errors",),
    "tasks": ("answer", "utterance", "errors", "metrics"),
    "corpora": ("safe_pickle", "utterance", "errors", "names", "encoding", "registry"),
    "media": ("utterance", "errors", "names", "encoding", "resize"),
    "models": ("batch", "errors", "modality", "resize", "utterance"),
    "dataset": (*BASE, "media", "models", "tasks"),
    "features": (*BASE, "corpora.iemocap", "dataset", "media", "models", "safe_pickle"),
    "runs": (*BASE, "dataset", "features", "models", "tasks", "training.config"),
    "inference": (*BASE, "dataset", "media", "metrics", "models", "runs", "tasks"),
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


BACKWARD = {("runs.data", "training.config")}
"""Imports that go up, from a package to one that knows it: to be mended, and none to be added."""


def test_no_package_imports_itself_by_way_of_others() -> None:
    for name, other in BACKWARD:
        assert other in imports(name), f"{name} imports {other} no more: take it out of BACKWARD"
    assert cycle(packages(but=BACKWARD)) == []


FILES_AND_BARS = {"argparse", "csv", "io", "json", "os", "pathlib", "safetensors", "tqdm", "yaml"}


@pytest.mark.parametrize("name", ["metrics", "models"])
def test_numbers_know_no_files(name: str) -> None:
    """But one module of the models finds pretrained text encoders."""
    found = {one for one in MODULES if package(one) == name and outside(one) & FILES_AND_BARS}
    assert found - {"models.encoders.text"} == set()


def test_inference_and_what_is_below_it_import_no_lightning() -> None:
    heavy = {"lightning", "matplotlib", "tensorboard", "starlette", "fastapi", "uvicorn"}
    for name in closure(one for one in MODULES if package(one) == "inference"):
        assert not outside(name) & heavy, name


PRINTING = {
    "dataset.prepare",
    "features.extract",
    "inference.evaluate",
    "training.fit",
    "training.setup",
}
"""Modules below the commands that print, to be mended."""

NAMING_FLAGS = {
    *("corpora.published_split", "features.extract"),
    *("features.text", "gallery.gallery", "gallery.lists", "gallery.search"),
    *("identity.comparison", "identity.verification", "inference.evaluate"),
    *(
        "inference.recognizer",
        "metrics.verification",
        "models.encoders.text",
        "models.encoders.voice_columns",
        "report.explain",
    ),
    *("report.run_report", "runs.data", "runs.run", "training.baseline"),
    *("training.checkpoint", "training.config", "training.fit", "training.setup"),
    *("training.unread",),
}
"""Modules below the commands whose texts name flags, to be mended."""


def test_only_commands_print() -> None:
    assert {name for name in MODULES if package(name) not in ABOVE and prints(name)} == PRINTING


def test_only_commands_name_flags() -> None:
    listed = (SOURCE.parents[1] / "tests" / "commands" / "flags.txt").read_text().split()
    own = {word for word in listed if word.startswith("--")}
    found = {name for name in MODULES if package(name) not in ABOVE and flags(name) & own}
    assert found == NAMING_FLAGS


def test_importing_mien_is_light() -> None:
    code = (
        "import sys, mien; from mien.cli import build_parser; build_parser();"
        "print([m for m in ('torch', 'transformers', 'lightning', 'cv2', 'av', 'matplotlib')"
        " if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr


def test_nothing_unpickles() -> None:
    """Of a checkpoint torch may read the tensors, and nothing else."""
    unsafe = ("pickle.load", "torch.load(", "joblib.load", "allow_pickle=True", "yaml.load(")
    for path in FILES:
        # torch's own reader of tensors and plain values, which runs nothing
        text = re.sub(r"torch\.load\([^()]*weights_only=True\)", "", path.read_text())
        assert not [word for word in unsafe if word in text], path


def test_files_stay_the_size_of_a_room() -> None:
    for path in FILES:
        assert len(path.read_text().splitlines()) <= 350, path
