"""Low-rank adapters (LoRA, Hu et al. 2021) in the layers of a pretrained network."""

from collections.abc import Collection, Mapping

from torch import Tensor, nn

from mien.errors import MienError

QUERIES_AND_VALUES = (
    *("q_proj", "v_proj", "query", "value", "linear_q", "linear_v"),
    *("query_proj", "value_proj"),
)
"""Names of the projections to queries and values in the networks of transformers."""

_BASE = ".base_layer"  # what peft adds to the name of a layer that it adapts


def add_adapters(network: nn.Module, rank: int, names: Collection[str]) -> None:
    """Add adapters of a rank to linear layers of some names; only these are trained.

    They begin as zero, so the network computes what it did before.

    Parameters
    ----------
    network : Module
        The network.
    rank : int
        Rank of the adapters.
    names : collection of str
        Names of linear layers, those that there are.

    Raises
    ------
    MienError
        The network has no attention.
    """
    from peft import LoraConfig, inject_adapter_in_model  # takes seconds to import

    if not (targets := sorted(linear_layers(network) & set(names))):
        raise MienError(
            f"{type(network).__name__} has no attention that could be adapted: leave lora out",
            parameter="lora",
        )
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=targets)
    inject_adapter_in_model(config, network)
    for name, weight in network.named_parameters():
        weight.requires_grad_(is_adapter(name))


def linear_layers(network: nn.Module) -> set[str]:
    """Return the names of the linear layers of a network, without those of the modules around."""
    return {n.rpartition(".")[2] for n, part in network.named_modules() if type(part) is nn.Linear}


def is_adapter(name: str) -> bool:
    """Return whether a weight belongs to an adapter, by its name."""
    return ".lora_" in name


def plain_names(network: nn.Module) -> dict[str, str]:
    """Map the names that the weights of a network have without adapters to those they have now."""
    names = (name for name in network.state_dict() if not is_adapter(name))
    return {name.replace(_BASE, ""): name for name in names}


def load_plain(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load weights by their names without adapters, which stay as they are."""
    own = network.state_dict()
    own |= {name: weights[plain] for plain, name in plain_names(network).items()}
    network.load_state_dict(own)
