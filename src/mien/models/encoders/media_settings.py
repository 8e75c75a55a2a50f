"""The settings of the encoders of text, faces and spectrograms.

The defaults are the published ones (Dai et al. 2021) except where the text says so.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from mien.modality import Modality
from mien.models.encoders.base import EncoderConfig, Reader, refused, register_encoder

if TYPE_CHECKING:
    from transformers import PretrainedConfig

    from mien.models.encoders.modality_encoder import ModalityEncoder

TEXT, AUDIO, VIDEO = Modality


def dropout_field() -> Any:
    """Describe the dropout of transformers and RNNs, which one flag sets."""
    return Field(
        0.1,
        ge=0,
        lt=1,
        description="dropout of the transformer over time, or between the layers of an RNN",
    )


@register_encoder
class TransformerConfig(EncoderConfig):
    """A pretrained encoder of transformers for text."""

    modalities = (TEXT,)

    kind: Literal["transformer"] = "transformer"
    model: str = Field(
        "minilm",
        description="pretrained text encoder: minilm (shipped with mien), a local folder, or a hub"
        " name such as albert-base-v2 (the published one)",
    )
    pooling: Literal["first", "mean"] | None = Field(
        None,
        description="state taken from the text: of the first token (published; the default for"
        " ALBERT) or the mean over tokens (the default for others)",
    )
    max_len: int = Field(100, ge=4, le=512, description="tokens kept of a text")
    freeze: bool = Field(
        False, description="keep the text encoder as pretrained; its head learns at full rate"
    )

    @property
    def pretrained_name(self) -> str:
        """Name of the pretrained model."""
        return self.model

    @property
    def learns_slowly(self) -> bool:
        """Whether it has weights that learn at the lower rate."""
        return not self.freeze

    def reader(self, modality: Modality, tokenizer: Any = None) -> Reader:
        """Make the reader of texts."""
        from mien.models.encoders.text_reader import TextReader

        return TextReader(tokenizer, self.max_len)

    def state_size(self, pretrained: Mapping[str, Any] | None = None) -> int | None:
        """Give the hidden size, where the run says it."""
        return (pretrained or {}).get("hidden_size")

    def build(
        self,
        modality: Modality,
        *,
        guide: int | None = None,
        pretrained: "PretrainedConfig | None" = None,
    ) -> "ModalityEncoder":
        """Build the encoder with random weights."""
        from mien.models.encoders.text import TextEncoder

        if pretrained is None:
            raise ValueError("a model with text needs the configuration of its text encoder")
        return TextEncoder(pretrained, self.pooling, freeze=self.freeze)


class TemporalSettings(EncoderConfig):
    """A transformer over time."""

    trans_nlayers: int = Field(4, ge=1, description="layers of the transformer over time")
    trans_feedforward: int = Field(
        2048, ge=1, description="feed-forward width of the transformer over time"
    )
    positions: bool = Field(
        False, description="encode the order of the steps over time (published: no)"
    )
    dropout: float = dropout_field()


class CNNSettings(TemporalSettings):
    """A CNN, then a transformer over time: what those of faces and of audio share."""

    augments = True

    width: float = Field(
        1.0, gt=0, le=4, description="multiplier of the CNN's channels; below 1 for small machines"
    )
    cnn_dropout: float = Field(
        0.0, ge=0, lt=1, description="dropout between the CNN and its projection (published: 0)"
    )
    trans_dim: int = Field(64, ge=4, description="width of the transformer over time")
    trans_nheads: int = Field(4, ge=1, description="heads of the transformer over time")

    def model_post_init(self, context: Any, /) -> None:
        """Refuse head counts that do not divide the width."""
        if self.trans_dim % self.trans_nheads:
            raise refused(
                f"trans_dim {self.trans_dim} is not a multiple of trans_nheads {self.trans_nheads}"
            )

    def state_size(self, pretrained: Mapping[str, Any] | None = None) -> int | None:
        """Give the width of the transformer over time."""
        return self.trans_dim

    def build(
        self,
        modality: Modality,
        *,
        guide: int | None = None,
        pretrained: "PretrainedConfig | None" = None,
    ) -> "ModalityEncoder":
        """Build the encoder with random weights."""
        from mien.models.encoders.cnn import AudioCNN, FaceCNN

        return (FaceCNN if modality is VIDEO else AudioCNN)(self, guide)


class SparseCNNSettings(CNNSettings):
    """A CNN that looks where an attention sends it."""

    selects = True

    sparse_threshold: float = Field(
        0.5, gt=0, le=1, description="sparse-cnn: share of the attention that is kept"
    )
    sparsity: Literal["sites", "frames", "both"] = Field(
        "sites",
        description="sparse-cnn: keep sites of each picture, whole frames and spectrogram chunks,"
        " or both",
    )
    attention: Literal["learned", "published", "published-unmended"] = Field(
        "learned",
        description="sparse-cnn: weight what is kept by the attention, so that it learns, or"
        " select only (published); published-unmended: with the published code's defect, too, by"
        " which features land in other pictures of the batch, for checkpoints trained with it",
    )
    weight_init: Literal["default", "published"] = Field(
        "default",
        description="weights that training starts from: of sparse convolutions 2.45 times smaller"
        " than the published ones, and of the modalities in the fusion equal; or as published",
    )


class Spectrogram(EncoderConfig):
    """Audio as spectrogram chunks."""

    spectrogram: Literal["log", "published"] = Field(
        "log",
        description="spectrogram: logarithmic, normalised per utterance, or the published power",
    )

    def reader(self, modality: Modality, tokenizer: Any = None) -> Reader:
        """Make the reader of spectrogram chunks."""
        from mien.models.encoders.audio_reader import AudioReader

        return AudioReader(self.spectrogram)


class Faces(EncoderConfig):
    """Video as face crops."""

    face_size = 48

    def reader(self, modality: Modality, tokenizer: Any = None) -> Reader:
        """Make the reader of face crops."""
        from mien.models.encoders.face_reader import FaceReader

        assert self.face_size is not None
        return FaceReader(self.face_size)


@register_encoder
class AudioCNNConfig(Spectrogram, CNNSettings):
    """A CNN of spectrogram chunks."""

    modalities = (AUDIO,)
    kind: Literal["cnn"] = "cnn"


@register_encoder
class AudioSparseCNNConfig(Spectrogram, SparseCNNSettings):
    """A CNN that looks at parts of spectrogram chunks."""

    modalities = (AUDIO,)
    kind: Literal["sparse-cnn"] = "sparse-cnn"


@register_encoder
class FaceCNNConfig(Faces, CNNSettings):
    """A CNN of face crops."""

    modalities = (VIDEO,)
    kind: Literal["cnn"] = "cnn"


@register_encoder
class FaceSparseCNNConfig(Faces, SparseCNNSettings):
    """A CNN that looks at parts of face crops."""

    modalities = (VIDEO,)
    kind: Literal["sparse-cnn"] = "sparse-cnn"
