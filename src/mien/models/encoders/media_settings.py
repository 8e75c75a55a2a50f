"""The settings of the encoders of text, faces and spectrograms.

The defaults are the published ones (Dai et al. 2021) unless the description says otherwise.
"""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from mien.modality import Modality
from mien.models.encoders.base import Descriptions, EncoderConfig, Reader, refused, register_encoder

if TYPE_CHECKING:
    from mien.models.encoders.modality_encoder import ModalityEncoder

TEXT, AUDIO, VIDEO = Modality


def dropout_field() -> Any:
    """Define the dropout of temporal encoders and RNNs, which share a flag."""
    return Field(
        0.1,
        ge=0,
        lt=1,
        description="dropout of the temporal encoder, or between the layers of an RNN",
    )


def text_model_field() -> Any:
    """Define the name of a pretrained text encoder."""
    return Field(
        "minilm",
        min_length=1,
        description="pretrained text encoder: minilm (installed with mien), a local folder, or a"
        " name on the hub, such as albert-base-v2 (published)",
    )


def max_len_field() -> Any:
    """Define the length of texts."""
    return Field(100, ge=4, le=512, description="tokens of a text at most; the rest is cut off")


def lora_field() -> Any:
    """Define the rank of the adapters of pretrained networks, which share a flag."""
    return Field(
        0,
        ge=0,
        le=256,
        description="rank of the adapters (LoRA) in the layers of a frozen network; 0: none",
    )


@register_encoder
class TransformerConfig(EncoderConfig):
    """A pretrained text encoder from transformers."""

    modalities = (TEXT,)

    kind: Literal["transformer"] = "transformer"
    model: str = text_model_field()
    pooling: Literal["first", "mean"] | None = Field(
        None,
        description="how the states of the tokens are pooled: first, the state of the first token"
        " (published; the default for ALBERT), or mean, the mean over tokens (the default for"
        " others)",
    )
    max_len: int = max_len_field()
    freeze: bool = Field(
        False, description="freeze the text encoder; its head has the full learning rate"
    )
    lora: int = lora_field()

    def model_post_init(self, context: Any, /) -> None:
        """Refuse adapters in a network that is trained."""
        if self.lora and not self.freeze:
            raise refused("lora adapts a frozen network: freeze the text encoder with it")

    @property
    def frozen(self) -> bool:
        """Whether no weight of the text encoder is trained."""
        return self.freeze and not self.lora

    @property
    def pretrained_name(self) -> str:
        """Name of the pretrained model."""
        return self.model

    @property
    def learns_slowly(self) -> bool:
        """Whether it has weights with the lower learning rate."""
        return not self.frozen

    def reader(self, modality: Modality, tokenizer: Any = None) -> Reader:
        """Build the reader of texts."""
        from mien.models.encoders.text_reader import TokenReader

        return TokenReader(tokenizer, self.max_len)

    def state_size(self, pretrained: Descriptions | None = None) -> int | None:
        """Return the hidden size, None if the run does not record it."""
        return pretrained[0].get("hidden_size") if pretrained else None

    def build(
        self,
        modality: Modality,
        *,
        guide: int | None = None,
        pretrained: Descriptions | None = None,
    ) -> "ModalityEncoder":
        """Build the encoder with random weights."""
        from mien.models.encoders.text import TextEncoder
        from mien.models.pretrained.source import config_of

        if not pretrained:
            raise ValueError("a model with text needs the description of its text encoder")
        config = config_of(pretrained[0], "the description of the text encoder")
        return TextEncoder(config, self.pooling, freeze=self.freeze, lora=self.lora)


class TemporalSettings(EncoderConfig):
    """A temporal encoder: a transformer over the steps of an utterance."""

    temporal_layers: int = Field(4, ge=1, description="layers of the temporal encoder")
    temporal_feedforward: int = Field(
        2048, ge=1, description="feed-forward width of the temporal encoder"
    )
    positions: bool = Field(
        False, description="add positional encodings in the temporal encoder (published: no)"
    )
    dropout: float = dropout_field()


