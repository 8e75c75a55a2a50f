"""dlib's pretrained face networks: where their weights are, and that they are the known ones."""

import importlib
from typing import Any

from mien.errors import MienError, brief
from mien.models.pretrained.catalogue import CATALOGUE

WEIGHTS = CATALOGUE["face"]
"""Their package is never imported: its code needs pkg_resources, which current versions of
setuptools lack. Its 68 landmarks are left alone: their training data exclude commercial use."""

DESCRIPTOR, LANDMARKS = (file.path for file in WEIGHTS.files)


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
            ' pip install "mien[faces]"'
        ) from error
