"""The run folder: everything to use a trained model, to evaluate it and to resume its training.

    config.yaml         dimensions, tasks, data and settings
    model.safetensors   weights of the best epoch, without frozen pretrained ones
    tokenizer/          tokenizer of the text encoder
    words.npz           word vectors of a baseline, if it has any
    thresholds.json     threshold of each label, chosen on the validation split
    abstention.json     when not to answer, if the run has it
    metrics.json        metrics of the evaluation
    environment.json    versions and machine
    log/                training curves (CSV and TensorBoard)
    state/              training state, to resume from

Nothing in it is a pickle, so a folder of somebody else can be opened without running its code.
"""

import json
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

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
from mien.runs.frozen import Frozen, frozen_names, load_frozen, without_frozen
from mien.runs.ready_made import FOLDER, READY_MADE
from mien.runs.thresholds import thresholds_of
from mien.runs.tokenizer import read_tokenizer, save_tokenizer
from mien.tasks import Task, speaker_task
from mien.tensor_file import not_finite, read_tensors, write_tensors


class Run:
    """A run folder.

    Parameters
    ----------
    folder : path
        The folder.
    files_within : Path, optional
        The folder that links may lead into (default: the run folder itself), such as a cache that
        stores each file once and links to it.

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
        word_vectors: Path | None = None,
    ) -> "Run":
        """Create a run folder, with the tokenizer or the word vectors that the model uses.

        Raises
        ------
        MienError
            The folder exists and is not empty.
        """
        folder = Path(folder)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise MienError(
                f"{folder} exists and is not empty: choose another folder, or resume the run in it",
                parameter="out",
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MienError(
                f"{folder} cannot be created ({error}): choose another folder", parameter="out"
            ) from error
        if tokenizer is not None:
            save_tokenizer(tokenizer, folder / "tokenizer")
        if word_vectors is not None:
            with atomic_write(folder / WORD_VECTORS) as part:
                shutil.copyfile(word_vectors, part)
        kept = sorted(path for path in folder.rglob("*") if path.is_file())
        digests = {path.relative_to(folder).as_posix(): fingerprint(path) for path in kept}
        write_text(folder / "environment.json", json.dumps(environment(), indent=2))
        write_config(folder, config.model_copy(update={"files": digests}))
        return cls(folder)

    def record_data(self, data: DataConfig) -> None:
        """Update the data in config.yaml, for data that have moved."""
        self.config = self.config.model_copy(update={"data": data})
        write_config(self.folder, self.config)

    def record_frozen(self, frozen: Frozen, *, write: bool = True) -> None:
        """Record frozen pretrained weights, which later writes leave out."""
        self.config = self.config.model_copy(update={"frozen": dict(frozen)})
        if write:
            write_config(self.folder, self.config)

    def _read_config(self) -> RunConfig:
        if not self.folder.joinpath(CONFIG).is_file():
            if str(self.folder) in READY_MADE:
                raise MienError(
                    f"{self.folder} is a ready-made model, for `mien predict`: its metrics are in"
                    f" {FOLDER / self.folder / 'README.md'}"
                )
            raise MienError(f"{self.folder} is not a run folder: it has no {CONFIG}")
        return read_config(self.file(CONFIG))

    def file(self, name: str) -> Path:
        """Return the path of a file of the run, after checking that it is inside and unchanged.

        Raises
        ------
        MienError
            The name leads out of the folder, the file is a link out of it, or it is not the file
            that the run was created with.
        """
        path = self.folder / name
        try:
            inside = path.resolve().is_relative_to(self._files_within.resolve())
        except RuntimeError:  # links in a circle
            inside = False
        except (ValueError, OSError) as error:  # a zero byte, or half a character
            raise self._misnamed(name, "which no file can have") from error
        if not inside:
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise self._misnamed(name, "which is outside the run folder")
            raise MienError(f"{path} is a link out of the run folder: copy the file itself there")
        known = self.config.files.get(name) if name != CONFIG else None
        if known is not None and fingerprint(path) != known:
            raise MienError(f"{path} is damaged or was replaced: copy the whole run folder again")
        return path

    def _misnamed(self, name: str, why: str) -> MienError:
        shown = ascii(name if len(name) <= 60 else f"{name[:60]} ...")
        return MienError(
            f"{self.folder / CONFIG} is damaged: its section files has the name {shown},"
            f" {why}: copy the whole run folder again"
        )

    def tokenizer(self) -> Any:
        """Read the tokenizer, None for a model without text."""
        if self.config.model.text is None:
            return None
        folder = self.folder / "tokenizer"
        if not folder.is_dir():
            raise MienError(f"{folder} is missing: copy the whole run folder")
        there = [path.relative_to(self.folder).as_posix() for path in folder.rglob("*")]
        for name in (*there, *self.config.files):
            self.file(name)
        return read_tokenizer(folder)

    def extractor(self) -> Extractor | None:
        """Return the extractor of hand-crafted features, None for a model that uses none."""
        features = self.config.features
        return None if features is None else Extractor(features.sources, self.file(WORD_VECTORS))

    def build(self, modalities: Collection[Modality] = tuple(Modality)) -> MultimodalModel:
        """Build the model with random weights, without encoders of other modalities."""
        labels: dict[str, int] = {task.name: len(task.labels) for task in self.config.tasks}
        absent = self._absent(modalities)
        pretrained = {m: d for m, d in self.config.pretrained.items() if m not in absent}
        try:
            return build(
                self.config.model, labels, pretrained, absent, speaker_task(self.config.tasks)
            )
        except MienError as error:
            raise MienError(f"{self.folder / CONFIG}: {error.message}") from error

    def _absent(self, modalities: Collection[Modality]) -> dict[Modality, int]:
        """Return the state sizes of the encoders that need not be loaded."""
        encoders, known = self.config.model.encoders, self.config.pretrained
        sizes = {m: encoders[m].state_size(known.get(m)) for m in encoders.keys() - modalities}
        return {m: size for m, size in sizes.items() if size is not None}

    def weights(self) -> dict[str, Tensor]:
        """Read the weights of the best epoch, and the frozen ones from their source.

        Raises
        ------
        MienError
            There are no weights yet, or the frozen ones are missing or have changed.
        """
        return dict(self.model().state_dict()) if self.config.frozen else self._trained()

    def _trained(self) -> dict[str, Tensor]:
        """Read model.safetensors."""
        path = self.file(WEIGHTS)
        if not path.is_file():
            raise MienError(
                f"{path} is missing: training has not finished its first epoch; wait until it has,"
                " or delete the folder and train again"
            )
        weights, _ = read_tensors(path)
        if names := not_finite(weights):
            raise MienError(
                f"{path} has weights that are NaN or infinite, in {names[0]}: train again"
            )
        return weights

    def model(self, modalities: Collection[Modality] = tuple(Modality)) -> MultimodalModel:
        """Build the model with the weights of the best epoch, in eval mode.

        Parameters
        ----------
        modalities : collection of Modality
            The modalities of its input. Encoders of others are not built.

        Raises
        ------
        MienError
            There are no weights yet, they do not fit config.yaml, or the frozen ones are missing or
            have changed.
        """
        weights, model = self._trained(), self.build(modalities)
        absent = tuple(f"encoders.{modality}." for modality in self._absent(modalities))
        weights = {n: value for n, value in weights.items() if not n.startswith(absent)}
        self.load_frozen(model)
        own, names = model.state_dict(), frozen_names(model, self._frozen_of(model))
        try:
            model.load_state_dict(weights | {name: own[name] for name in names})
        except RuntimeError as error:
            path = self.folder / WEIGHTS
            why = brief(error)
            raise MienError(f"{path} does not fit {self.folder / CONFIG}: {why}") from error
        return model.eval()

    def load_frozen(self, model: MultimodalModel) -> None:
        """Load the frozen weights from their source. Raises `MienError` as the function does."""
        load_frozen(model, self._frozen_of(model), self.folder / CONFIG)

    def _frozen_of(self, model: MultimodalModel) -> Frozen:
        """Return the recorded frozen weights of the encoders that a model has."""
        return {
            modality: source
            for modality, source in self.config.frozen.items()
            if modality not in model.config.encoders
            or not isinstance(model.encoder(modality), Absent)
        }

    def write_model(self, model: MultimodalModel) -> None:
        """Write the weights of the best epoch. Raises `MienError` if one is NaN or infinite."""
        weights = without_frozen(model.state_dict(), model, self.config.frozen)
        if names := not_finite(weights):
            raise MienError(
                f"{self.folder}: weights have become NaN or infinite, in {names[0]}; the run keeps"
                " those of the epochs before: train again with a lower lr"
            )
        write_tensors(self.folder / WEIGHTS, weights)

    def thresholds(self, task: Task) -> list[float]:
        """Return the thresholds chosen on the validation split, 0.5 for all if there are none."""
        path = self.folder / "thresholds.json"
        return thresholds_of(task, self.read("thresholds.json"), path)

    def read(self, name: str) -> dict[str, Any]:
        """Read a JSON file of the folder; return an empty dict if it does not exist yet."""
        if name in self._unwritten:
            return self._unwritten[name]
        path = self.file(name)
        if not path.is_file():
            return {}
        return read_json(path, "copy it again; `mien evaluate` renews metrics.json")

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file of the folder, atomically.

        If that fails, `read` of this object still returns the content, for work that continues.

        Raises
        ------
        MienError
            The file cannot be written.
        ValueError
            The content has a number that is not finite.
        """
        text = json.dumps(content, indent=2, allow_nan=False)
        self._unwritten[name] = json.loads(text)
        write_text(self.folder / name, text)
        del self._unwritten[name]
