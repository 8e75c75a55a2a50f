"""The dimensions of a model: all that is needed, with its weights, to build it again."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator

MODALITIES = {"t": "text", "v": "video", "a": "audio"}
"""Modality letters in the order in which the fusion stacks them (Dai et al. 2021)."""

PUBLISHED_SIZES = (300, 144, 35)
"""Hand-crafted features a step of words, voice and face (Dai et al. 2021)."""


class ModelConfig(BaseModel):
    """Dimensions of a model. The defaults are the published ones except where the text says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Literal["mme2e", "mme2e-sparse", "lf-rnn", "lf-transformer"] = Field(
        "mme2e",
        description="architecture: mme2e (dense); mme2e-sparse, which looks at the parts of a"
        " picture that an attention chooses; or a baseline on what mien features wrote",
    )
    modalities: str = Field(
        "tav", validate_default=True, description="modalities used, letters out of t, a, v"
    )
    text_model: str = Field(
        "minilm",
        description="text encoder: minilm (shipped with mien), a local folder, or a hub name"
        " such as albert-base-v2 (the published one)",
    )
    text_pooling: Literal["first", "mean"] | None = Field(
        None,
        description="state taken from the text: of the first token (published; the default for"
        " ALBERT) or the mean over tokens (the default for others)",
    )
    text_max_len: int = Field(100, ge=4, le=512, description="tokens kept of a text")
    front_end: Literal["log", "published"] = Field(
        "log",
        description="spectrogram: logarithmic, normalised per utterance, or the published power",
    )
    width: float = Field(
        1.0, gt=0, le=4, description="multiplier of the CNNs' channels; below 1 for small machines"
    )
    sparse_threshold: float = Field(
        0.5, gt=0, le=1, description="mme2e-sparse: share of the attention that is kept"
    )
    sparsity: Literal["sites", "frames", "both"] = Field(
        "sites",
        description="mme2e-sparse: keep sites of each picture, whole frames and pieces of sound,"
        " or both",
    )
    attention: Literal["learned", "published", "published-unmended"] = Field(
        "learned",
        description="mme2e-sparse: weight what is kept by the attention, so that it learns, or"
        " select only (published); published-unmended: with the published code's defect, too, by"
        " which features land in other pictures of the batch, for checkpoints trained with it",
    )
    feature_sizes: tuple[PositiveInt, PositiveInt, PositiveInt] = Field(
        PUBLISHED_SIZES,
        description="lf-rnn, lf-transformer: features a step of words, voice and face (300,144,35"
        " published; without the flag those of the data)",
    )
    audio_feature_type: int = Field(
        0,
        ge=0,
        le=6,
        description="lf-rnn, lf-transformer: which of the voice features are read: all (0); no Bark"
        " bands (1), MFCC (2) or statistics (3); of the statistics mean and deviation alone (4), or"
        " all but minimum and maximum (5); more of the published files (6)",
    )
    standardize: bool = Field(
        False,
        description="lf-rnn, lf-transformer: scale each feature to mean 0 and deviation 1 over the"
        " training part (published: no)",
    )
    rnn: Literal["lstm", "gru"] = Field("lstm", description="lf-rnn: kind of its RNNs")
    rnn_layers: int = Field(1, ge=1, description="lf-rnn: layers of each RNN")
    rnn_hidden: int | None = Field(
        None, ge=1, description="lf-rnn: hidden size (default: as many as features, published)"
    )
    rnn_state: Literal["final", "published"] = Field(
        "final",
        description="lf-rnn: state taken of each RNN: the final one of each direction; published"
        " takes the output at the last word, where half of the RNN has seen no other",
    )
    bidirectional: bool = Field(True, description="lf-rnn: read in both directions")
    trans_dim: int = Field(64, ge=4, description="width of the transformers over time")
    trans_nlayers: int = Field(4, ge=1, description="layers of the transformers over time")
    trans_nheads: int = Field(4, ge=1, description="heads of the transformers over time")
    trans_feedforward: int = Field(
        2048, ge=1, description="feed-forward width of the transformers over time"
    )
    positions: bool = Field(
        False, description="encode the order of faces and pieces over time (published: no)"
    )
    fusion: Literal["weighted", "concat", "attention"] = Field(
        "weighted",
        description="of the modalities: weighted sum of their answers (published), a network on"
        " their states side by side, or an attention over their states",
    )
    embedding_size: int = Field(
        256,
        ge=0,
        description="length of the embedding that the person task learns; 0: none (published)",
    )
    weight_init: Literal["default", "published"] = Field(
        "default",
        description="weights that training starts from: of sparse convolutions 2.45 times smaller"
        " than the published ones, and of the modalities in the fusion equal; or as published",
    )
    dropout: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="dropout of the transformers over time, and between layers of RNNs",
    )
    cnn_dropout: float = Field(
        0.0, ge=0, lt=1, description="dropout between the CNN and its projection (published: 0)"
    )

    @field_validator("modalities")
    @classmethod
    def _known_letters(cls, letters: str) -> str:
        if not letters or set(letters) - set(MODALITIES) or len(set(letters)) < len(letters):
            raise ValueError(f"{letters!r} is not made of the letters t, a, v, each at most once")
        return "".join(letter for letter in MODALITIES if letter in letters)

    @field_validator("feature_sizes", mode="before")
    @classmethod
    def _split_sizes(cls, sizes: Any) -> Any:
        return sizes.split(",") if isinstance(sizes, str) else sizes

    @property
    def hand_crafted(self) -> bool:
        """Whether the model reads features instead of words, faces and sound."""
        return self.model.startswith("lf-")

    @property
    def decoded(self) -> str:
        """The modalities that it reads as words, faces and sound."""
        return "" if self.hand_crafted else self.modalities

    def feature_size(self, modality: str) -> int:
        """Give the features a step of "t", "a" or "v"."""
        return self.feature_sizes["tav".index(modality)]

    def model_post_init(self, context: Any, /) -> None:
        """Refuse head counts that do not divide the width."""
        if self.trans_dim % self.trans_nheads:
            raise ValueError(
                f"trans_dim {self.trans_dim} is not a multiple of trans_nheads {self.trans_nheads}"
            )
