"""The run folder: all that is needed to use a trained model, to judge it, and to go on training.

    config.yaml         dimensions, tasks, data and settings
    model.safetensors   weights of the best epoch, without frozen pretrained ones
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
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mien.errors import MienError, brief
from mien.features.extractor import WORD_VECTORS, Extractor
from mien.files import atomic_write, fingerprint, read_json, write_text
from mien.modality import Modality
from mien.models import MultimodalModel, build
from mien.models.encoders.absent import Absent
from mien.runs.config import (
    CONFIG,
    WEIGHTS,
    DataConfig,
    RunConfig,
    read_config,
    write_config,
)
from mien.runs.environment import environment
from mien.runs.frozen import Frozen, fill_frozen, frozen_names, without_frozen
from mien.runs.text import encoder_config, read_tokenizer, save_tokenizer
from mien.runs.thresholds import thresholds_of
from mien.tasks import Task, speaker_task
from mien.tensor_file import not_finite, read_tensors, write_tensors

if TYPE_CHECKING:
    from transformers import PretrainedConfig


class Run:
    """A run folder.

    Parameters
    ----------
    folder : path
        The folder.
    files_within : Path, optional
        Where links in the folder may lead (default: the folder itself): a cache, which links to
        files that it holds once.

    Examples
    --------
    >>> run = Run("runs/emotion")                       # doctest: +SKIP
    >>> model, tokenizer = run.model(), run.tokenizer() # doctest: +SKIP
    """

    def __init__(self, folder: str | Path, *, files_within: Path | None = None) -> None:
        self.folder = Path(folder)
        self._files_within = self.folder if files_within is None else files_within
        self.config = self._read_config()
        self._unwritten: dict[str, dict[str, Any]] = {}

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
                f"{folder} exists and is not empty: choose another, or resume the run in it",
                parameter="out",
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MienError(
                f"{folder} can't be made ({error}): choose another", parameter="out"
            ) from error
        if tokenizer is not None:
            save_tokenizer(tokenizer, folder / "tokenizer")
        if words is not None:
            with atomic_write(folder / WORD_VECTORS) as part:
                shutil.copyfile(words, part)
        kept = sorted(path for path in folder.rglob("*") if path.is_file())
        digests = {path.relative_to(folder).as_posix(): fingerprint(path) for path in kept}
        write_text(folder / "environment.json", json.dumps(environment(), indent=2))
        write_config(folder, config.model_copy(update={"files": digests}))
        return cls(folder)

    def record_data(self, data: DataConfig) -> None:
        """Renew what config.yaml says of the data, for those that have moved."""
        self.config = self.config.model_copy(update={"data": data})
        write_config(self.folder, self.config)

    def record_frozen(self, frozen: Frozen, *, write: bool = True) -> None:
        """Leave frozen pretrained weights out of what is written from now on."""
        self.config = self.config.model_copy(update={"frozen": dict(frozen)})
        if write:
            write_config(self.folder, self.config)

    def _read_config(self) -> RunConfig:
        if not self.folder.joinpath(CONFIG).is_file():
            raise MienError(f"{self.folder} is no run folder: it has no {CONFIG}")
        return read_config(self.file(CONFIG))

    def file(self, name: str) -> Path:
        """Give the path of one of the run's files, which is in the folder and is as it was made.

        Raises
        ------
        MienError
            The name is none of a file in the folder; or the file is a link to elsewhere, or not
            the one that the run began with.
        """
        path = self.folder / name
        try:
            inside = path.resolve().is_relative_to(self._files_within.resolve())
        except RuntimeError:  # links in a circle
            inside = False
        except (ValueError, OSError) as error:  # a zero byte, or half a sign
            raise self._misnamed(name, "which no file can have") from error
        if not inside:
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise self._misnamed(name, "which is outside the run folder")
            raise MienError(f"{path} is a link out of the run folder: put the file itself there")
        known = self.config.files.get(name) if name != CONFIG else None
        if known is not None and fingerprint(path) != known:
            raise MienError(f"{path} is damaged, or another one: copy the whole run folder again")
        return path

    def _misnamed(self, name: str, why: str) -> MienError:
        shown = ascii(name if len(name) <= 60 else f"{name[:60]} ...")
        return MienError(
            f"{self.folder / CONFIG} is damaged: its section files has the name {shown},"
            f" {why}: copy the whole run folder again"
        )

    def text_config(self) -> "PretrainedConfig | None":
        """Give the dimensions of the text encoder, None for a model without text."""
        text = self.config.text
        return None if text is None else encoder_config(text, self.folder / CONFIG)

    def tokenizer(self) -> Any:
        """Read the tokenizer; None for a model without text."""
        if self.config.text is None:
            return None
        folder = self.folder / "tokenizer"
        if not folder.is_dir():
            raise MienError(f"{folder} is missing: copy the whole run folder")
        there = [path.relative_to(self.folder).as_posix() for path in folder.rglob("*")]
        for name in (*there, *self.config.files):
            self.file(name)
        return read_tokenizer(folder)

    def extractor(self) -> Extractor | None:
        """Give what extracts the features of a clip; None for a model that needs none."""
        features = self.config.features
        return None if features is None else Extractor(features.sources, self.file(WORD_VECTORS))

    def build(self, modalities: Collection[Modality] = tuple(Modality)) -> MultimodalModel:
        """Build the model with random weights; without encoders of other `modalities`."""
        labels: dict[str, int] = {task.name: len(task.labels) for task in self.config.tasks}
        absent = self._absent(modalities)
        text = None if Modality.TEXT in absent else self.text_config()
        return build(self.config.model, labels, text, absent, speaker_task(self.config.tasks))

    def _absent(self, modalities: Collection[Modality]) -> dict[Modality, int]:
        """Give the size of the states of the encoders that need not be loaded."""
        encoders = self.config.model.encoders
        hidden = {m: encoders[m].state_size(self.config.text) for m in encoders.keys() - modalities}
        return {m: size for m, size in hidden.items() if size is not None}

    def weights(self) -> dict[str, Tensor]:
        """Read the weights of the best epoch, and the frozen ones from where they come from.

        Raises
        ------
        MienError
            There are none yet; or the frozen ones are missing, or others.
        """
        return dict(self.model().state_dict()) if self.config.frozen else self._learnt()

    def _learnt(self) -> dict[str, Tensor]:
        """Read model.safetensors."""
        path = self.file(WEIGHTS)
        if not path.is_file():
            raise MienError(
                f"{path} is missing: training has not finished its first epoch; wait for it, or"
                " delete the folder and train again"
            )
        weights, _ = read_tensors(path)
        if names := not_finite(weights):
            raise MienError(
                f"{path} has numbers that are none (NaN or infinity, in {names[0]}): train again"
            )
        return weights

    def model(self, modalities: Collection[Modality] = tuple(Modality)) -> MultimodalModel:
        """Build the model with the weights of the best epoch, ready to answer.

        Parameters
        ----------
        modalities : collection of Modality
            What it will be shown. Encoders of others are neither built nor filled.

        Raises
        ------
        MienError
            There are no weights yet, or they don't fit config.yaml; or the frozen ones are missing,
            or others.
        """
        weights, model = self._learnt(), self.build(modalities)
        absent = tuple(f"encoders.{modality}." for modality in self._absent(modalities))
        weights = {n: value for n, value in weights.items() if not n.startswith(absent)}
        self.fill(model)
        own, names = model.state_dict(), frozen_names(model, self._frozen_of(model))
        try:
            model.load_state_dict(weights | {name: own[name] for name in names})
        except RuntimeError as error:
            path = self.folder / WEIGHTS
            why = brief(error)
            raise MienError(f"{path} does not fit {self.folder / CONFIG}: {why}") from error
        return model.eval()

    def fill(self, model: MultimodalModel) -> None:
        """Read frozen weights from where they come from. Raises as `fill_frozen` does."""
        fill_frozen(model, self._frozen_of(model), self.folder / CONFIG)

    def _frozen_of(self, model: MultimodalModel) -> Frozen:
        """Give what is recorded of the frozen weights of the encoders that a model has loaded."""
        return {
            modality: source
            for modality, source in self.config.frozen.items()
            if modality not in model.config.encoders
            or not isinstance(model.encoder(modality), Absent)
        }

    def write_model(self, model: MultimodalModel) -> None:
        """Keep weights as the run's best. Raises `MienError` where one is NaN or infinite."""
        weights = without_frozen(model.state_dict(), model, self.config.frozen)
        if names := not_finite(weights):
            raise MienError(
                f"{self.folder}: weights have become NaN or infinite, in {names[0]}; the ones"
                " before are kept: train again with a lower lr"
            )
        write_tensors(self.folder / WEIGHTS, weights)

    def thresholds(self, task: Task) -> list[float]:
        """Give the thresholds chosen on validation, 0.5 for all where none were chosen."""
        path = self.folder / "thresholds.json"
        return thresholds_of(task, self.read("thresholds.json"), path)

    def read(self, name: str) -> dict[str, Any]:
        """Read a JSON file of the folder; empty where it is not there yet."""
        if name in self._unwritten:
            return self._unwritten[name]
        path = self.file(name)
        if not path.is_file():
            return {}
        return read_json(path, "copy it again; `mien evaluate` renews metrics.json")

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file of the folder, whole or not at all.

        Where that fails, this object still knows the content, for work that goes on without it.

        Raises
        ------
        MienError
            It can't be written.
        ValueError
            The content has a number that is none.
        """
        text = json.dumps(content, indent=2, allow_nan=False)
        self._unwritten[name] = json.loads(text)
        write_text(self.folder / name, text)
        del self._unwritten[name]
