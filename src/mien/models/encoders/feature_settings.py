"""The settings of the encoders of hand-crafted features, the two-phase baselines.

The defaults are the published ones (Dai et al. 2021) except where the text says so.
"""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PositiveInt

from mien.modality import Modality
from mien.models.encoders.base import EncoderConfig, Reader, refused, register_encoder
from mien.models.encoders.media_settings import TemporalSettings, dropout_field

if TYPE_CHECKING:
    from transformers import PretrainedConfig

    from mien.models.encoders.modality_encoder import ModalityEncoder

TEXT, AUDIO, VIDEO = Modality


def _feature_size(published: int) -> Any:
    return Field(
        published,
        description="hand-crafted features a step (published: text 300, audio 144, video 35;"
        " without the flag those of the data)",
    )


class HandCraftedSettings(EncoderConfig):
    """Hand-crafted features, as `mien features` wrote them."""

    hand_crafted = True

    feature_size: PositiveInt
    standardize: bool = Field(
        False,
        description="scale each hand-crafted feature to mean 0 and deviation 1 over the training"
        " split (published: no)",
    )

    @property
    def selection(self) -> int:
        """Which of the features are read; 0: all."""
        return 0

    def reader(self, modality: Modality, tokenizer: Any = None) -> Reader:
        """Make the reader of features."""
        from mien.models.encoders.feature_reader import FeatureReader

        return FeatureReader(modality, self.feature_size, self.selection)


class VoiceFeatures(HandCraftedSettings):
    """Hand-crafted features of the voice, of which there are several selections."""

    feature_size: PositiveInt = _feature_size(144)
    feature_type: int = Field(
        0,
        ge=0,
        le=6,
        description="which of the hand-crafted voice features are read: all (0); no Bark bands (1),"
        " MFCC (2) or statistics (3); of the statistics mean and deviation alone (4), or all but"
        " minimum and maximum (5); more of the published files (6)",
    )

    @property
    def selection(self) -> int:
        """Which of the features are read."""
        return self.feature_type


class RNNSettings(HandCraftedSettings):
    """An RNN over the steps."""

    rnn: Literal["lstm", "gru"] = Field("lstm", description="kind of RNN")
    rnn_layers: int = Field(1, ge=1, description="layers of the RNN")
    rnn_hidden: int | None = Field(
        None, ge=1, description="hidden size of the RNN (default: as many as features, published)"
    )
    bidirectional: bool = Field(True, description="read in both directions with the RNN")
    dropout: float = dropout_field()

    def model_post_init(self, context: Any, /) -> None:
        """Refuse a dropout that would be nowhere."""
        if self.rnn_layers == 1 and self.dropout != type(self).model_fields["dropout"].default:
            raise refused(
                "dropout acts between the layers of an RNN: it needs rnn_layers 2 or more"
            )

    def build(
        self,
        modality: Modality,
        *,
        guide: int | None = None,
        pretrained: "PretrainedConfig | None" = None,
    ) -> "ModalityEncoder":
        """Build the encoder with random weights."""
        from mien.models.encoders.recurrent import RecurrentEncoder

        return RecurrentEncoder(self, last_step=getattr(self, "rnn_state", "final") == "published")


@register_encoder
class TextRNNConfig(RNNSettings):
    """An RNN over word vectors."""

    modalities = (TEXT,)
    kind: Literal["rnn"] = "rnn"
    feature_size: PositiveInt = _feature_size(300)
    rnn_state: Literal["final", "published"] = Field(
        "final",
        description="state taken of the RNN of text: the final one of each direction; published"
        " takes the output at the last word, where half of the RNN has seen no other",
    )


@register_encoder
class AudioRNNConfig(VoiceFeatures, RNNSettings):
    """An RNN over features of the voice."""

    modalities = (AUDIO,)
    kind: Literal["rnn"] = "rnn"


@register_encoder
class FaceRNNConfig(RNNSettings):
    """An RNN over features of the face."""

    modalities = (VIDEO,)
    kind: Literal["rnn"] = "rnn"
    feature_size: PositiveInt = _feature_size(35)


class FeatureTransformerSettings(HandCraftedSettings, TemporalSettings):
    """A transformer over the steps, as wide as they are."""

    heads: ClassVar[int]
    """Attention heads at most; the published numbers for 300, 144 and 35 features."""

    def build(
        self,
        modality: Modality,
        *,
        guide: int | None = None,
        pretrained: "PretrainedConfig | None" = None,
    ) -> "ModalityEncoder":
        """Build the encoder with random weights."""
        from mien.models.encoders.recurrent import FeatureTransformer

        return FeatureTransformer(self)


@register_encoder
class TextFeatureTransformerConfig(FeatureTransformerSettings):
    """A transformer over word vectors."""

    modalities, heads = (TEXT,), 4
    kind: Literal["feature-transformer"] = "feature-transformer"
    feature_size: PositiveInt = _feature_size(300)


@register_encoder
class AudioFeatureTransformerConfig(VoiceFeatures, FeatureTransformerSettings):
    """A transformer over features of the voice."""

    modalities, heads = (AUDIO,), 2
    kind: Literal["feature-transformer"] = "feature-transformer"


@register_encoder
class FaceFeatureTransformerConfig(FeatureTransformerSettings):
    """A transformer over features of the face."""

    modalities, heads = (VIDEO,), 5
    kind: Literal["feature-transformer"] = "feature-transformer"
    feature_size: PositiveInt = _feature_size(35)
