"""The rule by which the golden vectors' weights were filled, and their inputs as a batch."""

import zlib
from math import prod, sqrt
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mien.batch import Batch


def filled(name: str, shape: list[int]) -> Tensor:
    """Weights of one published entry, from its name and shape alone."""
    z = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode()))).standard_normal(shape)
    if name.endswith("running_mean"):
        z = 0.1 * z
    elif name.endswith("running_var"):
        z = 1 + 0.1 * abs(z)
    elif len(shape) == 1:
        z = 1 + 0.1 * z if name.endswith("weight") else 0.05 * z
    elif len(shape) == 4:
        fan_in = prod(shape[:3]) if "sparse_layers" in name else prod(shape[1:])
        z = z * sqrt(2 / fan_in)
    elif name.endswith("attn_weight_affine.weight"):
        z = 3 * z / sqrt(shape[1])
    else:
        z = z / sqrt(prod(shape[1:]))
    return torch.from_numpy(np.asarray(z, dtype=np.float32))


def golden_batch(folder: Path) -> Batch:
    """The two utterances of the golden vectors."""
    inputs = {name: torch.from_numpy(a) for name, a in np.load(folder / "inputs.npz").items()}
    return Batch(
        tokens=inputs["input_ids"],
        token_mask=inputs["attention_mask"],
        faces=inputs["faces"],
        face_counts=inputs["imgs_lens"],
        pieces=inputs["specs"],
        piece_counts=inputs["spec_lens"],
        targets={"emotion": inputs["y6"], "person": inputs["y10"]},
    )
