"""A command and its workers wait briefly, unless the user has chosen otherwise."""

import os
import subprocess
import sys

import pytest

from mien.threads import BLOCK_TIME, SPIN_COUNT, USER_VARIABLES

CODE = """
import multiprocessing, os, sys
from mien.cli import COMMANDS, main

NAMES = ("GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_WAIT_POLICY")

def chosen():
    return [os.environ.get(name) for name in NAMES]

def handler(args):
    assert "torch" not in sys.modules, "OpenMP has read the environment already"
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(chosen(), pool.apply(chosen))

if __name__ == "__main__":
    COMMANDS["bench"] = ("", lambda parser: parser.set_defaults(handler=handler))
    main(["bench"])
"""


def said(tmp_path, **chosen: str) -> str:
    script = tmp_path / "script.py"
    script.write_text(CODE)
    path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    own = {name: value for name, value in os.environ.items() if name not in USER_VARIABLES}
    result = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, env=own | path | chosen
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_a_command_and_its_workers_wait_briefly(tmp_path) -> None:
    assert said(tmp_path) == f"{[SPIN_COUNT, BLOCK_TIME, None]} {[SPIN_COUNT, BLOCK_TIME, None]}"


@pytest.mark.parametrize(
    ("name", "value"), [*zip(USER_VARIABLES, ("7", "PASSIVE", "3"), strict=True)]
)
def test_what_the_user_has_chosen_is_kept(tmp_path, name: str, value: str) -> None:
    names = ("GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_WAIT_POLICY")
    expected = [value if own == name else None for own in names]
    assert said(tmp_path, **{name: value}) == f"{expected} {expected}"
