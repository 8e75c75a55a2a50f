"""The rule by which the golden vectors' weights were filled, and the models and inputs of them."""

import json
import zlib
from dataclasses import replace
from math import prod, sqrt
from pathlib import Path

import numpy as np
import pytest
import torch
from samples import had
from torch import Tensor
from transformers import AlbertConfig

from mien.batch import Batch, Ragged
from mien.modality import Modality
from mien.models import MultimodalModel, preset
from mien.models.pretrained.source import describe
from mien.models.published_weights import convert, rename

ALBERT_BASE_V2 = AlbertConfig(
    vocab_size=30_000,
    embedding_size=128,
    hidden_size=768,
    num_hidden_layers=12,
    num_attention_heads=12,
    intermediate_size=3072,
    hidden_act="gelu_new",
    hidden_dropout_prob=0,
    attention_probs_dropout_prob=0,
)


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
    mask = inputs["attention_mask"].bool()
    return Batch(
        inputs={
            Modality.TEXT: Ragged(inputs["input_ids"][mask], mask.sum(dim=1)),
            Modality.AUDIO: Ragged(inputs["specs"], inputs["spec_lens"]),
            Modality.VIDEO: Ragged(inputs["faces"], inputs["imgs_lens"]),
        },
        targets={"emotion": inputs["y6"], "person": inputs["y10"]},
    )


def published_weights(golden: Path, name: str, modalities: str) -> dict[str, Tensor]:
    """The published state dict of a model, filled by the rule."""
    manifest = json.loads((golden / "manifest.json").read_text())
    entries = dict(manifest[f"{name}_C6"])
    if modalities != "tav":
        entries |= manifest[f"{name}_C6_{modalities}_fusion"]
    weights = {name: filled(name, entry["shape"]) for name, entry in entries.items()}
    for name, entry in entries.items():
        assert weights[name].double().sum().item() == pytest.approx(entry["sum"], abs=1e-3), name
    return weights


def build(
    golden: Path, modalities: str, model: str = "mme2e", **settings: object
) -> MultimodalModel:
    """mien's model with the golden weights."""
    if "a" in modalities:
        settings = {"audio_spectrogram": "published"} | settings
    read = had(model, modalities, **settings)
    network = MultimodalModel(
        preset(model, modalities=modalities, **read),
        {"emotion": 6},
        {Modality.TEXT: [describe(ALBERT_BASE_V2)]} if "t" in modalities else None,
    )
    name = "sparse" if model == "mme2e-sparse" else "mme2e"
    weights = convert(published_weights(golden, name, modalities))
    own = network.state_dict()
    counters = {name: own[name] for name in own if name.endswith("num_batches_tracked")}
    wanted = {name: weights[name] for name in own if name not in counters}
    network.load_state_dict(wanted | counters)
    return network


def assert_close(ours: Tensor, theirs: np.ndarray, relative: float) -> None:
    """The largest difference, as a share of the largest value."""
    error = np.abs(ours.detach().numpy() - theirs).max() / np.abs(theirs).max()
    assert error < relative


def loss_of(
    golden: Path, model: MultimodalModel, precision: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    """The weighted loss of the golden batch, and its logits."""
    batch = golden_batch(golden)
    audio = batch.inputs[Modality.AUDIO]
    exact = {**batch.inputs, Modality.AUDIO: replace(audio, values=audio.values.to(precision))}
    output = model(replace(batch, inputs=exact)).logits["emotion"]
    weight = torch.from_numpy(np.load(golden / "inputs.npz")["pos_weight6"]).to(precision)
    criterion = torch.nn.BCEWithLogitsLoss(pos_weight=weight)
    return criterion(output, batch.targets["emotion"].to(precision)), output


def step(
    golden: Path, model: MultimodalModel, precision: torch.dtype
) -> tuple[MultimodalModel, Tensor, Tensor, torch.optim.Adam]:
    """The loss and the gradients of the golden training step."""
    model = model.to(precision).train()
    text = [p for n, p in model.named_parameters() if ".text." in n]
    rest = [p for n, p in model.named_parameters() if ".text." not in n]
    adam = torch.optim.Adam([{"params": text, "lr": 5e-6}, {"params": rest, "lr": 5e-5}])
    loss, output = loss_of(golden, model, precision)
    loss.backward()
    return model, loss, output, adam


def compare_gradients(
    model: MultimodalModel, expected: np.lib.npyio.NpzFile, relative: float
) -> int:
    """Compare the norms of all gradients; return how many were more than rounding."""
    ours = {name: p.grad for name, p in model.named_parameters()}
    norms = dict(zip(expected["names"], expected["grad_norm"], strict=True))
    # a bias that batch norm or softmax cancels has no gradient but rounding
    floor = 1e-5 * max(norms.values())
    checked = 0
    for name, norm in norms.items():
        new = rename(str(name))
        if new is None or norm < 0:
            continue
        assert ours[new] is not None, name
        assert ours[new].norm().item() == pytest.approx(norm, rel=relative, abs=floor), name
        checked += norm > floor
    return checked
