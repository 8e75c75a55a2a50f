"""The folder of a study: what is run, and the predictions of each fold and seed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from mien.errors import MienError
from mien.files import PART, only_one, unwritable, write_text
from mien.inference.predictions import Predictions, pool
from mien.inference.predictions_file import PREDICTIONS, read_predictions, write_predictions
from mien.yaml_file import read_yaml

STUDY = "study.yaml"
"""Name of the file that makes a folder a study."""

FORMAT = 1
"""Version of the folder's layout."""


class StudyConfig(BaseModel):
    """The whole of study.yaml: what a study is, and all that its numbers depend on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    kind: Literal["network", "baseline"]
    data: str
    fingerprint: str
    protocol: str
    num_folds: int | None = None
    folds: tuple[int | None, ...]
    seeds: tuple[int, ...]
    settings: dict[str, Any]
    """Of the model and its training, or of the baseline."""


@dataclass(frozen=True)
class Job:
    """One fold with one seed."""

    fold: int | None
    seed: int

    def __str__(self) -> str:
        """Give the name of its files."""
        return f"seed-{self.seed}" if self.fold is None else f"fold-{self.fold}-seed-{self.seed}"


class Study:
    """A study's folder.

    Parameters
    ----------
    folder : path
        Where it lies.

    Raises
    ------
    MienError
        There is no study, or study.yaml is damaged.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        path = self.folder / STUDY
        if not path.is_file():
            raise MienError(f"{folder} is no study: it has no {STUDY}")
        try:
            self.config = StudyConfig.model_validate(read_yaml(path))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise MienError(f"{path} is damaged: {where}: {first['msg']}") from error

    @classmethod
    @contextmanager
    def open(cls, folder: Path, config: StudyConfig, work: str) -> Iterator["Study"]:
        """Make a study, or go on with one, and lock it; further folds and seeds are added to it.

        Parameters
        ----------
        folder : Path
            Where it lies, or will.
        config : StudyConfig
            What it is.
        work : str
            What locks it, such as "mien cv".

        Raises
        ------
        MienError
            The folder holds something else, or a study of other settings or data, or another
            process is at work in it.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(folder, error) from error
        with only_one(folder, work):
            if folder.joinpath(STUDY).is_file():
                config = _with_more(folder, cls(folder).config, config)
            elif any(path.suffix != PART for path in folder.iterdir()):  # which a killed one left
                raise MienError(f"{folder} is not empty and no study: choose another folder")
            content = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
            write_text(folder / STUDY, content)
            yield cls(folder)

    def jobs(self) -> list[Job]:
        """List all folds with all seeds, fold by fold."""
        return [Job(fold, seed) for fold in self.config.folds for seed in self.config.seeds]

    def run_folder(self, job: Job) -> Path:
        """Give the run folder of a job's network."""
        return self.folder / "runs" / str(job)

    def path(self, job: Job) -> Path:
        """Give the file of a job's predictions; it is there when the job is done."""
        return self.folder / "folds" / f"{job}.parquet"

    def missing(self) -> list[Job]:
        """List the jobs that are not done."""
        return [job for job in self.jobs() if not self.path(job).is_file()]

    def keep(self, job: Job, predictions: Predictions) -> None:
        """Write the predictions of a job, which is done then."""
        self.path(job).parent.mkdir(exist_ok=True)
        write_predictions(self.path(job), predictions)

    def discard_run(self, job: Job) -> None:
        """Delete the run folder of a job, if there is one."""
        shutil.rmtree(self.run_folder(job), ignore_errors=True)

    def predictions(self) -> Predictions:
        """Pool the predictions of all jobs.

        Raises
        ------
        MienError
            A job is not done, or its file is damaged.
        """
        self.check_finished()
        return pool([read_predictions(self.path(job)) for job in self.jobs()])

    def check_finished(self) -> None:
        """Raise `MienError` if a job is not done."""
        if missing := self.missing():
            raise MienError(
                f"{self.folder} is not finished, {len(missing)} of {len(self.jobs())} trainings are"
                " missing: run the same command again to go on"
            )

    def pool(self) -> Predictions:
        """Pool the predictions of all jobs, and write them. Raises as `predictions` does."""
        pooled = self.predictions()
        write_predictions(self.folder / PREDICTIONS, pooled)
        return pooled


def _with_more(folder: Path, recorded: StudyConfig, asked: StudyConfig) -> StudyConfig:
    """Add folds and seeds to a study. Refuses one of other settings or data."""
    if recorded.fingerprint != asked.fingerprint:
        raise MienError(
            f"{folder} holds a study of other data ({recorded.data}): choose another folder, or"
            " name these data to go on with it"
        )
    free = {"data", "folds", "seeds"}  # the data may have moved
    found, wanted = (each.model_dump(mode="json", exclude=free) for each in (recorded, asked))
    if other := _difference(found, wanted):
        raise MienError(
            f"{folder} holds a study with {other}: choose another folder, or give the same"
            " settings to go on with it"
        )
    more = {
        "folds": tuple(dict.fromkeys((*recorded.folds, *asked.folds))),
        "seeds": tuple(dict.fromkeys((*recorded.seeds, *asked.seeds))),
    }
    return asked.model_copy(update=more)


def _difference(recorded: Any, asked: Any, path: str = "") -> str | None:
    """Say which innermost setting differs, if any: by the path that it has in a recipe."""
    if isinstance(recorded, dict) and isinstance(asked, dict):
        names = dict.fromkeys([*recorded, *asked])
        inner = (_difference(recorded.get(n), asked.get(n), f"{path}.{n}") for n in names)
        return next(filter(None, inner), None)
    if recorded == asked:
        return None
    name = path.removeprefix(".").removeprefix("settings.")
    return f"{name} {_shown(recorded)} (here {_shown(asked)})"


def _shown(value: Any) -> str:
    return "unset" if value is None else "set" if isinstance(value, dict) else str(value)
