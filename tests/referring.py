"""Runs of models that predict relative to other clips, on small networks with random weights."""

from pathlib import Path
from typing import Any

import torch
from samples import TASKS

from mien.modality import Modality
from mien.models import ModelConfig, MultimodalModel
from mien.models.encoders.pretrained import describe_all
from mien.runs.config import DataConfig, RunConfig
from mien.runs.frozen import find_frozen
from mien.runs.run import Run


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
