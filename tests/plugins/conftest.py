"""Plugins of this folder as a user has them: named by the environment, used by the commands."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TINY = ["--width", "0.125", "--temporal-dim", "16", "--temporal-layers", "1"]
TINY += ["--temporal-heads", "2", "--temporal-feedforward", "32", "--lr", "2e-3"]
"""Flags of a model that trains in seconds."""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def plugin_env() -> Callable[..., dict[str, str]]:
    """Give the environment in which a process knows modules of this folder as plugins."""

    def environment(*modules: str) -> dict[str, str]:
        return os.environ | {
            "MIEN_PLUGINS": ",".join(modules),
            "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)]),
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
            "COLUMNS": "200",
        }

    return environment


@pytest.fixture(scope="session")
def mien_with(plugin_env: Callable[..., dict[str, str]]) -> Callable[..., Run]:
    """Give for some plugins a function that runs ``mien ...`` in a process that knows them."""

    def knowing(*modules: str, program: Sequence[str] = ("-m", "mien")) -> Run:
        def run(*arguments: object) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, *program, *map(str, arguments)],
                capture_output=True,
                text=True,
                timeout=300,
                env=plugin_env(*modules),
            )

        return run

    return knowing
