"""Training with Lightning."""

from typing import TYPE_CHECKING, Any

from mien.training.config import TrainConfig

if TYPE_CHECKING:
    from mien.training.fit import train

__all__ = ["TrainConfig", "train"]


def __getattr__(name: str) -> Any:
    # Lightning takes seconds to import, and the command line needs only the config
    if name == "train":
        from mien.training.fit import train

        return train
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
