"""Vision networks of transformers, which encode each image alone: ViT, DINOv2, CLIP and others."""

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PretrainedConfig

from mien.errors import MienError
from mien.modality import Modality
from mien.models.pretrained.source import (
    config_of,
    describe,
    folder_of,
    load_config,
    read_settings,
    unreadable,
)
from mien.models.pretrained.transformers_model import build_model, load_into, shortened
from mien.models.pretrained.trunk import (
    LayerChoice,
    LayerRecorder,
    Trunk,
    checked_layers,
    family,
    layers_of,
)

CHUNK = 32
"""Images that are computed together, which bounds the memory."""


class ImageInput(BaseModel):
    """How images are prepared for a network: its authors' resizing and normalisation.

    Attributes
    ----------
    size : int
        Edge of its input, in pixels.
    mean, sd : three floats
        Of the channels R, G and B, for values from 0 to 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(ge=8, le=2048)
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    sd: tuple[float, float, float] = (0.5, 0.5, 0.5)

    def prepare(self, images: Tensor) -> Tensor:
        """Prepare images (N, 3, H, H) with values from 0 to 255."""
        values = images.float() / 255
        if values.shape[-1] != self.size:
            values = F.interpolate(
                values, size=(self.size, self.size), mode="bicubic", antialias=True
            ).clamp(0, 1)
        mean = values.new_tensor(self.mean)[:, None, None]
        return (values - mean) / values.new_tensor(self.sd)[:, None, None]


@family(
    Modality.VIDEO,
    *("vit", "deit", "beit", "dinov2", "dinov2_with_registers", "dinov3_vit", "clip_vision_model"),
    *("siglip_vision_model", "siglip2_vision_model", "convnext", "convnextv2", "dinov3_convnext"),
)
class ImageTrunk(Trunk):
    """A vision network: the state of an image is that of its class token, or the mean of patches.

    Parameters
    ----------
    config : PretrainedConfig
        Its configuration.
    images : ImageInput
        Its input.
    choice : LayerChoice
        Which layers are computed.
    """

    def __init__(self, config: PretrainedConfig, images: ImageInput, choice: LayerChoice) -> None:
        super().__init__()
        self.images = images
        self.class_token = "siglip" not in config.model_type  # SigLIP has none
        total = getattr(config, "num_hidden_layers", None)
        if total is None and (choice.layers is not None or choice.states != "last"):
            raise MienError(
                f"a {config.model_type} model has no list of layers: leave layers and layer_states"
                " out",
                parameter="layers",
            )
        count = 0 if total is None else checked_layers(choice, total, f"this {config.model_type}")
        self.last = total is None or (choice.states == "last" and count == total)
        self.model = build_model(shortened(config, count) if total else config, Modality.VIDEO)
        if total is not None:
            layers = layers_of(self.model, count)
            used = layers[-1:] if choice.states == "last" else layers
            self.recorder = LayerRecorder(used, choice.states)
            self.depth = len(used) + (choice.states == "weighted")
        self.width = config.hidden_size if total is not None else config.hidden_sizes[-1]

    @classmethod
    def describe(cls, name: str) -> dict[str, Any]:
        """Describe a model as `Trunk.describe` says."""
        config = load_config(name, Modality.VIDEO)
        config = getattr(config, "vision_config", config)  # CLIP and SigLIP have a text model, too
        path = folder_of(name, Modality.VIDEO) / "preprocessor_config.json"
        images = _image_input(read_settings(path, Modality.VIDEO), name)
        return describe(config) | {"image_input": images.model_dump(mode="json")}

    @classmethod
    def build(cls, description: Mapping[str, Any], choice: LayerChoice) -> "ImageTrunk":
        """Build the network as `Trunk.build` says."""
        values = dict(description)
        try:
            images = ImageInput.model_validate(values.pop("image_input", None))
        except ValidationError as error:
            raise MienError(
                "the description of the video encoder is damaged: it lacks image_input"
            ) from error
        return cls(config_of(values, "the description of the video encoder"), images, choice)

    def layers(self) -> list[nn.Module]:
        """Return the layers, none for a network of stages."""
        count = getattr(self.model.config, "num_hidden_layers", None)
        return [] if count is None else layers_of(self.model, count)

    def load(self, name: str) -> None:
        """Load the weights of the layers that are computed."""
        load_into(self.model, name, Modality.VIDEO)

    def forward(self, steps: Tensor) -> Tensor:
        """Encode images (N, 3, H, H) with values from 0 to 255 as states (N, depth, width)."""
        return torch.cat([self._encode(chunk) for chunk in steps.split(CHUNK)])

    def _encode(self, images: Tensor) -> Tensor:
        values = self.images.prepare(images)
        if self.last:
            return self._pooled(self.model(values).last_hidden_state)[:, None]
        states = self.recorder.record(lambda: self.model(values))
        return torch.stack([self._pooled(state) for state in states], dim=1)

    def _pooled(self, state: Tensor) -> Tensor:
        """Pool the state of images: patches (N, P, D), or an area (N, D, h, w)."""
        if state.dim() == 4:
            return state.mean(dim=(2, 3))
        return state[:, 0] if self.class_token else state.mean(dim=1)


def _image_input(settings: Mapping[str, Any], name: str) -> ImageInput:
    """Read the input of a network from its preprocessor_config.json."""
    size = settings.get("crop_size") if settings.get("do_center_crop") else settings.get("size")
    if isinstance(size, Mapping):
        size = size.get("height", size.get("shortest_edge"))
    plain = {"size": size, "mean": settings.get("image_mean"), "sd": settings.get("image_std")}
    try:
        return ImageInput.model_validate({k: v for k, v in plain.items() if v is not None})
    except ValidationError as error:
        raise unreadable(
            name, Modality.VIDEO, "preprocessor_config.json does not state the size of its input"
        ) from error
