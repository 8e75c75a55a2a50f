"""The names of the published code's weights, mapped onto mien's.

A state dict of the published `mme2e` loads into `MME2E` after `rename`.
"""

import re
from collections.abc import Mapping

from torch import Tensor

BLOCK = {"4": "0", "5": "1", "6": "2", "8": "3", "10": "4"}

RULES: tuple[tuple[str, str], ...] = (
    (r"^T\.albert\.pooler\..*", ""),
    (r"^T\.albert\.", "encoders.t.encoder."),
    (r"\.bn([12])\.", r".norm\1."),
    (r"^([VA])\.0\.", r"encoders.\1.cnn.stem.conv."),
    (r"^([VA])\.1\.", r"encoders.\1.cnn.stem.norm."),
    (r"^([va])_flatten\.0\.", r"encoders.\1.cnn.project.1."),
    (r"^([va])_flatten\.2\.", r"encoders.\1.cnn.project.4."),
    (r"^([va])_transformer\.cls_emb\.weight", r"encoders.\1.over_time.cls"),
    (r"^([va])_transformer\.", r"encoders.\1.over_time."),
    (r"^([tva])_out\.", r"heads.{task}.\1."),
    (r"^weighted_fusion\.weight", "fusion.{task}.weight"),
)


def rename(name: str, task: str = "emotion") -> str | None:
    """Give mien's name for a published weight, or None for one that mien has no use for.

    Examples
    --------
    >>> rename("V.10.conv1.weight")
    'encoders.v.cnn.blocks.4.conv1.weight'
    >>> rename("T.albert.pooler.bias") is None
    True
    """
    block = re.match(r"^([VA])\.(4|5|6|8|10)\.(.*)", name)
    if block:
        name = f"encoders.{block[1]}.cnn.blocks.{BLOCK[block[2]]}.{block[3]}"
    for pattern, new in RULES:
        name = re.sub(pattern, new.replace("{task}", task), name)
    return re.sub(r"^encoders\.([VA])\.", lambda m: f"encoders.{m[1].lower()}.", name) or None


def convert(published: Mapping[str, Tensor], task: str = "emotion") -> dict[str, Tensor]:
    """Turn a published state dict into one that `MME2E.load_state_dict` takes."""
    converted = {}
    for name, tensor in published.items():
        new = rename(name, task)
        if new is not None and not new.endswith("position_ids"):
            flat = new.endswith(".cls") or new.startswith("fusion.")
            converted[new] = tensor.flatten() if flat else tensor
    return converted
