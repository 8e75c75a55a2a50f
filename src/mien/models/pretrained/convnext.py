"""ConvNeXt (Liu et al. 2022) and its successors, which are built of stages instead of layers."""

import torch
from torch import Tensor
from transformers import PretrainedConfig

from mien.errors import MienError
from mien.modality import Modality
from mien.models.pretrained.images import ImageInput, VisionTrunk
from mien.models.pretrained.transformers_model import build_model
from mien.models.pretrained.trunk import LayerChoice, family


@family(Modality.VIDEO, "convnext", "convnextv2", "dinov3_convnext")
class ConvNextTrunk(VisionTrunk):
    """A ConvNeXt: the state of an image is the mean over its area, normalised."""

    def __init__(self, config: PretrainedConfig, images: ImageInput, choice: LayerChoice) -> None:
        super().__init__()
        if choice != LayerChoice():
            raise MienError(
                f"a {config.model_type} model is built of stages, not of layers: leave layers and"
                " layer_states out",
                parameter="layers",
            )
        self.images, self.width = images, config.hidden_sizes[-1]
        self.model = build_model(config, Modality.VIDEO)

    def encode(self, values: Tensor) -> Tensor:
        """Encode images as `VisionTrunk.encode` says."""
        return torch.as_tensor(self.model(values).pooler_output)[:, None]
