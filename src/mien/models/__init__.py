"""Models: tensors in, logits and embeddings out."""

from typing import TYPE_CHECKING, Any

from mien.models.config import ModelConfig

if TYPE_CHECKING:
    from mien.models.mme2e import MME2E, Output

__all__ = ["MME2E", "ModelConfig", "Output"]


def __getattr__(name: str) -> Any:
    # torch and transformers take seconds to import, and the command line needs the config alone
    if name in ("MME2E", "Output"):
        from mien.models import mme2e

        return getattr(mme2e, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
