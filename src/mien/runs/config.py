"""The configuration of a run, as config.yaml stores it."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from mien.errors import MienError, brief
from mien.features.extractor import FeatureSettings
from mien.files import write_text
from mien.modality import Modality
from mien.models import ModelConfig
from mien.runs.frozen import FrozenWeights
from mien.tasks import AnyTask
from mien.utterance import NoFace
from mien.yaml_file import read_yaml

CONFIG = "config.yaml"
WEIGHTS = "model.safetensors"
"""Names of the two files that every usable run folder has."""

FORMAT = 3
"""Version of the layout of run folders; folders of other versions are refused."""


class DataConfig(BaseModel):
    """The data that a run was trained on, and how they were split."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    corpus: str
    protocol: str
    fold: int | None = None
    num_folds: int | None = None
    max_seconds: float = 60.0
    frame_interval: float = 0.5
    no_face: NoFace = "leave-out"
    face_size: int = 48
    synthetic: bool = False
    fingerprint: str | None = None
    """Identifies the data independently of their folder; see `mien.dataset.store.Store`."""
    label_counts: dict[str, dict[str, int]] = {}
    """Number of training utterances with each label, for each task."""


class RunConfig(BaseModel):
    """The content of config.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    model: ModelConfig
    tasks: tuple[AnyTask, ...]
    data: DataConfig
    training: dict[str, Any]
    pretrained: dict[Modality, list[dict[str, Any]]] = {}
    """Descriptions of the pretrained networks of each encoder that has any, by their order."""
    features: FeatureSettings | None = None
    frozen: dict[Modality, FrozenWeights] = {}
    """The frozen pretrained weights, which model.safetensors does not contain."""
    licence: str | None = None
    """Under which the weights may be used, as SPDX identifiers; None: not stated."""
    files: dict[str, str] = {}
    """SHA-256 digests of the files that do not change, by their names in the folder."""

    def model_post_init(self, context: Any, /) -> None:
        """Refuse a pretrained encoder without description, and a baseline without features."""
        for modality, encoder in self.model.encoders.items():
            if encoder.pretrained_name is not None and not self.pretrained.get(modality):
                raise ValueError(f"a pretrained {modality} encoder needs its section pretrained")
        if self.model.hand_crafted and self.features is None:
            raise ValueError("a model of hand-crafted features needs the section features")


def read_config(path: Path) -> RunConfig:
    """Read a config.yaml. Raises `MienError` if it is damaged or has another format."""
    content = read_yaml(path)
    if isinstance(content, dict) and content.get("format") != FORMAT:
        raise MienError(
            f"{path} has format {str(content.get('format'))[:20]}, and this version of mien reads"
            f" {FORMAT}: use the version of mien that environment.json names, or train again"
        )
    try:
        return RunConfig.model_validate(content)
    except ValidationError as error:
        raise MienError(f"{path} is damaged: {brief(error)}") from error


def write_config(folder: Path, config: RunConfig) -> None:
    """Write config.yaml atomically."""
    document = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    write_text(folder / CONFIG, document)
