"""Evaluate the trainings of a study again, on degraded audio or with references."""

import hashlib
import logging
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.features.store import open_store
from mien.files import fingerprint
from mien.inference import BATCH_SIZE
from mien.inference.evaluate import predict_split
from mien.models import ModelConfig
from mien.progress import follow
from mien.report.study_report import StudyMetrics
from mien.runs.config import WEIGHTS
from mien.runs.run import Run
from mien.studies.cross_validation import leakages, validation_trains
from mien.studies.study import Job, Study
from mien.studies.summary import summarise, write_summary

logger = logging.getLogger(__name__)


def evaluate_study(
    study: str | Path,
    out: str | Path,
    *,
    data: str | Path | None = None,
    degrade: str | None = None,
    references: str | None = None,
    device: str | None = None,
    batch_size: int = BATCH_SIZE,
    progress: bool = True,
) -> StudyMetrics:
    """Evaluate each training of a study on what its fold tests, into a study of its own.

    `mien compare` then puts both studies side by side. When it is interrupted, the same call goes
    on with the next training.

    Parameters
    ----------
    study : path
        A finished study of `mien cv` that kept its run folders.
    out : path
        The folder of the new study.
    data : path, optional
        The present folder of the same data (default: that of the study).
    degrade, references : str, optional
        As `mien.inference.evaluate.evaluate` takes them.
    device : str, optional
        Where to compute (default: a GPU if there is one).
    batch_size : int
        Utterances that are computed together.
    progress : bool
        Report progress (`mien.progress`).

    Returns
    -------
    StudyMetrics
        What goes to ``metrics.json``.

    Raises
    ------
    MienError
        The study is not finished, has no run folders, the data are others, or `out` holds something
        else.

    Examples
    --------
    >>> found = evaluate_study("studies/a", "studies/white", degrade="white:10")  # doctest: +SKIP
    """
    source = Study(study)
    source.check_finished()
    runs = {job: _run(source, job) for job in source.jobs()}
    place = Path(data or source.config.data)
    store = open_store(place, ModelConfig.model_validate(source.config.settings["model"]))
    if store.fingerprint != source.config.fingerprint:
        raise MienError(
            f"{place} holds other data than those of {source.folder}: name these",
            parameter="data",
        )
    # a study of other trainings with the same settings is another one
    weights = hashlib.sha256("".join(fingerprint(r.file(WEIGHTS)) for r in runs.values()).encode())
    how = {"degrade": degrade, "references": references, "weights": weights.hexdigest()[:16]}
    settings: dict[str, Any] = {**source.config.settings, "evaluation": how}
    config = source.config.model_copy(update={"data": str(place), "settings": settings})
    with Study.open(Path(out), config, "mien evaluate") as target:
        for job in follow(target.missing(), "evaluating", "trainings", shown=progress):
            found = predict_split(
                runs[job],
                data=place,
                degrade=degrade,
                references=references,
                device=device,
                batch_size=batch_size,
                progress=False,
            )
            target.keep(job, found)
        leaks = leakages(store, target.config, validation_trains=validation_trains(target.config))
        metrics = summarise(target.pool(), leaks)
        write_summary(target.folder, metrics)
    return metrics


def _run(study: Study, job: Job) -> Run:
    """Open the run of a training. Raises `MienError` if the study did not keep it."""
    folder = study.run_folder(job)
    if study.config.kind != "network" or not folder.is_dir():
        raise MienError(
            f"{study.folder} has no run folder of {job}: only a study of 'mien cv' that kept its"
            " runs can be evaluated again"
        )
    return Run(folder)
