"""What a user would get in five lines: a linear model of scikit-learn on fixed features."""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from mien.dataset.leakage import validation_may_train
from mien.dataset.splits import split
from mien.dataset.store import Store
from mien.errors import MienError
from mien.inference.evaluate import answered
from mien.inference.predictions import PredictionsInfo, Training
from mien.metrics.thresholds import choose
from mien.report.study_report import StudyMetrics
from mien.studies.classifiers import Classifier, LinearModel, choose_strength
from mien.studies.cross_validation import PROTOCOL, chosen_folds, chosen_seeds, leakages
from mien.studies.feature_table import FeatureTable, compute_features, name_of, read_features
from mien.studies.jobs import run_jobs
from mien.studies.study import Job, Study, StudyConfig
from mien.studies.summary import brief, summarise, write_summary
from mien.tasks import LabelTask, Task, parse_tasks

logger = logging.getLogger(__name__)

FEATURES = "features.parquet"
"""The vectors, in the study's folder."""


def train_baseline(
    data: str | Path,
    out: str | Path,
    features: str = "functionals",
    *,
    task: str = "emotion",
    classifier: Classifier = "logistic",
    protocol: str = PROTOCOL,
    num_folds: int | None = None,
    folds: Sequence[int] | None = None,
    seeds: Sequence[int] = (0,),
    progress: bool = True,
) -> StudyMetrics:
    """Train a linear model on each fold, with the splits that a network would have.

    The strength of regularisation is chosen on validation.

    Parameters
    ----------
    data : path
        What `mien prepare` wrote.
    out : path
        The study's folder, new or of the same baseline.
    features : {"functionals", "voice"} or path
        See `mien.studies.feature_table.compute_features`.
    task : str
        One task.
    classifier : {"logistic", "svm"}
        See `mien.studies.classifiers.LinearModel`.
    protocol, num_folds, folds
        As `mien.studies.cross_validation.cross_validate` takes them.
    seeds : sequence of int
        Of support vector machines, whose solver draws the order of utterances.
    progress : bool
        Tell how far it has come (`mien.progress`).

    Raises
    ------
    MienError
        The data do not fit the protocol or the features, `out` holds something else, or there are
        seeds for a classifier that has nothing random.
    """
    store, (kind,) = Store(Path(data)), _one_task(task)
    settings = StudyConfig(
        kind="baseline",
        data=str(Path(data).resolve()),
        fingerprint=store.fingerprint,
        protocol=protocol,
        num_folds=num_folds,
        folds=tuple(chosen_folds(store, protocol, num_folds, folds)),
        seeds=_seeds_of(classifier, seeds),
        settings={"task": task, "features": name_of(features), "classifier": classifier},
    )
    with Study.open(Path(out), settings, "mien baseline") as study:
        path = study.folder / FEATURES
        if not path.is_file():
            compute_features(features, Path(data), progress=progress).write(path)
        table = read_features(path, [utterance.id for utterance in store.utterances])
        logger.info("%d features of %d utterances", len(table.names), len(table.ids))
        work = Fitting(study, store, table, kind, classifier)
        run_jobs(study.missing(), work, workers=1, total=len(study.jobs()))
        pooled = study.pool()
        trains = not any(task.has_thresholds for task in pooled.info.tasks)
        found = summarise(pooled, leakages(store, study.config, validation_trains=trains))
        write_summary(study.folder, found)
    return found


def _one_task(name: str) -> list[type[Task]]:
    kinds = parse_tasks(name)
    if len(kinds) > 1:
        raise MienError(f"a baseline has one task, not {name}", parameter="task")
    return kinds


def _seeds_of(classifier: Classifier, seeds: Sequence[int]) -> tuple[int, ...]:
    chosen = chosen_seeds(seeds)
    if classifier == "logistic" and chosen != (0,):
        raise MienError(
            "has no effect here: logistic and ridge regression have nothing random, so that every"
            " seed gives the same; leave it out",
            parameter="seeds",
        )
    return chosen


@dataclass(frozen=True)
class Fitting:
    """The work of one job: choose and train a linear model, then predict what its fold tests."""

    study: Study
    store: Store
    table: FeatureTable
    kind: type[Task]
    classifier: Classifier

    def __call__(self, job: Job) -> str:
        """Do it, and say how it went in short."""
        config, utterances = self.study.config, self.store.utterances
        rows = split(utterances, config.protocol, fold=job.fold, num_folds=config.num_folds)
        task = self.kind.from_training([utterances[row] for row in rows.train], self._loss)
        asked = task.with_labels_of([utterances[row] for row in rows.test])
        _, *train = self._data("train", task, rows.train)
        _, *valid = self._data("valid", task, rows.valid)
        tested, test, _ = self._data("test", asked, rows.test)
        with warnings.catch_warnings():
            # a support vector machine that regularises little need not converge to be compared
            warnings.simplefilter("ignore", category=_convergence())
            model, strength = choose_strength(
                task, self.classifier, job.seed, (train[0], train[1]), (valid[0], valid[1])
            )
            thresholds = {}
            if task.has_thresholds:
                thresholds[task.name] = choose(model.scores(valid[0]), valid[1]).tolist()
            elif validation_may_train(utterances, config.protocol, rows):  # now that C is chosen
                train = [np.concatenate(pair) for pair in zip(train, valid, strict=True)]
                model = LinearModel(task, self.classifier, strength, job.seed)
                model.fit(train[0], train[1])
        training = Training(
            fold=job.fold,
            seed=job.seed,
            thresholds=thresholds,
            label_counts={task.name: task.label_counts(torch.from_numpy(train[1]))},
            left_out=len(rows.test) - len(tested),
        )
        scores = {task.name: model.scores(test)}
        predictions = answered(self._info(task, training), scores, [asked], self.store, tested)
        self.study.keep(job, predictions)
        return f"{brief(predictions)}, C {strength:g}"

    @cached_property
    def _loss(self) -> str | None:
        """The loss of single labels if all of the data have one each: the same in every fold."""
        task = self.kind.from_training(self.store.utterances)
        return "ce" if isinstance(task, LabelTask) and task.single_label else None

    def _data(
        self, name: str, task: Task, rows: Sequence[int]
    ) -> tuple[list[int], np.ndarray, np.ndarray]:
        """Give the rows of a split that have features and a known target, with both."""
        found = []
        for row in rows:
            utterance = self.store.utterances[row]
            place, target = self._places.get(utterance.id), task.target(utterance)
            if place is not None and bool(task.known(target)):
                found.append((row, place, target.numpy().astype(float)))
        if not found:
            raise MienError(f"no utterance of {name} has features and a known {task.name}")
        members, places, targets = (list(column) for column in zip(*found, strict=True))
        return members, self.table.values[places], np.array(targets)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {id_: row for row, id_ in enumerate(self.table.ids)}

    def _info(self, task: Task, training: Training) -> PredictionsInfo:
        return PredictionsInfo(
            tasks=(task,),
            split="test",
            protocol=self.study.config.protocol,
            data=str(self.store.folder.resolve()),
            fingerprint=self.store.fingerprint,
            synthetic=bool(self.store.info["synthetic"]),
            trainings=(training,),
        )


def _convergence() -> type[Warning]:
    from sklearn.exceptions import ConvergenceWarning

    return ConvergenceWarning
