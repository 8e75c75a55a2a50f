"""A pretrained network that encodes the steps of one utterance, and the registry of its families.

A family is one file: a subclass of `Trunk`, registered for the types of models that it covers.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

import torch
from torch import Tensor, nn

from mien.errors import MienError
from mien.modality import Modality
from mien.models.layers.adapters import QUERIES_AND_VALUES
from mien.registry import Registry

LayerStates = Literal["last", "weighted", "all"]
"""Which states of a network are used: that of its last layer, or those of several layers."""


@dataclass(frozen=True)
class LayerChoice:
    """Which layers of a network are computed, and which of their states are used.

    Parameters
    ----------
    layers : int or None
        The first layers; None: all.
    states : {"last", "weighted", "all"}
        "last": the state of the last of them, after the final norm if all layers are computed;
        "weighted": of the input of the first layer and of each layer, for a weighted sum;
        "all": of each layer, side by side.
    """

    layers: int | None = None
    states: LayerStates = "last"


class Trunk(nn.Module, ABC):
    """A pretrained network, which encodes one utterance at a time, so that nothing is padded.

    Attributes
    ----------
    width : int
        Length of a state.
    depth : int
        Number of states for each step of its output; see `LayerChoice`.
    pools : bool
        Whether its output is one step, since it pools over time itself.
    adaptable : sequence of str
        Names of the linear layers that adapters (LoRA) change.
    description : mapping
        What it was built from.
    """

    width: int
    depth: int = 1
    adaptable: Sequence[str] = QUERIES_AND_VALUES
    description: Mapping[str, Any] = {}
    pools: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def describe(cls, name: str) -> dict[str, Any]:
        """Describe a pretrained model by name or folder: plain values, with its `model_type`.

        Raises
        ------
        MienError
            It cannot be found or read.
        """

    @classmethod
    @abstractmethod
    def build(cls, description: Mapping[str, Any], choice: LayerChoice) -> "Trunk":
        """Build the network that was described, with random weights.

        Raises
        ------
        MienError
            The description is damaged, or the network has fewer layers.
        """

    @abstractmethod
    def load(self, name: str) -> None:
        """Load the pretrained weights by name or folder, only those of the layers computed.

        Raises
        ------
        MienError
            They cannot be found or read, or do not fit.
        """

    @abstractmethod
    def forward(self, steps: Tensor) -> Tensor:
        """Encode the steps (L, ...) of one utterance as states (T, depth, width)."""

    def layers(self) -> list[nn.Module]:
        """Return the layers from the bottom, after the one that reads the input."""
        return []


class LayerRecorder:
    """Records the states that the layers of a network compute.

    Parameters
    ----------
    layers : sequence of Module
        The layers.
    states : {"weighted", "all"}
        With "weighted" the input of the first layer is a state, too.
    """

    def __init__(self, layers: list[nn.Module], states: LayerStates) -> None:
        self.layers, self.states = layers, states

    def record(self, compute: Callable[[], object]) -> list[Tensor]:
        """Run a computation, and return the states (1, T, width) of the layers in their order."""
        found: list[Tensor] = []
        handles = [
            layer.register_forward_hook(lambda _, __, output: found.append(_first(output)))
            for layer in self.layers
        ]
        if self.states == "weighted":
            handles.append(
                self.layers[0].register_forward_pre_hook(
                    lambda _, args, kwargs: found.append(_first(args or kwargs["hidden_states"])),
                    with_kwargs=True,
                )
            )
        try:
            compute()
        finally:
            for handle in handles:
                handle.remove()
        return found


def _first(output: Any) -> Tensor:
    value = output[0] if isinstance(output, tuple) else output
    assert isinstance(value, Tensor)
    return value


def layers_of(model: nn.Module, count: int) -> list[nn.Module]:
    """Return the layers of a network: its outermost list of `count` modules named layers.

    Raises
    ------
    MienError
        There is no such list.
    """
    lists = {
        name: list(part)
        for name, part in model.named_modules()
        if isinstance(part, nn.ModuleList)
        and len(part) == count
        and name.rpartition(".")[2] in ("layers", "layer", "blocks")
    }
    if not lists:
        raise MienError(f"{type(model).__name__} is not built of {count} layers")
    return lists[min(lists, key=lambda name: name.count("."))]


def stacked(states: list[Tensor]) -> Tensor:
    """Stack the states (1, T, D) of several layers as (T, depth, D)."""
    return torch.stack([state[0] for state in states], dim=1)


def checked_layers(choice: LayerChoice, count: int, name: str) -> int:
    """Return the number of layers to compute.

    Raises
    ------
    MienError
        The network has fewer.
    """
    if choice.layers is not None and choice.layers > count:
        raise MienError(
            f"{name} has {count} layers: choose {count} or fewer, not {choice.layers}",
            parameter="layers",
        )
    return choice.layers or count


FAMILIES: dict[Modality, Registry[type[Trunk]]] = {
    m: Registry(f"type of {m} networks") for m in Modality
}
"""The family of each type of model, by the names of types in transformers."""

Family = TypeVar("Family", bound=type[Trunk])


def family(modality: Modality, *types: str) -> Callable[[Family], Family]:
    """Register a family for types of models of a modality; used as a decorator."""

    def register(kind: Family) -> Family:
        for name in types:
            FAMILIES[modality].register(name, kind)
        return kind

    return register


def family_of(modality: Modality, model_type: str, name: str) -> type[Trunk]:
    """Return the family of a type of model.

    Raises
    ------
    MienError
        No family of the modality covers it.
    """
    known = FAMILIES[modality]
    try:
        return known[model_type]
    except MienError as error:
        raise MienError(
            f"{name} is a model of type {model_type!r}, which is no {modality} encoder that mien"
            f" supports: choose one of type {', '.join(known)}",
            parameter=f"{modality}_model",
        ) from error
