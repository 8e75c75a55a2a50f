"""Runs of models that predict relative to other clips, on small networks with random weights."""

import json
from pathlib import Path
from typing import Any

import torch
from samples import TASKS
from transformers import AutoConfig, AutoModel

from mien.modality import Modality
from mien.models import ModelConfig, MultimodalModel
from mien.models.encoders.pretrained import describe_all
from mien.models.pretrained.source import quiet
from mien.runs.config import DataConfig, RunConfig
from mien.runs.frozen import find_frozen
from mien.runs.run import Run

SIZES = {"num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
AUDIO = SIZES | {
    "hidden_size": 16,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
VIDEO = SIZES | {"hidden_size": 16, "image_size": 32, "patch_size": 8}
KINDS = {Modality.AUDIO: ("wav2vec2", AUDIO), Modality.VIDEO: ("vit", VIDEO)}
IMAGES = {"size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.2] * 3}
INPUT = {
    Modality.AUDIO: {"sampling_rate": 16_000, "do_normalize": True, "feature_size": 1},
    Modality.VIDEO: IMAGES,
}


def write_network(folder: Path, modality: Modality, seed: int = 0) -> Path:
    """Write a network of 2 layers with every weight drawn at random."""
    kind, sizes = KINDS[modality]
    torch.manual_seed(seed)
    network = AutoModel.from_config(AutoConfig.for_model(kind, **sizes))
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    with quiet():
        network.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(INPUT[modality]))
    return folder


def referring_run(
    folder: Path,
    networks: dict[Modality, Path],
    seed: int = 0,
    face_size: int = 48,
    **settings: Any,
) -> Run:
    """A run that has learnt nothing, whose encoders refer unless the settings say otherwise."""
    common = {"kind": "pretrained", "hidden": 8, "references": True} | settings
    config = ModelConfig(encoders={m: common | {"model": str(n)} for m, n in networks.items()})
    described = {m: describe_all(m, str(name)) for m, name in networks.items()}
    torch.manual_seed(seed)
    model = MultimodalModel(config, {task.name: len(task.labels) for task in TASKS}, described)
    for modality, name in networks.items():
        model.encoder(modality).load_pretrained(str(name))
    data = DataConfig(
        path="data", corpus="synthetic", protocol="random", synthetic=True, face_size=face_size
    )
    run = Run.create(
        folder,
        RunConfig(
            model=config,
            tasks=TASKS,
            data=data,
            training={},
            pretrained=described,
            frozen=find_frozen(model),
        ),
    )
    run.write_model(model)
    return run
