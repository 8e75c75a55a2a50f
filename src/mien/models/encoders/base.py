"""The settings and the reader of a modality encoder, and the registry of the kinds of encoders.

An encoder consists of three classes. Its `EncoderConfig` holds the settings, as recipes and run
folders state them. Its `Reader` converts a sample into the input of the network; it runs in the
processes that load data and has no weights. The network is a
`mien.models.encoders.modality_encoder.ModalityEncoder`. This module does not import torch, because
the command line makes flags from the settings.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from mien.errors import did_you_mean
from mien.modality import Modality
from mien.registry import Registry

if TYPE_CHECKING:
    import numpy as np

    from mien.batch import Input
    from mien.models.encoders.modality_encoder import ModalityEncoder
    from mien.utterance import Sample


Voices = Callable[[], "Sequence[np.ndarray]"]
"""Reads other waveforms (S,) int16 of a speaker."""


class Reader(ABC):
    """Convert samples into the input of an encoder, and collate that into batches.

    A reader is pickled into the processes that load data.
    """

    @abstractmethod
    def read(self, sample: "Sample") -> Any:
        """Return the steps (L, ...) of a sample; L is 0 if it lacks the modality."""

    def augment(
        self,
        sample: "Sample",
        random: "np.random.Generator",
        *,
        keep_voice: bool,
        voices: "Voices" = tuple,
    ) -> "Sample":
        """Augment a training sample at random before it is read; by default, return it unchanged.

        With `keep_voice` a task identifies speakers, so the voice must stay the same. `voices`
        reads other waveforms of the same speaker, from which babble noise can be made.
        """
        return sample

    def mask(self, steps: Any, random: "np.random.Generator") -> Any:
        """Mask steps of a training sample at random; by default, return them unchanged."""
        return steps

    def collate(self, sequences: "Sequence[Any]") -> "Input":
        """Collate what `read` returned for several samples into the input of the encoder."""
        from mien.batch import Ragged

        return Ragged.join(sequences)


Descriptions = Sequence[Mapping[str, Any]]
"""Pretrained networks as plain values, from which each can be built again."""


class EncoderConfig(BaseModel, ABC):
    """The settings of an encoder; `kind` tells it from the other encoders of its modality.

    Attributes
    ----------
    modalities : tuple of Modality
        The modalities it can encode.
    hand_crafted : bool
        Whether its input is features from `mien features` instead of text, audio or video.
    face_size : int or None
        Edge of the face crops it takes as input, in pixels; crops of other sizes are resized.
    resizes : bool
        Whether it resizes face crops of any size itself.
    augments : bool
        Whether its reader can augment training samples.
    selects : bool
        Whether it computes on a part of its input only, and returns which part (`Selection`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    modalities: ClassVar[tuple[Modality, ...]]
    hand_crafted: ClassVar[bool] = False
    face_size: ClassVar[int | None] = None
    resizes: ClassVar[bool] = False
    augments: ClassVar[bool] = False
    selects: ClassVar[bool] = False

    kind: str

    @property
    def pretrained_name(self) -> str | None:
        """Name of the pretrained model that initialises the encoder, if there is one."""
        return None

    @property
    def learns_slowly(self) -> bool:
        """Whether it has pretrained or selector weights, which have the lower learning rate."""
        return self.selects

    @abstractmethod
    def reader(self, modality: Modality, tokenizer: Any = None) -> Reader:
        """Build the reader of a modality, with the tokenizer of the model if it has one."""

    @property
    def takes_references(self) -> bool:
        """Whether it takes other clips of the same speaker as references."""
        return False

    @property
    def cacheable(self) -> bool:
        """Whether what its pretrained networks compute never changes in training."""
        return False

    @property
    def unused(self) -> dict[str, str]:
        """Settings that have no effect because of others, each with what would use it."""
        return {}

    def state_size(self, pretrained: "Descriptions | None" = None) -> int | None:
        """Return the length of the state that the network will compute, None if not known before.

        Parameters
        ----------
        pretrained : sequence of mapping or None
            Descriptions of the pretrained networks, as the run folder records them.
        """
        return None

    @abstractmethod
    def build(
        self,
        modality: Modality,
        *,
        guide: int | None = None,
        pretrained: "Descriptions | None" = None,
    ) -> "ModalityEncoder":
        """Build the network with random weights.

        Parameters
        ----------
        modality : Modality
            The modality to encode.
        guide : int or None
            Length of the text state that `forward` gets, None for a model without text.
        pretrained : sequence of mapping or None
            Descriptions of the pretrained networks, if there are any.
        """

    @model_validator(mode="before")
    @classmethod
    def _known_settings(cls, values: Any) -> Any:
        for name in values if isinstance(values, Mapping) else ():
            if name not in cls.model_fields:
                own = [field for field in cls.model_fields if field != "kind"]
                kind = cls.model_fields["kind"].default
                raise refused(
                    f"{kind} has no setting {name!r}{did_you_mean(str(name), own)}"
                    f"; its settings: {', '.join(own)}"
                )
        return values


def refused(why: str) -> PydanticCustomError:
    """Build a validation error whose message is shown to users as it is."""
    return PydanticCustomError("refused", "{why}", {"why": why})


ENCODERS: dict[Modality, Registry[type[EncoderConfig]]] = {
    m: Registry(f"{m} encoder") for m in Modality
}
"""The kinds of encoders of each modality; the first one is the default."""

Config = TypeVar("Config", bound=EncoderConfig)


def register_encoder(config: type[Config]) -> type[Config]:
    """Register a kind of encoder by its settings; usable as a decorator.

    Raises
    ------
    MienError
        Another class has the same kind.
    """
    kind = config.model_fields["kind"].default
    for modality in config.modalities:
        ENCODERS[modality].register(kind, config)
    return config
