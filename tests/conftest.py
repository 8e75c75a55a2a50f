"""What every test may ask for."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _shared(part: str) -> Path:
    folder = SHARED / part
    if not folder.is_dir():
        pytest.skip(f"{part} recordings or vectors are not beside the project (../shared/{part})")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real recordings beside the project, or a skip."""
    return _shared("data")


@pytest.fixture(scope="session")
def golden() -> Path:
    """Numbers of the published system beside the project, or a skip."""
    return _shared("golden")
