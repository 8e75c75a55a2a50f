"""Training with Lightning."""

from mien.training.config import TrainConfig
from mien.training.train import train

__all__ = ["TrainConfig", "train"]