class ProjectedSettings(TemporalSettings):
    """A temporal encoder of its own width, to which the steps are projected."""

    temporal_dim: int = Field(64, ge=4, description="width of the temporal encoder")
    temporal_heads: int = Field(4, ge=1, description="attention heads of the temporal encoder")

    def model_post_init(self, context: Any, /) -> None:
        """Refuse head counts that do not divide the width."""
        if self.temporal_dim % self.temporal_heads:
            raise refused(
                f"temporal_dim {self.temporal_dim} is not a multiple of temporal_heads"
                f" {self.temporal_heads}"
            )


class CNNSettings(ProjectedSettings):
    """A CNN followed by a temporal encoder, for face crops or spectrogram chunks."""

    augments = True

    width: float = Field(
        1.0, gt=0, le=4, description="multiplier of the CNN's channels; below 1 for small machines"
    )
    cnn_dropout: float = Field(
        0.0, ge=0, lt=1, description="dropout between the CNN and its projection (published: 0)"
    )

    def state_size(self, pretrained: Descriptions | None = None) -> int | None:
        """Return the width of the temporal encoder."""
        return self.temporal_dim

    def build(
        self,
        modality: Modality,
        *,
        guide: int | None = None,
        pretrained: Descriptions | None = None,
    ) -> "ModalityEncoder":
        """Build the encoder with random weights."""
        from mien.models.encoders.cnn import AudioCNN, FaceCNN

        return (FaceCNN if modality is VIDEO else AudioCNN)(self, guide)


class SparseCNNSettings(CNNSettings):
    """A sparse CNN, which computes only the sites that an attention selects."""

    selects = True

    sparse_threshold: float = Field(
        0.5, gt=0, le=1, description="sparse-vgg: attention mass of the sites that are computed"
    )
    sparsity: Literal["sites", "frames", "both"] = Field(
        "sites",
        description="sparse-vgg: select sites of each image, whole frames and spectrogram chunks,"
        " or both",
    )
    attention: Literal["learned", "published", "published-unmended"] = Field(
        "learned",
        description="sparse-vgg: learned, the attention also weights what it selects, so that it is"
        " trained; published, it only selects; published-unmended, also with the defect of the"
        " published code that moves features to other images of the batch, for checkpoints that"
        " were trained with it",
    )
    weight_init: Literal["default", "published"] = Field(
        "default",
        description="initial weights: default, sparse convolutions 2.45 times smaller than"
        " published, and equal weights of the modalities in the fusion; or published",
    )


class Spectrogram(EncoderConfig):
    """Audio as spectrogram chunks."""

    spectrogram: Literal["log", "published"] = Field(
        "log",
        description="spectrogram type: log, normalised per utterance, or the published power",
    )

    def reader(self, modality: Modality, tokenizer: Any = None) -> Reader:
        """Build the reader of spectrogram chunks."""
        from mien.models.encoders.audio_reader import AudioReader

        return AudioReader(self.spectrogram)


class Faces(EncoderConfig):
    """Video as face crops."""

    face_size = 48

    def reader(self, modality: Modality, tokenizer: Any = None) -> Reader:
        """Build the reader of face crops."""
        from mien.models.encoders.face_reader import FaceReader

        assert self.face_size is not None
        return FaceReader(self.face_size)


@register_encoder
class AudioCNNConfig(Spectrogram, CNNSettings):
    """A CNN for spectrogram chunks."""

    modalities = (AUDIO,)
    kind: Literal["vgg"] = "vgg"


@register_encoder
class AudioSparseCNNConfig(Spectrogram, SparseCNNSettings):
    """A sparse CNN for spectrogram chunks."""

    modalities = (AUDIO,)
    kind: Literal["sparse-vgg"] = "sparse-vgg"


@register_encoder
class FaceCNNConfig(Faces, CNNSettings):
    """A CNN for face crops."""

    modalities = (VIDEO,)
    kind: Literal["vgg"] = "vgg"


@register_encoder
class FaceSparseCNNConfig(Faces, SparseCNNSettings):
    """A sparse CNN for face crops."""

    modalities = (VIDEO,)
    kind: Literal["sparse-vgg"] = "sparse-vgg"
