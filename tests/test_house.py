"""The rules of the house: which room may know which, and nothing heavy or unsafe by the way."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "mien"
FILES = sorted(SOURCE.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Name the modules of mien that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.split(".")[0] == "mien"}


def room(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


BASE = (
    *("errors", "files", "modality", "names", "encoding", "utterance", "batch"),
    *("progress", "tensor_file", "yaml_file"),
)

ALLOWED = {
    "errors": (),
    "modality": (),
    "utterance": ("modality",),
    "names": (),
    "encoding": (),
    "progress": (),
    "batch": ("modality",),
    "files": ("errors",),
    "safe_pickle": ("errors",),
    "metrics": ("errors",),
    "tasks": ("utterance", "errors", "metrics"),
    "corpora": ("safe_pickle", "utterance", "errors", "names", "encoding", "progress"),
    "media": ("utterance", "errors", "names", "encoding"),
    "models": ("batch", "errors", "modality"),
    "dataset": (*BASE, "features.subsets", "media", "models.config", "tasks"),
    "features": (*BASE, "corpora.iemocap", "dataset", "media", "models.config", "safe_pickle"),
    "runs": (*BASE, "dataset", "features", "models", "tasks", "training.config"),
    "inference": (*BASE, "dataset", "media", "metrics", "models", "runs", "tasks"),
    "training": (
        *(*BASE, "dataset", "features", "media", "metrics", "models", "safe_pickle", "tasks"),
        *("runs", "inference"),
    ),
    "report": (*BASE, "dataset", "features", "inference", "media", "metrics", "models", "runs"),
    "identity": (*(*BASE, "dataset", "media", "metrics", "models", "runs", "inference", "report"),),
    "gallery": (*BASE, "identity"),
}
"""What each package may import beside itself; those that are missing here are above all others."""


@pytest.mark.parametrize("name", ALLOWED)
def test_a_package_imports_only_what_it_may(name: str) -> None:
    allowed = (name, *ALLOWED[name])
    for path in room(SOURCE / name):
        for module in imports(path):
            inside = module.removeprefix("mien.")
            known = any(inside == a or inside.startswith(a + ".") for a in allowed)
            assert known, f"{path.relative_to(SOURCE)} imports {module}"


def test_every_package_has_its_rule() -> None:
    above = {"__init__", "__main__", "bench", "cli", "demo", "published", "threads"}
    there = {path.stem for path in SOURCE.iterdir() if path.suffix in ("", ".py")} - {"__pycache__"}
    assert there - above == {*ALLOWED, "tensor_file", "yaml_file"}


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


ABOVE = ("cli", "published", "demo.py", "__main__.py")
"""What talks with whoever typed a command; the rest of mien says things by logging."""

BELOW = [path for path in FILES if path.relative_to(SOURCE).parts[0] not in ABOVE]


def texts(path: Path) -> list[str]:
    """Give the texts of a file's code, without what documents it."""
    found, documentation = [], set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Expr):
            documentation.add(node.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node)
    return [node.value for node in found if node not in documentation]


def test_only_commands_print() -> None:
    for path in BELOW:
        names = [n.id for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Name)]
        assert "print" not in names, path


def test_only_commands_name_flags() -> None:
    """An error has a parameter, which a command shows as its flag and a service as its field."""
    others = r"pip install --no-deps|--local-dir"  # of other programs
    for path in BELOW:
        if path.relative_to(SOURCE) == Path("training/unread.py"):
            continue
        for text in texts(path):
            flags = re.findall(
                r"(?<![\w-])--[a-z]+(?:-[a-z]+)*\b|[ (]--$", re.sub(others, "", text)
            )
            assert not flags, (path, text)


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
