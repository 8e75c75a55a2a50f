"""What an encoder of one modality is made of: its settings, its reader, and the registry of kinds.

An encoder is three classes. Its `EncoderConfig` is what a recipe or a run folder says of it. Its
`Reader` takes out of a sample what it needs; it runs in the processes that load data and holds no
weights. Its network is a `mien.models.encoders.modality_encoder.ModalityEncoder`. This module
imports no torch, since the command line makes its flags from the settings.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from mien.errors import MienError, did_you_mean
from mien.modality import Modality
from mien.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor
    from transformers import PretrainedConfig

    from mien.batch import Ragged
    from mien.models.encoders.modality_encoder import ModalityEncoder
    from mien.utterance import Sample


class Reader(ABC):
    """Takes out of samples what an encoder reads, and lays it out in batches.

    It is pickled into the processes that load data.
    """

    @abstractmethod
    def read(self, sample: "Sample") -> "Tensor":
        """Give the steps (L, ...) of a sample; L is 0 where it lacks the modality."""

    def augment(
        self, sample: "Sample", random: "np.random.Generator", *, keep_voice: bool
    ) -> "Sample":
        """Change a training sample at random before it is read; by default not at all.

        With `keep_voice` persons are learnt, so that a voice must stay as it is.
        """
        return sample

    def mask(self, steps: "Tensor", random: "np.random.Generator") -> "Tensor":
        """Change the steps of a training sample at random; by default not at all."""
        return steps

    def collate(self, sequences: "Sequence[Tensor]") -> "Ragged":
        """Lay the steps of several samples out as the encoder takes them."""
        from mien.batch import Ragged

        return Ragged.join(sequences)


class EncoderConfig(BaseModel, ABC):
    """The settings of an encoder, told from others of its modality by `kind`.

    Attributes
    ----------
    modalities : tuple of Modality
        What it can encode.
    hand_crafted : bool
        Whether it takes features that `mien features` wrote instead of text, audio or video.
    face_size : int or None
        Edge of the face crops that it takes, in pixels; crops of other sizes are resized.
    augments : bool
        Whether its reader can augment training samples.
    selects : bool
        Whether it chooses what to look at, and tells it (`Selection`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    modalities: ClassVar[tuple[Modality, ...]]
    hand_crafted: ClassVar[bool] = False
    face_size: ClassVar[int | None] = None
    augments: ClassVar[bool] = False
    selects: ClassVar[bool] = False

    kind: str

    @property
    def pretrained_name(self) -> str | None:
        """Name of the pretrained model whose weights the encoder begins with, if there is one."""
        return None

    @property
    def learns_slowly(self) -> bool:
        """Whether it has weights that learn at the lower rate: pretrained or selecting ones."""
        return self.selects

    @abstractmethod
    def reader(self, modality: Modality, tokenizer: Any = None) -> Reader:
        """Make the reader of a modality, with the tokenizer of the model where it has one."""

    def state_size(self, pretrained: Mapping[str, Any] | None = None) -> int | None:
        """Give the length of the vector that its network will make, None where only that knows.

        Parameters
        ----------
        pretrained : mapping or None
            Dimensions of the pretrained part, as the run records them.
        """
        return None

    @abstractmethod
    def build(
        self,
        modality: Modality,
        *,
        guide: int | None = None,
        pretrained: "PretrainedConfig | None" = None,
    ) -> "ModalityEncoder":
        """Build the network with random weights.

        Parameters
        ----------
        modality : Modality
            What it is to encode.
        guide : int or None
            Length of the text's state that is given to it, None for a model without text.
        pretrained : PretrainedConfig or None
            Dimensions of the pretrained part, where there is one.
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
    """Make an error of settings whose message is for users as it is."""
    return PydanticCustomError("refused", "{why}", {"why": why})


ENCODERS: dict[Modality, Registry[type[EncoderConfig]]] = {
    m: Registry(f"{m} encoder") for m in Modality
}
"""For each modality the kinds of encoders that it may have; the first one is the default."""

Config = TypeVar("Config", bound=EncoderConfig)


def register_encoder(config: type[Config]) -> type[Config]:
    """Make a kind of encoder known, by its settings; usable as a decorator.

    Raises
    ------
    MienError
        Another class has its kind.
    """
    kind = config.model_fields["kind"].default
    for modality in config.modalities:
        ENCODERS[modality].register(kind, config)
    return config


def kind_of(modality: Modality, settings: Mapping[str, Any]) -> type[EncoderConfig]:
    """Find the class of an encoder's settings by their `kind`; without one the default.

    Raises
    ------
    PydanticCustomError
        No such kind is known.
    """
    kinds = ENCODERS[modality]
    kind = settings.get("kind", next(iter(kinds)))
    try:
        return kinds[str(kind)]
    except MienError as error:
        raise refused(error.message) from error
