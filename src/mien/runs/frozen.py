"""Frozen pretrained weights, which a run refers to by name and digest instead of copying them.

The weights of a frozen encoder are always those of its source, and they are most of a model: 87 MB
for the packaged text encoder. A run reads them from this source again: a Python package, a folder,
or the hub and its cache.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from torch import Tensor

from mien.errors import MienError
from mien.modality import Modality
from mien.models import MultimodalModel
from mien.models.encoders.naming import PACKAGED
from mien.models.pretrained.names import parts_of
from mien.tensor_file import digest


class FrozenWeights(BaseModel):
    """The source and the digest of the frozen pretrained weights of an encoder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """Name of the pretrained model, or the absolute path of its folder."""
    sha256: str
    """Digest of the names, types, shapes and values of the weights (`mien.tensor_file.digest`)."""


Frozen = Mapping[Modality, FrozenWeights]
"""The frozen weights of each modality whose encoder has frozen weights that are not copied."""


def find_frozen(model: MultimodalModel) -> dict[Modality, FrozenWeights]:
    """Find the encoders of a model whose pretrained weights are frozen."""
    found = {}
    for modality, settings in model.config.encoders.items():
        name = settings.pretrained_name
        if name is None or not any(model.encoder(modality).fixed_names()):
            continue
        name = "+".join(_absolute(part, modality) for part in parts_of(name))
        found[modality] = FrozenWeights(name=name, sha256=frozen_digest(model, modality))
    return found


def _absolute(name: str, modality: Modality) -> str:
    """Return the absolute path of a folder, and any other name as it is.

    A packaged model keeps its name, even where a folder is called so.
    """
    if name in PACKAGED[modality] or not Path(name).is_dir():
        return name
    return str(Path(name).resolve())


def load_frozen(model: MultimodalModel, frozen: Frozen, config: Path) -> None:
    """Load the frozen weights of a model from their source.

    Parameters
    ----------
    model : MultimodalModel
        The model.
    frozen : mapping of Modality to FrozenWeights
        The frozen weights that its run records.
    config : Path
        The file that records it, for messages.

    Raises
    ------
    MienError
        The weights are missing or have changed.
    """
    for modality, source in frozen.items():
        if modality not in model.config.modalities:
            raise MienError(f"{config} is damaged: the model has no {modality} encoder to freeze")
        what = f"{config.parent} uses frozen {modality} weights from {source.name!r}"
        try:
            model.encoder(modality).load_pretrained(source.name)
            found = frozen_digest(model, modality)
        except MienError as error:
            raise MienError(f"{what}, which cannot be read: {error.message}") from error
        except (RuntimeError, LookupError) as error:  # of other sizes, or of another architecture
            raise MienError(f"{what}, which is now another model: restore the original one") from (
                error
            )
        if found != source.sha256:
            raise MienError(
                f"{what}, which have changed since training (SHA-256 {found[:12]}… instead of"
                f" {source.sha256[:12]}…): restore the original ones"
            )


def without_frozen(
    tensors: Mapping[str, Tensor], model: MultimodalModel, frozen: Frozen
) -> dict[str, Tensor]:
    """Return the tensors of `model.state_dict` without the frozen weights."""
    left_out = set(frozen_names(model, frozen))
    return {name: tensor for name, tensor in tensors.items() if name not in left_out}


def frozen_names(model: MultimodalModel, frozen: Frozen) -> Iterator[str]:
    """Yield the names of the frozen weights in `model.state_dict`."""
    for modality in frozen:
        yield from (f"encoders.{modality}.{name}" for name in model.encoder(modality).fixed_names())


def frozen_digest(model: MultimodalModel, modality: Modality) -> str:
    """Return the digest of the frozen weights of an encoder. Raises `MienError` without any."""
    encoder = model.encoder(modality)
    if not (fixed := set(encoder.fixed_names())):
        raise MienError(f"the {modality} encoder of the model has no frozen pretrained weights")
    start = f"{encoder.pretrained_part}."
    tensors = encoder.state_dict().items()
    return digest({n.removeprefix(start): t.cpu() for n, t in tensors if n in fixed}, {})
