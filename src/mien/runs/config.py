"""What a run folder records of its settings."""

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
"""Names of the two files without which a folder is no run that can be used."""

FORMAT = 2
"""Version of the folder's layout; a folder of another version is refused."""


class DataConfig(BaseModel):
    """Which data a run was trained on, and how they were divided."""

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
    """Tells the data from others wherever they lie; see `mien.dataset.store.Store`."""
    label_counts: dict[str, dict[str, int]] = {}
    """For each task how often each label occurs in the training split."""


class RunConfig(BaseModel):
    """The whole of config.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    model: ModelConfig
    tasks: tuple[AnyTask, ...]
    data: DataConfig
    training: dict[str, Any]
    text: dict[str, Any] | None = None
    features: FeatureSettings | None = None
    frozen: dict[Modality, FrozenWeights] = {}
    """The frozen pretrained weights that model.safetensors leaves out."""
    files: dict[str, str] = {}
    """SHA-256 of the files that never change, by their names in the folder."""

    def model_post_init(self, context: Any, /) -> None:
        """Refuse a model with text whose encoder is not described, a baseline without features."""
        if self.model.text is not None and self.text is None:
            raise ValueError("a model with text needs the section text")
        if self.model.hand_crafted and self.features is None:
            raise ValueError("a model of hand-crafted features needs the section features")


def read_config(path: Path) -> RunConfig:
    """Read a config.yaml. Raises `MienError` where it is damaged or of another format."""
    content = read_yaml(path)
    if isinstance(content, dict) and content.get("format") != FORMAT:
        raise MienError(
            f"{path} is of format {str(content.get('format'))[:20]}, this mien reads {FORMAT}:"
            " use the version of mien that environment.json names, or train again"
        )
    try:
        return RunConfig.model_validate(content)
    except ValidationError as error:
        raise MienError(f"{path} is damaged: {brief(error)}") from error


def write_config(folder: Path, config: RunConfig) -> None:
    """Write config.yaml whole or not at all."""
    document = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    write_text(folder / CONFIG, document)
