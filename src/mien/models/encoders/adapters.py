"""Low-rank adapters (LoRA, Hu et al. 2021) in the attention of a pretrained network."""

from torch import nn

from mien.errors import MienError

TARGETS = ("q_proj", "v_proj", "query", "value", "linear_q", "linear_v", "query_proj", "value_proj")
"""Names of the projections to queries and values in the networks of transformers."""

BASE = ".base_layer"
"""What peft adds to the name of a layer that it adapts."""


def add_adapters(network: nn.Module, rank: int) -> None:
    """Add adapters of a rank to the queries and values of all layers; only these are trained.

    They begin as zero, so the network computes what it did before.

    Raises
    ------
    MienError
        The network has no attention.
    """
    from peft import LoraConfig, inject_adapter_in_model  # takes seconds to import

    found = {n.rpartition(".")[2] for n, part in network.named_modules() if type(part) is nn.Linear}
    if not (targets := sorted(found & set(TARGETS))):
        raise MienError(
            f"{type(network).__name__} has no attention that could be adapted: leave lora out",
            parameter="lora",
        )
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=targets)
    inject_adapter_in_model(config, network)
    for name, weight in network.named_parameters():
        weight.requires_grad_(is_adapter(name))


def is_adapter(name: str) -> bool:
    """Return whether a weight belongs to an adapter, by its name."""
    return ".lora_" in name
