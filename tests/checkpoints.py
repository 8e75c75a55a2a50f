"""Checkpoints as the published code writes them, of small models."""

import re
from pathlib import Path

import torch

from mien.models import MultimodalModel
from mien.models.published_weights import rename

BLOCKS = (4, 5, 6, 8, 10)
BACK = (
    (r"^(encoders\.|heads\.emotion\.)(text|audio|video)\.", lambda m: f"{m[1]}{m[2][0]}."),
    (r"^encoders\.t\.encoder\.", "T.albert."),
    (r"^encoders\.([va])\.cnn\.stem\.conv\.", r"\1.0."),
    (r"^encoders\.([va])\.cnn\.stem\.norm\.", r"\1.1."),
    (r"^encoders\.([va])\.cnn\.blocks\.(\d)\.", lambda m: f"{m[1]}.{BLOCKS[int(m[2])]}."),
    (r"\.norm([12])\.", r".bn\1."),
    (r"^encoders\.([va])\.cnn\.project\.1\.", r"\1_flatten.0."),
    (r"^encoders\.([va])\.cnn\.project\.4\.", r"\1_flatten.2."),
    (r"^encoders\.([va])\.temporal\.cls", r"\1_transformer.cls_emb.weight"),
    (r"^encoders\.([va])\.temporal\.", r"\1_transformer."),
    (r"^encoders\.([tav])\.rnn\.", r"rnns.\1."),
    (r"^heads\.emotion\.([tva])\.(\d)\.", r"affines.\1.\2."),
    (r"^heads\.emotion\.([tva])\.", r"\1_out."),
    (r"^fusion\.emotion\.weight", "weighted_fusion.weight"),
    (r"^([va])\.(\d)", lambda m: f"{m[1].upper()}.{m[2]}"),
)


def published_name(name: str) -> str:
    """What the published code calls a weight of mien."""
    whole = name
    for pattern, new in BACK:
        if pattern.startswith(r"\.norm") and "temporal" in whole:
            continue
        name = re.sub(pattern, new, name)
    assert rename(name) == whole
    return name


def published(model: MultimodalModel, path: Path) -> Path:
    """A checkpoint as the published code writes it, with a model's weights."""
    state = {}
    for name, tensor in model.state_dict().items():
        flat = name.endswith(".cls") or name.startswith("fusion.")
        state[published_name(name)] = tensor[None] if flat else tensor
    torch.save(state, path)
    return path
