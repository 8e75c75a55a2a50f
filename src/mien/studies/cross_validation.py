"""Train and evaluate one configuration over the folds of a protocol and several seeds."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mien.dataset.leakage import Leakage, measure_leakage, validation_may_train
from mien.dataset.protocols import PROTOCOLS
from mien.dataset.splits import folds_of, split
from mien.dataset.store import Store
from mien.errors import MienError
from mien.features.store import open_store
from mien.inference.evaluate import predict_split
from mien.models import ModelConfig
from mien.report.study_report import StudyMetrics
from mien.runs.run import Run
from mien.studies.jobs import run_jobs
from mien.studies.study import Job, Study, StudyConfig
from mien.studies.summary import brief, summarise, write_summary
from mien.training.checkpoint import STATE, finished
from mien.training.config import TrainConfig
from mien.training.fit import train
from mien.training.unread import refuse_unread

logger = logging.getLogger(__name__)

PROTOCOL = "kfold-speakers"
"""The protocol where the user names none."""

PER_JOB = ("fold", "seed")
"""Settings of training that each job has its own of."""

Keep = Literal["best", "none"]


def cross_validate(
    data: str | Path,
    out: str | Path,
    model: ModelConfig | None = None,
    config: TrainConfig | None = None,
    *,
    folds: Sequence[int] | None = None,
    seeds: Sequence[int] = (0,),
    jobs: int = 1,
    keep: Keep = "best",
    device: str | None = None,
) -> StudyMetrics:
    """Train on each fold with each seed, predict what the fold tests, and evaluate all together.

    What is done stays: the same call goes on where an earlier one was interrupted, to the same
    numbers. No choice uses a test fold: the best epoch and thresholds come from validation, which
    is cut from what does not test.

    Parameters
    ----------
    data : path
        What `mien prepare` wrote.
    out : path
        The study's folder, new or of the same study.
    model, config : optional
        As `mien.training.train` takes them; ``fold`` and ``seed`` are set for each training.
        Without a protocol it is "kfold-speakers".
    folds : sequence of int, optional
        Which folds, from 1 (default: all).
    seeds : sequence of int
        Of weights, order and dropout; the division into folds is the same for all.
    jobs : int
        Trainings at a time, which share the processor's threads.
    keep : {"best", "none"}
        Which weights to keep of each training: of its best epoch, or none once it has predicted.
    device : str, optional
        Where to compute (default: a GPU if there is one).

    Returns
    -------
    StudyMetrics
        What goes to ``metrics.json``.

    Raises
    ------
    MienError
        The data do not fit the protocol, `out` holds another study, or a training failed.

    Examples
    --------
    >>> found = cross_validate("data/iemocap", "studies/loso", seeds=(0, 1))  # doctest: +SKIP
    >>> found.tasks["emotion"].metrics["ua"].over_seeds.mean                  # doctest: +SKIP
    """
    model, data = model or ModelConfig(), Path(data).resolve()
    config = _without_job(config or TrainConfig())
    refuse_unread(model, config)
    store = open_store(data, model)
    protocol = config.protocol or PROTOCOL
    settings = StudyConfig(
        kind="network",
        data=str(data),
        fingerprint=store.fingerprint,
        protocol=protocol,
        num_folds=config.num_folds,
        folds=tuple(chosen_folds(store, protocol, config.num_folds, folds)),
        seeds=chosen_seeds(seeds),
        settings={
            "model": model.model_dump(mode="json"),
            "training": config.model_dump(mode="json", exclude={*PER_JOB, "protocol", "num_folds"}),
        },
    )
    with Study.open(Path(out), settings, "mien cv") as study:
        missing = study.missing()
        if keep == "none":  # a process that was killed may have left the run of a finished job
            for job in set(study.jobs()) - set(missing):
                study.discard_run(job)
        # the lines of several trainings at a time could not be told apart
        work = Training(study.folder, data, model, config, keep, device, progress=jobs == 1)
        run_jobs(missing, work, workers=jobs, total=len(study.jobs()))
        trains = validation_trains(study.config)
        leaks = leakages(store, study.config, validation_trains=trains)
        found = summarise(study.pool(), leaks)
        write_summary(study.folder, found)
    return found


def chosen_folds(
    store: Store, protocol: str, num_folds: int | None, folds: Sequence[int] | None
) -> list[int | None]:
    """Give the folds to run, and refuse one that there is not."""
    chosen = PROTOCOLS[protocol]
    if num_folds is not None and not chosen.free:
        raise MienError(
            "has no effect here: only a protocol of any number of folds, such as kfold-speakers,"
            " uses it; leave it out",
            parameter="num_folds",
        )
    if folds is not None and not folds:
        raise MienError("give one fold or more", parameter="folds")
    if folds is not None and chosen.folds and chosen.fold_count is None:
        return list(dict.fromkeys(folds))
    there = folds_of(store.utterances, protocol, num_folds)
    if folds is None:
        return there
    for fold in folds:
        if fold not in there:
            raise MienError(
                f"{fold} is not one of the folds of {protocol}, which are 1 to {len(there)}"
                if there != [None]
                else f"the protocol {protocol} has no folds: leave them out",
                parameter="folds",
            )
    return list(dict.fromkeys(folds))


def chosen_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """Give the seeds to run, each once. Raises `MienError` where there is none."""
    if not seeds:
        raise MienError("give one seed or more", parameter="seeds")
    return tuple(dict.fromkeys(seeds))


def leakages(
    store: Store, config: StudyConfig, *, validation_trains: bool = False
) -> list[Leakage]:
    """Measure what each fold lets through, where validation may train, too, or does not."""
    found, protocol = [], config.protocol
    for fold in config.folds:
        splits = split(store.utterances, protocol, fold=fold, num_folds=config.num_folds)
        if validation_trains and validation_may_train(store.utterances, protocol, splits):
            splits = splits.with_validation_trained()
        found.append(measure_leakage(store.utterances, protocol, splits))
    return found


def validation_trains(config: StudyConfig) -> bool:
    """Tell whether the networks of a study train on validation, too."""
    return bool(config.settings["training"].get("train_on_validation"))


@dataclass(frozen=True)
class Training:
    """The work of one job: train a network or go on with it, then predict what its fold tests."""

    study: Path
    data: Path
    model: ModelConfig
    config: TrainConfig
    keep: Keep
    device: str | None
    progress: bool

    def __call__(self, job: Job) -> str:
        """Do it, and say how it went in short."""
        study = Study(self.study)
        run = self._train(job, study)
        predictions = predict_split(run, data=self.data, device=self.device, progress=False)
        study.keep(job, predictions)
        if self.keep == "none":
            study.discard_run(job)
        return brief(predictions)

    def _train(self, job: Job, study: Study) -> Run:
        folder = study.run_folder(job)
        how: dict[str, Any] = {"progress": self.progress, "device": self.device}
        if self.progress:
            logger.info("%s begins", job)
        if finished(folder) or folder.joinpath(STATE).is_file():
            return train(self.data, folder, resume=True, **how)
        study.discard_run(job)  # no epoch was finished
        given = self.config.model_dump(exclude_unset=True)
        config = TrainConfig.model_validate(given | {"fold": job.fold, "seed": job.seed})
        return train(self.data, folder, self.model, config, **how)


def _without_job(config: TrainConfig) -> TrainConfig:
    """Leave out what each training has its own of, and name the protocol."""
    given = config.model_dump(exclude_unset=True)
    for name in PER_JOB:
        value = given.pop(name, None)
        if value != TrainConfig.model_fields[name].default and value is not None:
            logger.info("%s %s is not used: each training of the study has its own", name, value)
    return TrainConfig.model_validate(given | {"protocol": config.protocol or PROTOCOL})
