"""Networks of transformers with fewer layers than the pretrained ones, and their weights."""

from typing import Any

import torch
from torch import nn
from transformers import AutoModel, PretrainedConfig

from mien.errors import MienError
from mien.modality import Modality
from mien.models.layers.adapters import load_plain, plain_names
from mien.models.pretrained.source import (
    check_safetensors,
    first_line,
    folder_of,
    load,
    unreadable,
)


def shortened(config: PretrainedConfig, layers: int) -> PretrainedConfig:
    """Return a copy of a configuration with fewer layers, and without random parts of training.

    The masks that some networks apply in training are left out, since `specaugment` masks the
    waveform of any network; so are dropped layers, which would make the gradient of some weights
    missing, and the adapter to a text decoder that follows the layers of some.
    """
    changed = type(config).from_dict(config.to_dict())
    changed.num_hidden_layers = layers
    off = dict.fromkeys(("apply_spec_augment", "add_adapter"), False)
    never = dict.fromkeys(("mask_time_prob", "mask_feature_prob", "layerdrop"), 0.0)
    for name, value in (off | never).items():
        if hasattr(changed, name):
            setattr(changed, name, value)
    return changed


def drop(model: nn.Module, *names: str) -> None:
    """Remove parts of a network that do not change its states, as far as it has them.

    Their weights are then neither loaded nor stored, and none is trained without a gradient.

    Parameters
    ----------
    model : Module
        The network.
    *names : str
        Submodules, which are replaced by the identity, or single weights, by their dotted names.
    """
    for name in names:
        where, _, own = name.rpartition(".")
        try:
            parent = model.get_submodule(where)
        except AttributeError:
            continue
        if isinstance(getattr(parent, own, None), nn.Module):
            setattr(parent, own, nn.Identity())
        elif hasattr(parent, own):
            setattr(parent, own, None)


def build_model(config: PretrainedConfig, modality: Modality) -> Any:
    """Build a network of transformers with random weights.

    Raises
    ------
    MienError
        The configuration is inconsistent.
    """
    try:
        return AutoModel.from_config(config, dtype=torch.float32, trust_remote_code=False)
    except Exception as error:  # inconsistent sizes make transformers raise anything
        raise MienError(
            f"no {modality} encoder can be built from its configuration ({first_line(error)}):"
            " copy it again"
        ) from error


def load_into(model: Any, name: str, modality: Modality) -> None:
    """Load pretrained weights into a network, which may have fewer layers than the pretrained one.

    Raises
    ------
    MienError
        They cannot be found or read, or some are missing.
    """
    options = {"use_safetensors": True, "dtype": torch.float32, "output_loading_info": True}
    folder = folder_of(name, modality)
    check_safetensors(folder, name, modality)
    pretrained, report = load(type(model), folder, modality, config=model.config, **options)
    own = plain_names(model)
    # missing weights have random values
    if missing := sorted(own.keys() & report["missing_keys"]):
        why = f"{len(missing)} of {len(own)} weights are missing: {missing[0]} …"
        raise unreadable(name, modality, why)
    load_plain(model, pretrained.state_dict())
