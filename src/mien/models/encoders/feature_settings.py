"""The settings of the encoders of hand-crafted features, for the two-phase baselines.

The defaults are the published ones (Dai et al. 2021) unless the description says otherwise.
"""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PositiveInt

from mien.modality import Modality
from mien.models.encoders.base import Descriptions, EncoderConfig, Reader, refused, register_encoder
from mien.models.encoders.media_settings import TemporalSettings, dropout_field

if TYPE_CHECKING:
    from mien.models.encoders.modality_encoder import ModalityEncoder

TEXT, AUDIO, VIDEO = Modality


def _feature_size(published: int) -> Any:
    return Field(
        published,
        description="number of hand-crafted features of a step (published: text 300, audio 144,"
        " video 35; default: as many as the data have)",
    )


class HandCraftedSettings(EncoderConfig):
    """Hand-crafted features, as `mien features` writes them."""

    hand_crafted = True

    feature_size: PositiveInt
    standardize: bool = Field(
        False,
        description="standardise each hand-crafted feature to mean 0 and standard deviation 1 over"
        " the training split (published: no)",
    )

    @property
    def selection(self) -> int:
        """Which selection of the features is read; 0: all features."""
        return 0

    def reader(self, modality: Modality, tokenizer: Any = None) -> Reader:
        """Build the reader of features."""
        from mien.models.encoders.feature_reader import FeatureReader

        return FeatureReader(modality, self.feature_size, self.selection)


class VoiceFeatures(HandCraftedSettings):
    """Hand-crafted audio features, from which several selections can be read."""

    feature_size: PositiveInt = _feature_size(144)
    feature_type: int = Field(
        0,
        ge=0,
        le=6,
        description="selection of the hand-crafted audio features: all (0); without Bark bands (1),"
        " MFCCs (2) or statistics (3); only the mean and deviation of the statistics (4), or all"
        " statistics but minimum and maximum (5); more columns of the published files (6)",
    )

    @property
    def selection(self) -> int:
        """Which selection of the features is read."""
        return self.feature_type


class RNNSettings(HandCraftedSettings):
    """An RNN over the steps."""

    rnn: Literal["lstm", "gru"] = Field("lstm", description="kind of RNN")
    rnn_layers: int = Field(1, ge=1, description="layers of the RNN")
    rnn_hidden: int | None = Field(
        None,
        ge=1,
        description="hidden size of the RNN (default: as many as features, published)",
    )
    bidirectional: bool = Field(True, description="use a bidirectional RNN")
    dropout: float = dropout_field()

    def model_post_init(self, context: Any, /) -> None:
        """Refuse dropout for an RNN of one layer, which has no place for it."""
        if self.rnn_layers == 1 and self.dropout != type(self).model_fields["dropout"].default:
            raise refused(
                "dropout is applied between the layers of an RNN: set rnn_layers to 2 or more"
            )

    def build(
        self,
        modality: Modality,
        *,
        guide: int | None = None,
        pretrained: Descriptions | None = None,
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
        description="state of the text RNN that is used: the final state of each direction; or, as"
        " published, the output at the last word, where the backward direction has read only that"
        " word",
    )


@register_encoder
class AudioRNNConfig(VoiceFeatures, RNNSettings):
    """An RNN over audio features."""

    modalities = (AUDIO,)
    kind: Literal["rnn"] = "rnn"


@register_encoder
class FaceRNNConfig(RNNSettings):
    """An RNN over face features."""

    modalities = (VIDEO,)
    kind: Literal["rnn"] = "rnn"
    feature_size: PositiveInt = _feature_size(35)


class FeatureTransformerSettings(HandCraftedSettings, TemporalSettings):
    """A transformer over the steps, as wide as the number of features."""

    heads: ClassVar[int]
    """Largest number of attention heads; published for 300, 144 and 35 features."""

    def build(
        self,
        modality: Modality,
        *,
        guide: int | None = None,
        pretrained: Descriptions | None = None,
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
    """A transformer over audio features."""

    modalities, heads = (AUDIO,), 2
    kind: Literal["feature-transformer"] = "feature-transformer"


@register_encoder
class FaceFeatureTransformerConfig(FeatureTransformerSettings):
    """A transformer over face features."""

    modalities, heads = (VIDEO,), 5
    kind: Literal["feature-transformer"] = "feature-transformer"
    feature_size: PositiveInt = _feature_size(35)
