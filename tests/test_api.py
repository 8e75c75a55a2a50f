"""What `from mien import …` gives, and that `import mien` alone stays light."""

import subprocess
import sys

import pytest

import mien


@pytest.mark.parametrize("name", mien.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(mien, name).__doc__
    assert name in dir(mien)


def test_a_public_name_is_the_thing_itself() -> None:
    from mien.inference.recognizer import Recognizer
    from mien.runs.run import Run
    from mien.studies.baseline import train_baseline
    from mien.studies.comparison import compare
    from mien.studies.cross_validation import cross_validate
    from mien.studies.system import open_system

    assert (mien.Recognizer, mien.Run) == (Recognizer, Run)
    assert (mien.cross_validate, mien.train_baseline) == (cross_validate, train_baseline)
    assert (mien.compare, mien.open_system) == (compare, open_system)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Recogniser'"):
        mien.Recogniser  # noqa: B018


def test_import_mien_brings_nothing_heavy() -> None:
    code = (
        "import sys, mien; mien.__all__; dir(mien); mien.MienError;"
        "print([m for m in ('torch', 'numpy', 'pydantic', 'transformers', 'lightning', 'av')"
        " if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr


def test_python_m_mien_is_the_command() -> None:
    command = [sys.executable, "-m", "mien", "--version"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, f"mien {mien.__version__}\n"), result.stderr
