"""The audio encoder that a Python package holds: Whisper tiny.en (Radford et al. 2022).

The package is only data to mien: its file is found without importing the package, and read if its
content is, byte for byte, the one that is known here.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.errors import MienError
from mien.models.pretrained.catalogue import CATALOGUE
from mien.models.pretrained.ctranslate2_file import read_variables

PACKAGED = "whisper-tiny.en"
"""Name of the encoder; half of its file is the decoder, which is not read."""
LAYERS = 4
"""Number of transformer layers of the encoder."""

_STEM = {
    "conv1": "conv1",
    "conv2": "conv2",
    "position_encodings": "embed_positions",
    "layer_norm": "layer_norm",
}
_LAYER = {
    "self_attention/layer_norm": "self_attn_layer_norm",
    "self_attention/linear_0": "self_attn",  # queries, keys and values, stacked
    "self_attention/linear_1": "self_attn.out_proj",
    "ffn/layer_norm": "final_layer_norm",
    "ffn/linear_0": "fc1",
    "ffn/linear_1": "fc2",
}
_KINDS = {
    "weight": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "encodings": "weight",
}
"""CTranslate2's names of modules and of their weights, and those of transformers."""


def whisper_config() -> dict[str, Any]:
    """Return the configuration of the encoder, as `transformers.WhisperConfig` takes it.

    Examples
    --------
    >>> whisper_config()["d_model"]
    384
    """
    return {
        "model_type": "whisper",
        "num_mel_bins": 80,
        "d_model": 384,
        "encoder_layers": LAYERS,
        "encoder_attention_heads": 6,
        "encoder_ffn_dim": 1536,
        "max_source_positions": 1500,
        "activation_function": "gelu",
        "scale_embedding": False,
        "dropout": 0.0,
        "attention_dropout": 0.0,
        "activation_dropout": 0.0,
        "encoder_layerdrop": 0.0,
    }


def whisper_weights(layers: int | None = None) -> dict[str, Tensor]:
    """Read the weights of the encoder, by their names in transformers' `WhisperEncoder`.

    Parameters
    ----------
    layers : int, optional
        How many of the transformer layers, from the first; the others are not read. 0 gives the
        convolutions and positions alone. Default: all 4.

    Returns
    -------
    dict of str to Tensor
        float32 (stored as float16). `layer_norm`, which is always there, was trained behind layer
        4: after fewer layers it does not fit.

    Raises
    ------
    MienError
        The package is not installed, its file is not the known one, or there are not as many
        layers.
    """
    count = LAYERS if layers is None else layers
    if not 0 <= count <= LAYERS:
        raise MienError(f"{PACKAGED} has {LAYERS} layers, so {count} can't be read: 0 to {LAYERS}")
    (path,) = CATALOGUE[PACKAGED].verified().values()
    names = _names(count)
    return _split(read_variables(path, names.__contains__), names)


def _names(layers: int) -> dict[str, str]:
    """Map the names of the encoder's variables in the file to those in transformers."""
    modules = dict(_STEM)
    for i in range(layers):
        modules |= {f"layer_{i}/{name}": f"layers.{i}.{own}" for name, own in _LAYER.items()}
    return {
        f"encoder/{name}/{kind}": f"{own}.{key}"
        for name, own in modules.items()
        for kind, key in _KINDS.items()
    }


def _split(variables: Mapping[str, NDArray[Any]], names: Mapping[str, str]) -> dict[str, Tensor]:
    """Rename the variables, and separate the projections of self-attention."""
    weights = {}
    for name, array in variables.items():
        tensor = torch.from_numpy(array.astype(np.float32))
        if "self_attention/linear_0" not in name:
            weights[names[name]] = tensor
            continue
        attention, kind = names[name].rsplit(".", 1)
        for which, part in zip("qkv", tensor.chunk(3), strict=True):
            # keys have no bias in Whisper; CTranslate2 stores zeros
            if (which, kind) != ("k", "bias"):
                weights[f"{attention}.{which}_proj.{kind}"] = part.clone()
    return weights
