"""Frozen pretrained weights: a run names them, with a digest, and does not copy them.

An encoder that never learns has the weights of its source for ever, and these are most of a model:
87 MB of the packaged text encoder. They are read from the same source again: the package that ships
them, a folder, or the hub and its cache.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from mien.errors import MienError
from mien.modality import Modality
from mien.models import MultimodalModel
from mien.tensor_file import digest


class FrozenWeights(BaseModel):
    """Where the frozen pretrained weights of an encoder come from, and which they are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """Of the pretrained model; of one in a folder its absolute path."""
    sha256: str
    """Of the names, types, shapes and numbers of its weights (`mien.tensor_file.digest`)."""


Frozen = Mapping[Modality, FrozenWeights]
"""For modalities whose encoder has frozen weights which are not copied, where these are."""


def find_frozen(model: MultimodalModel) -> dict[Modality, FrozenWeights]:
    """Find the encoders of a model that hold the weights of their source, and never learn."""
    found = {}
    for modality, settings in model.config.encoders.items():
        encoder, name = model.encoder(modality), settings.pretrained_name
        if name is None or not encoder.frozen:
            continue
        if (folder := Path(name)).is_dir():
            name = str(folder.resolve())
        found[modality] = FrozenWeights(name=name, sha256=_digest(_part(model, modality)))
    return found


def fill_frozen(model: MultimodalModel, frozen: Frozen, config: Path) -> None:
    """Read the frozen weights of a model from where they come from.

    Parameters
    ----------
    model : MultimodalModel
        The model to fill.
    frozen : mapping of Modality to FrozenWeights
        What its run records.
    config : Path
        The file that records it, for messages.

    Raises
    ------
    MienError
        They are missing, or are others now.
    """
    for modality, source in frozen.items():
        if modality not in model.config.modalities:
            raise MienError(f"{config} is damaged: the model has no {modality} to freeze")
        what = f"{config.parent} takes the frozen weights of its {modality} from {source.name!r}"
        try:
            model.encoder(modality).load_pretrained(source.name)
            found = _digest(_part(model, modality))
        except MienError as error:
            raise MienError(f"{what}, which can't be read: {error.message}") from error
        except (RuntimeError, LookupError) as error:  # of other sizes, or of another architecture
            raise MienError(f"{what}, which is another model by now: bring the old one back") from (
                error
            )
        if found != source.sha256:
            raise MienError(
                f"{what}, whose weights are others by now (SHA-256 {found[:12]}…, and"
                f" {source.sha256[:12]}… when it was trained): bring the old ones back"
            )


def without_frozen(
    tensors: Mapping[str, Tensor], model: MultimodalModel, frozen: Frozen
) -> dict[str, Tensor]:
    """Leave the frozen weights out of the tensors of `model.state_dict`."""
    left_out = set(frozen_names(model, frozen))
    return {name: tensor for name, tensor in tensors.items() if name not in left_out}


def frozen_names(model: MultimodalModel, frozen: Frozen) -> Iterator[str]:
    """Name the frozen weights among those of `model.state_dict`."""
    for modality in frozen:
        part = model.encoder(modality).pretrained_part
        yield from (f"encoders.{modality}.{part}.{n}" for n in _part(model, modality).state_dict())


def _part(model: MultimodalModel, modality: Modality) -> nn.Module:
    """Give the part of an encoder that was trained before."""
    encoder = model.encoder(modality)
    if encoder.pretrained_part is None:
        raise MienError(f"the model's encoder of {modality} has no pretrained weights")
    return encoder.get_submodule(encoder.pretrained_part)


def _digest(part: nn.Module) -> str:
    return digest({name: tensor.cpu() for name, tensor in part.state_dict().items()}, {})
