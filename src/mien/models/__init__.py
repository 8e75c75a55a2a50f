"""Models: tensors in, logits and embeddings out."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mien.models.config import ModelConfig
from mien.models.presets import preset

if TYPE_CHECKING:
    from mien.models.model import MultimodalModel, Output, build

__all__ = ["ModelConfig", "MultimodalModel", "Output", "build", "preset"]


def __getattr__(name: str) -> Any:
    # torch and transformers take seconds to import, and the command line needs only the config
    if name in ("MultimodalModel", "Output", "build"):
        return getattr(import_module("mien.models.model"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
