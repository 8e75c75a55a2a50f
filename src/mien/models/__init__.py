"""Models: tensors in, logits and embeddings out."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mien.models.config import ModelConfig

if TYPE_CHECKING:
    from mien.models.late_fusion import LateFusion
    from mien.models.mme2e import MME2E
    from mien.models.network import Network, Output

__all__ = ["MME2E", "LateFusion", "ModelConfig", "Network", "Output"]

_HOMES = {"MME2E": "mme2e", "LateFusion": "late_fusion", "Network": "network", "Output": "network"}


def __getattr__(name: str) -> Any:
    # torch and transformers take seconds to import, and the command line needs the config alone
    if name in _HOMES:
        return getattr(import_module(f"mien.models.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
