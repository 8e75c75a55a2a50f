"""The configuration of a model: with the weights, all that is needed to build it again."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails

from mien.errors import did_you_mean
from mien.modality import Modality, letters
from mien.models.encoders import feature_settings, media_settings, pretrained_settings
from mien.models.encoders.base import ENCODERS, EncoderConfig, Reader, refused
from mien.models.encoders.naming import with_kind

__all__ = ["ModelConfig", "feature_settings", "media_settings", "pretrained_settings"]

TextSettings = media_settings.TransformerConfig | pretrained_settings.PretrainedTextConfig
"""The settings of encoders that take tokens as input."""

STACKED = (Modality.TEXT, Modality.VIDEO, Modality.AUDIO)
"""The order of the modalities in a fusion (Dai et al. 2021)."""

STACKED_FEATURES = (Modality.TEXT, Modality.AUDIO, Modality.VIDEO)
"""Their order in a fusion of hand-crafted features (Dai et al. 2021)."""


def _encoders(values: Any) -> Any:
    """Validate the settings of each encoder by its kind."""
    if not isinstance(values, Mapping):
        return values
    found: dict[Modality, EncoderConfig] = {}
    for name, settings in values.items():
        if name not in list(Modality):
            raise refused(
                f"there is no modality {name!r}{did_you_mean(str(name), Modality)}"
                f"; known: {', '.join(Modality)}"
            )
        found[Modality(name)] = _encoder(Modality(name), settings)
    return found


def _encoder(modality: Modality, settings: Any) -> EncoderConfig:
    try:
        if isinstance(settings, EncoderConfig):
            if modality not in settings.modalities:
                raise refused(f"{type(settings).__name__} cannot encode {modality}")
            return settings
        if not isinstance(settings, Mapping):
            raise refused(f"the settings of the {modality} encoder must be a section")
        settings = with_kind(modality, settings)
        return ENCODERS[modality][settings["kind"]].model_validate(settings)
    except ValidationError as error:
        lines = [
            InitErrorDetails(
                type=refused(line["msg"]), loc=(modality.value, *line["loc"]), input=line["input"]
            )
            for line in error.errors()
        ]
        raise ValidationError.from_exception_data("encoders", lines) from error


class ModelConfig(BaseModel):
    """The encoders of a model and their fusion; the defaults are those of the preset mme2e.

    Examples
    --------
    >>> config = ModelConfig(encoders={"audio": {"kind": "vgg", "width": 0.5}, "text": {}})
    >>> [str(modality) for modality in config.modalities]
    ['text', 'audio']
    >>> config.encoders["audio"].spectrogram
    'log'
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoders: Annotated[
        dict[Modality, SerializeAsAny[EncoderConfig]], BeforeValidator(_encoders)
    ] = Field(
        {modality: {} for modality in Modality},
        validate_default=True,
        min_length=1,
        description="the encoder of each modality",
    )
    fusion: Literal["weighted", "concat", "attention"] = Field(
        "weighted",
        description="fusion of the modalities: weighted, a weighted sum of their logits"
        " (published); concat, a network on their concatenated states; or attention over their"
        " states",
    )
    embedding_size: int = Field(
        256,
        ge=0,
        description="size of the speaker embedding that the person task trains; 0: none"
        " (published)",
    )
    weight_init: Literal["default", "published"] = Field(
        "default",
        description="initial weights: default, sparse convolutions 2.45 times smaller than"
        " published, and equal weights of the modalities in the fusion; or published",
    )

    @model_validator(mode="before")
    @classmethod
    def _known_settings(cls, values: Any) -> Any:
        for name in values if isinstance(values, Mapping) else ():
            if name not in cls.model_fields:
                raise refused(
                    f"a model has no setting {name!r}{did_you_mean(str(name), cls.model_fields)}"
                    f"; its settings: {', '.join(cls.model_fields)}"
                )
        return values

    @field_validator("encoders")
    @classmethod
    def _stacked(cls, encoders: dict[Modality, EncoderConfig]) -> dict[Modality, EncoderConfig]:
        """Sort the encoders into the order of the fusion."""
        hand_crafted = {encoder.hand_crafted for encoder in encoders.values()}
        if len(hand_crafted) > 1:
            kinds = ", ".join(f"{m} {encoder.kind}" for m, encoder in encoders.items())
            raise refused(
                "a model cannot mix encoders of hand-crafted features with encoders of text, audio"
                f" or video ({kinds}): choose rnn or feature-transformer for all modalities or for"
                " none"
            )
        order = STACKED_FEATURES if hand_crafted == {True} else STACKED
        return {m: encoders[m] for m in order if m in encoders}

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities in the order of the fusion."""
        return tuple(self.encoders)

    @property
    def letters(self) -> str:
        """The letters of the modalities, in the order of `Modality`."""
        return letters(self.encoders)

    @property
    def hand_crafted(self) -> bool:
        """Whether its input is hand-crafted features instead of text, audio and video."""
        return any(encoder.hand_crafted for encoder in self.encoders.values())

    @property
    def text(self) -> "TextSettings | None":
        """The settings of the pretrained text encoder, None for a model without one."""
        encoder = self.encoders.get(Modality.TEXT)
        return encoder if isinstance(encoder, TextSettings) else None

    def readers(self, tokenizer: Any = None) -> dict[Modality, Reader]:
        """Build the reader of each modality, with the tokenizer of the text encoder."""
        return {m: encoder.reader(m, tokenizer) for m, encoder in self.encoders.items()}

    def changed(self, modality: Modality, **settings: Any) -> "ModelConfig":
        """Return a copy in which one encoder has other settings."""
        encoder = self.encoders[modality].model_copy(update=settings)
        return self.model_copy(update={"encoders": {**self.encoders, modality: encoder}})
