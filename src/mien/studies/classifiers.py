"""Models of scikit-learn for a task: linear, with one strength of regularisation to choose."""

from typing import Any, Literal

import numpy as np
import torch
from scipy.special import softmax

from mien.tasks import LabelTask, Task

Classifier = Literal["logistic", "svm"]

STRENGTHS = tuple(10.0**power for power in range(-5, 2))
"""The values of C that are tried; a smaller one regularises more."""

TOLERANCE = 1e-6
"""Where logistic regression stops. At scikit-learn's 1e-4 rounding, which the number of threads
changes, decides some labels: 2 of 240 on a fold of RAVDESS with 576 functionals."""


class LinearModel:
    """A linear model of one task, on standardised features.

    Missing numbers are replaced by the mean of training, with an indicator for each feature that
    lacks any there. Labels are weighted by their rarity.

    Parameters
    ----------
    task : Task
        What is predicted. With exactly one right label its classes are the labels; with several
        each label has a model of its own; numbers have a regression each, whose predictions stay
    within the range of training.
    classifier : {"logistic", "svm"}
        Logistic regression, for numbers ridge regression; or a linear support vector machine.
    strength : float
        scikit-learn's C.
    seed : int
        Of the order in which the support vector machine visits utterances.
    """

    def __init__(self, task: Task, classifier: Classifier, strength: float, seed: int) -> None:
        self.task, self.classifier, self.strength, self.seed = task, classifier, strength, seed
        self._scale: Any = None
        self._models: list[Any] = []
        self._range = np.array([])

    def fit(self, features: np.ndarray, targets: np.ndarray) -> "LinearModel":
        """Train on features (N, D) and targets (N, C) that are known."""
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self._scale = make_pipeline(
            SimpleImputer(add_indicator=True, keep_empty_features=True), StandardScaler()
        )
        scaled = self._scale.fit_transform(features)
        if self._single:
            self._models = [self._fitted(scaled, targets.argmax(axis=1))]
        elif isinstance(self.task, LabelTask):
            self._models = [self._fitted(scaled, column) for column in targets.T.astype(int)]
        else:
            self._range = np.array([np.nanmin(targets, axis=0), np.nanmax(targets, axis=0)])
            known = ~np.isnan(targets.T)
            self._models = [
                self._regression().fit(scaled[rows], column[rows])
                for rows, column in zip(known, targets.T, strict=True)
            ]
        return self

    @property
    def _single(self) -> bool:
        return isinstance(self.task, LabelTask) and not self.task.has_thresholds

    def _fitted(self, scaled: np.ndarray, classes: np.ndarray) -> Any:
        """Train a classifier; where training has one class it is always predicted."""
        from sklearn.dummy import DummyClassifier

        model = self._classifier() if len(set(classes)) > 1 else DummyClassifier()
        return model.fit(scaled, classes)

    def _classifier(self) -> Any:
        from sklearn.linear_model import LogisticRegression
        from sklearn.svm import LinearSVC

        if self.classifier == "logistic":
            return LogisticRegression(
                C=self.strength, class_weight="balanced", max_iter=2000, tol=TOLERANCE
            )
        return LinearSVC(
            C=self.strength, class_weight="balanced", max_iter=5000, random_state=self.seed
        )

    def _regression(self) -> Any:
        from sklearn.linear_model import Ridge
        from sklearn.svm import LinearSVR

        if self.classifier == "logistic":
            return Ridge(alpha=1 / self.strength)
        return LinearSVR(C=self.strength, max_iter=5000, random_state=self.seed)

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Give scores (N, C) as `Task.scores` does.

        What the support vector machine gives are no probabilities: only their order counts.
        """
        scaled = self._scale.transform(features)
        if self._single:
            return _of_classes(self._models[0], scaled, len(self.task.labels))
        if isinstance(self.task, LabelTask):
            return np.stack([_of_classes(m, scaled, 2)[:, 1] for m in self._models], axis=1)
        return np.stack([m.predict(scaled) for m in self._models], axis=1).clip(*self._range)


def _of_classes(model: Any, scaled: np.ndarray, number: int) -> np.ndarray:
    """Give the scores (N, number) of classes; 0 for one that training lacks."""
    found = np.zeros((len(scaled), number))
    if hasattr(model, "predict_proba"):
        found[:, model.classes_] = model.predict_proba(scaled)
        return found
    margins = model.decision_function(scaled)
    if margins.ndim == 1:  # of two classes
        margins = np.stack([np.zeros(len(margins)), margins], axis=1)
    found[:, model.classes_] = softmax(margins, axis=1)
    return found


def choose_strength(
    task: Task,
    classifier: Classifier,
    seed: int,
    train: tuple[np.ndarray, np.ndarray],
    valid: tuple[np.ndarray, np.ndarray],
) -> tuple[LinearModel, float]:
    """Choose C by the task's monitored metric on validation; of equal values the smallest.

    Parameters
    ----------
    train, valid : (array (N, D), array (N, C))
        Features and known targets.

    Returns
    -------
    model : LinearModel
        Trained on `train` alone.
    strength : float
    """
    best: tuple[float, LinearModel, float] | None = None
    for strength in STRENGTHS:
        model = LinearModel(task, classifier, strength, seed).fit(*train)
        scores = torch.from_numpy(model.scores(valid[0]))
        value = task.monitor.sign * task.monitored(scores, torch.from_numpy(valid[1]))
        if best is None or value > best[0]:
            best = value, model, strength
    assert best is not None
    return best[1:]
