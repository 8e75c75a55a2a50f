"""dlib's pretrained face networks: where their weights are, and that they are the known ones."""

import hashlib
import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mien.errors import MienError, brief
from mien.files import fingerprint

PACKAGE = "face_recognition_models"
"""Its wheel holds the weights (CC0, by Davis King). It is never imported: its code needs
pkg_resources, which current versions of setuptools lack."""

INSTALL = 'pip install "mien[faces]"'

DESCRIPTOR = "dlib_face_recognition_resnet_model_v1.dat"
LANDMARKS = "shape_predictor_5_face_landmarks.dat"

DIGESTS = {
    DESCRIPTOR: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    LANDMARKS: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
}
"""SHA-256 of each file that is read, in face_recognition_models 0.3.0.

The 68 landmarks of the same package are left alone: their training data exclude commercial use."""


def import_dlib() -> Any:
    """Import dlib.

    Raises
    ------
    MienError
        It is not installed, or its library can't be loaded.
    """
    try:
        return importlib.import_module("dlib")
    except (ImportError, RuntimeError, OSError) as error:
        raise MienError(
            f"the face encoder computes with dlib, which can't be imported ({brief(error)}):"
            f" {INSTALL}"
        ) from error


def find_weights() -> dict[str, Path]:
    """Find the weight files, by name, without running anything of their package.

    Raises
    ------
    MienError
        The package is not installed, or a file is missing or is not the known one.
    """
    spec = find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise MienError(
            f"the face encoder's weights are in the package {PACKAGE}, which is not installed:"
            f" {INSTALL}"
        )
    found = {name: Path(folders[0]) / "models" / name for name in DIGESTS}
    for name, path in found.items():
        if fingerprint(path) != DIGESTS[name]:
            raise MienError(
                f"{path} is not the file of {PACKAGE} 0.3.0 (its SHA-256 differs), so it is not"
                f" read: install {PACKAGE}==0.3.0 again"
            )
    return found


def weights_fingerprint() -> str:
    """Identify the weights: SHA-256 of the digests of the files."""
    return hashlib.sha256(" ".join(DIGESTS.values()).encode()).hexdigest()
