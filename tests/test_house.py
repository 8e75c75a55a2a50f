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


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("errors", ()),
        ("utterance", ()),
        ("files", ("errors",)),
        ("names", ()),
        ("encoding", ()),
        ("batch", ()),
        ("corpora", ("corpora", "utterance", "errors", "names", "encoding")),
        ("media", ("media", "utterance", "errors", "names", "encoding")),
        ("models", ("models", "batch", "errors")),
        (
            "features",
            (
                *("features", "corpora.pickles", "corpora.iemocap", "media"),
                *("utterance", "errors", "files"),
            ),
        ),
        ("evaluation", ("evaluation", "errors", "files")),
        ("tasks", ("utterance", "errors")),
        ("gallery", ("gallery", "encoder", "errors", "files", "names")),
        ("encoder", ("recognizer", "errors", "files")),
        ("comparison", ("encoder", "files")),
        (
            "dataset",
            (
                *("dataset", "features", "media", "models.config"),
                *("batch", "tasks", "utterance", "errors", "encoding", "files"),
            ),
        ),
        (
            "recognizer",
            (
                *("dataset", "media", "models", "prediction", "run", "tasks"),
                *("batch", "utterance", "errors", "encoding"),
            ),
        ),
        ("voiceprint", ("encoder", "media", "models", "utterance", "errors", "files")),
        (
            "verification",
            (
                *("dataset", "evaluation", "models", "run", "training", "voiceprint"),
                *("utterance", "errors", "files"),
            ),
        ),
        (
            "explain",
            (
                *("recognizer", "evaluation", "media", "models", "prediction"),
                *("batch", "utterance", "errors", "files"),
            ),
        ),
    ],
)
def test_a_room_knows_only_what_it_may(name: str, allowed: tuple[str, ...]) -> None:
    for path in room(SOURCE / name):
        for module in imports(path):
            inside = module.removeprefix("mien.")
            known = any(inside == a or inside.startswith(a + ".") for a in allowed)
            assert known, f"{path.relative_to(SOURCE)} knows {module}"


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
