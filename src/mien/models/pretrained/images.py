"""Vision networks of transformers, which encode each image alone: ViT, DINOv2, CLIP and others."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Literal, Self

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
from mien.models.pretrained.transformers_model import build_model, drop, load_into, shortened
from mien.models.pretrained.trunk import (
    LayerChoice,
    LayerRecorder,
    Trunk,
    checked_layers,
    family,
    layers_of,
)

POOLED = ("beit", "clip_vision_model")
"""Types of networks that normalise the pooled state of an image instead of all states."""

CHUNK = 32
"""Images that are computed together, which bounds the memory."""

_BILINEAR = 2  # Pillow's number, which preprocessor_config.json states


class ImageInput(BaseModel):
    """How images are prepared for a network: its authors' scaling and normalisation.

    A face crop is scaled as a whole: its margins are not cut off as those of a photograph are.

    Attributes
    ----------
    size : int
        Edge of its input, in pixels.
    mean, sd : three floats
        Of the channels R, G and B, for values from 0 to 1.
    interpolation : {"bilinear", "bicubic"}
        How images of other sizes are scaled, with antialiasing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(ge=8, le=2048)
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    sd: tuple[float, float, float] = (0.5, 0.5, 0.5)
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"

    def prepare(self, images: Tensor) -> Tensor:
        """Prepare images (N, 3, H, H) with values from 0 to 255."""
        values = images.float() / 255
        if values.shape[-1] != self.size:
            values = F.interpolate(
                values, size=(self.size, self.size), mode=self.interpolation, antialias=True
            ).clamp(0, 1)
        mean = values.new_tensor(self.mean)[:, None, None]
        return (values - mean) / values.new_tensor(self.sd)[:, None, None]


class VisionTrunk(Trunk):
    """A network of transformers that encodes images.

    Parameters
    ----------
    config : PretrainedConfig
        Its configuration.
    images : ImageInput
        Its input.
    choice : LayerChoice
        Which layers are computed.
    """

    images: ImageInput
    model: Any

    @classmethod
    def describe(cls, name: str) -> dict[str, Any]:
        """Describe a model as `Trunk.describe` says."""
        config = load_config(name, Modality.VIDEO)
        config = getattr(config, "vision_config", config)  # CLIP and SigLIP have a text model, too
        path = folder_of(name, Modality.VIDEO) / "preprocessor_config.json"
        images = _image_input(read_settings(path, Modality.VIDEO), name)
        return describe(config) | {"image_input": images.model_dump(mode="json")}

    @classmethod
    def build(cls, description: Mapping[str, Any], choice: LayerChoice) -> Self:
        """Build the network as `Trunk.build` says."""
        values = dict(description)
        try:
            images = ImageInput.model_validate(values.pop("image_input", None))
        except ValidationError as error:
            raise MienError(
                "the description of the video encoder is damaged: it lacks image_input"
            ) from error
        config = config_of(values, "the description of the video encoder")
        return cls(config, images, choice)

    def load(self, name: str) -> None:
        """Load the weights of the layers that are computed."""
        load_into(self.model, name, Modality.VIDEO)

    def forward(self, steps: Tensor) -> Tensor:
        """Encode images (N, 3, H, H) with values from 0 to 255 as states (N, depth, width)."""
        chunks = (self.images.prepare(chunk) for chunk in steps.split(CHUNK))
        return torch.cat([self.encode(values) for values in chunks])

    @abstractmethod
    def encode(self, values: Tensor) -> Tensor:
        """Encode prepared images (N, 3, S, S) as states (N, depth, width)."""


@family(
    Modality.VIDEO,
    *("vit", "deit", "beit", "dinov2", "dinov2_with_registers", "dinov3_vit"),
    *("clip_vision_model", "siglip_vision_model"),
)
class ImageTrunk(VisionTrunk):
    """A vision transformer: the state of an image is that of its class token.

    Of a network without a trained class token it is the mean over its patches.
    """

    def __init__(self, config: PretrainedConfig, images: ImageInput, choice: LayerChoice) -> None:
        super().__init__()
        kind, total = config.model_type, config.num_hidden_layers
        count = checked_layers(choice, total, f"this {kind} model")
        self.images, self.last = images, choice.states == "last" and count == total
        self.pools_last = self.last and kind in POOLED
        averaging = kind == "beit" and config.use_mean_pooling  # its class token is not trained
        self.class_token = kind != "siglip_vision_model" and not averaging
        self.first_patch = int(averaging)
        self.model = build_model(shortened(config, count), Modality.VIDEO)
        self._drop_unused()
        layers = layers_of(self.model, count)
        used = layers[-1:] if choice.states == "last" else layers
        self.recorder = LayerRecorder(used, choice.states)
        self.depth = len(used) + (choice.states == "weighted")
        self.width = config.hidden_size

    def _drop_unused(self) -> None:
        drop(self.model, "embeddings.mask_token", "head")
        if not self.pools_last:
            drop(self.model, "pooler")
        if not self.last:
            drop(self.model, "layernorm", "norm", "post_layernorm")

    def layers(self) -> list[nn.Module]:
        """Return the layers."""
        return layers_of(self.model, self.model.config.num_hidden_layers)

    def encode(self, values: Tensor) -> Tensor:
        """Encode images as `VisionTrunk.encode` says."""
        if self.pools_last:
            return torch.as_tensor(self.model(values).pooler_output)[:, None]
        if self.last:
            return self._pooled(self.model(values).last_hidden_state)[:, None]
        states = self.recorder.record(lambda: self.model(values))
        return torch.stack([self._pooled(state) for state in states], dim=1)

    def _pooled(self, state: Tensor) -> Tensor:
        """Pool the states (N, P, D) of the class token and of patches to (N, D)."""
        return state[:, 0] if self.class_token else state[:, self.first_patch :].mean(dim=1)


def _image_input(settings: Mapping[str, Any], name: str) -> ImageInput:
    """Read the input of a network from its preprocessor_config.json."""
    size = settings.get("crop_size") if settings.get("do_center_crop") else settings.get("size")
    if isinstance(size, Mapping):
        size = size.get("height", size.get("shortest_edge"))
    bilinear = settings.get("resample") == _BILINEAR
    plain = {"size": size, "mean": settings.get("image_mean"), "sd": settings.get("image_std")}
    plain["interpolation"] = "bilinear" if bilinear else None
    try:
        return ImageInput.model_validate({k: v for k, v in plain.items() if v is not None})
    except ValidationError as error:
        raise unreadable(
            name, Modality.VIDEO, "preprocessor_config.json does not state the size of its input"
        ) from error
