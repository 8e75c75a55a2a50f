"""The settings of pretrained encoders whose states are pooled."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, PositiveInt

from mien.modality import Modality
from mien.models.encoders.base import Descriptions, Reader, refused, register_encoder
from mien.models.encoders.media_settings import (
    ProjectedSettings,
    lora_field,
    max_len_field,
    text_model_field,
)

if TYPE_CHECKING:
    from mien.models.encoders.modality_encoder import ModalityEncoder

TEXT, AUDIO, VIDEO = Modality

TEMPORAL = tuple(name for name in ProjectedSettings.model_fields if name != "kind")

POOLING = frozenset({"voice"})
"""Models that pool over time themselves: they have a single state, and are always frozen."""


class PretrainedSettings(ProjectedSettings):
    """A pretrained network, or several, whose states are pooled over time."""

    model: str
    layers: int | None = Field(
        None, ge=1, description="first layers of the pretrained network that are computed"
    )
    layer_states: Literal["last", "weighted", "all"] = Field(
        "last",
        description="states of the pretrained network that are used: of the last layer computed; a"
        " learned weighted sum over the input and all layers (SUPERB); or of all layers side by"
        " side",
    )
    pooling: Literal["mean", "mean+std", "attentive", "temporal"] = Field(
        "mean+std",
        description="pooling of the states over time: their mean, mean and standard deviation,"
        " attentive statistics, or the state of a temporal encoder",
    )
    freeze: Literal["all", "none"] | PositiveInt = Field(
        "all",
        description="layers of the pretrained network that are frozen: all, none, or a number of"
        " layers from the bottom",
    )
    lora: int = lora_field()
    hidden: int = Field(
        256, ge=0, description="hidden units of the head of a pretrained encoder; 0: a linear head"
    )
    head_dropout: float = Field(
        0.6, ge=0, lt=1, description="dropout in the head of a pretrained encoder"
    )
    references: bool = Field(
        False,
        description="take other clips of the same speaker as reference, where there are any: their"
        " mean state is subtracted",
    )

    def model_post_init(self, context: Any, /) -> None:
        """Refuse settings that contradict each other."""
        super().model_post_init(context)
        if self.lora and self.freeze != "all":
            raise refused("lora adapts a frozen network: choose freeze all with it")
        if self.references and not self.cacheable:
            raise refused(
                "references need a frozen network and a pooling without weights: choose freeze all,"
                " lora 0 and pooling mean or mean+std"
            )

    @property
    def frozen(self) -> bool:
        """Whether no weight of the pretrained network is trained."""
        return self.freeze == "all" and not self.lora

    @property
    def pools_first(self) -> bool:
        """Whether states are pooled before any learned weight."""
        return self.pooling in ("mean", "mean+std")

    @property
    def cacheable(self) -> bool:
        """Whether the pooled state of an utterance is the same throughout training."""
        return self.frozen and self.pools_first

    @property
    def takes_references(self) -> bool:
        """Whether it takes other clips of the same speaker as references."""
        return self.references

    @property
    def unused(self) -> dict[str, str]:
        """Settings that have no effect because of others, each with what would use it."""
        found: dict[str, str] = {}
        names: tuple[str, ...]
        if POOLING.issuperset(self.model.split("+")):
            names = ("layers", "layer_states", "pooling", "freeze", "lora")
            found |= dict.fromkeys(names, f"a network with layers, other than {self.model},")
        if self.pooling != "temporal":
            names = TEMPORAL
            found |= dict.fromkeys(names, "the pooling temporal")
        return found

    def key(self) -> dict[str, Any]:
        """Return the settings on which the states of a frozen network depend."""
        names = ("layers", "layer_states")
        pooling = self.pooling if self.pools_first else "none"
        return {name: getattr(self, name) for name in names} | {"pooling": pooling}

    @property
    def pretrained_name(self) -> str:
        """Name of the pretrained model, or names joined by "+"."""
        return self.model

    @property
    def learns_slowly(self) -> bool:
        """Whether pretrained weights have the lower learning rate of the text encoder."""
        return self.divisor is None and not self.frozen

    @property
    def divisor(self) -> float | None:
        """Divisor of the learning rate of pretrained weights; None: that of the text encoder."""
        return None

    def build(
        self,
        modality: Modality,
        *,
        guide: int | None = None,
        pretrained: Descriptions | None = None,
    ) -> "ModalityEncoder":
        """Build the encoder with random weights."""
        from mien.models.encoders.pretrained import PretrainedEncoder, build_trunks

        if not pretrained:
            raise ValueError(f"a pretrained {modality} encoder needs its description")
        return PretrainedEncoder(self, modality, build_trunks(modality, pretrained, self))


@register_encoder
class PretrainedTextConfig(PretrainedSettings):
    """A pretrained text encoder of which any layers are used, each text alone."""

    modalities = (TEXT,)
    kind: Literal["pretrained"] = "pretrained"
    model: str = text_model_field()
    max_len: int = max_len_field()

    def reader(self, modality: Modality, tokenizer: Any = None) -> Reader:
        """Build the reader of texts."""
        from mien.models.encoders.text_reader import TokenReader

        return TokenReader(tokenizer, self.max_len)


class CopiedSettings(PretrainedSettings):
    """A pretrained network whose input has augmented copies."""

    augments = True
    lr_factor: float = Field(
        50.0,
        gt=0,
        description="divisor of the learning rate of the pretrained network or of its adapters",
    )
    copies: int = Field(
        4,
        ge=1,
        le=100,
        description="augmented copies of each training utterance, with augment; of a frozen network"
        " their states are computed once",
    )

    @property
    def divisor(self) -> float | None:
        """The factor of its own."""
        return self.lr_factor

    @property
    def unused(self) -> dict[str, str]:
        """Settings that have no effect because of others, each with what would use it."""
        found = super().unused
        if self.frozen:
            found["lr_factor"] = "a pretrained network that is trained or has adapters (lora)"
        return found


@register_encoder
class PretrainedAudioConfig(CopiedSettings):
    """A pretrained audio encoder, whose input is the waveform at 16 kHz."""

    modalities = (AUDIO,)
    kind: Literal["pretrained"] = "pretrained"
    model: str = Field(
        "whisper-tiny.en",
        min_length=1,
        description="pretrained audio encoder: whisper-tiny.en (in the extra offline), voice (the"
        " speaker encoder of the package resemblyzer), a local folder or a name on the hub, such as"
        " microsoft/wavlm-large; several joined by + are used side by side",
    )
    specaugment: bool = Field(
        False, description="mask bands and times of the audio in augmented copies (SpecAugment)"
    )

    def reader(self, modality: Modality, tokenizer: Any = None) -> Reader:
        """Build the reader of waveforms."""
        from mien.models.encoders.pretrained_reader import WaveformReader

        return WaveformReader(self.copies, specaugment=self.specaugment)


@register_encoder
class PretrainedVideoConfig(CopiedSettings):
    """A pretrained vision network for face crops."""

    modalities = (VIDEO,)
    resizes = True
    kind: Literal["pretrained"] = "pretrained"
    model: str = Field(
        "facebook/dinov2-small",
        min_length=1,
        description="pretrained video encoder: a local folder or a name on the hub of a vision"
        " network, such as openai/clip-vit-base-patch32; several joined by + are used side by side",
    )

    def reader(self, modality: Modality, tokenizer: Any = None) -> Reader:
        """Build the reader of face crops of the size that the data have."""
        from mien.models.encoders.pretrained_reader import CropReader

        return CropReader(self.copies)
