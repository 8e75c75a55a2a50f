"""Models: tensors in, logits and embeddings out."""

from mien.models.config import ModelConfig
from mien.models.mme2e import MME2E, Output

__all__ = ["MME2E", "ModelConfig", "Output"]
