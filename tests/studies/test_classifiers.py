"""The linear models are those that scikit-learn's user would write down."""

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC, LinearSVR

from mien.studies.classifiers import STRENGTHS, LinearModel, choose_strength
from mien.tasks import AffectTask, EmotionTask, SentimentTask, Task

LABELS = ("happy", "sad", "angry")
ONE = EmotionTask(labels=LABELS, loss="ce", single_label=True)
SEVERAL = EmotionTask(labels=LABELS, loss="bce")
FOUR = EmotionTask(labels=("neutral", *LABELS), loss="ce")


def drawn(seed: int, number: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Features, of which some are missing, and the class that they tell a little about."""
    random = np.random.default_rng(seed)
    classes = random.choice(3, number, p=[0.6, 0.3, 0.1])
    features = random.normal(0, [1, 20, 3, 1], (number, 4)) + classes[:, None] * [1, 0, 2, 0]
    features[random.random(features.shape) < 0.1] = np.nan
    return features, classes


def scaled(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    steps = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    return steps.fit_transform(train), steps.transform(test)


def test_logistic_regression_of_one_label() -> None:
    (train, classes), (test, _) = drawn(0), drawn(1)
    found = LinearModel(ONE, "logistic", 0.1, 0).fit(train, np.eye(3)[classes]).scores(test)
    x, y = scaled(train, test)
    model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000, tol=1e-6).fit(
        x, classes
    )
    np.testing.assert_allclose(found, model.predict_proba(y))


def test_support_vector_machine_of_one_label() -> None:
    (train, classes), (test, _) = drawn(0), drawn(1)
    found = LinearModel(ONE, "svm", 0.01, 7).fit(train, np.eye(3)[classes]).scores(test)
    x, y = scaled(train, test)
    model = LinearSVC(C=0.01, class_weight="balanced", max_iter=5000, random_state=7)
    margins = model.fit(x, classes).decision_function(y)
    np.testing.assert_array_equal(found.argmax(axis=1), margins.argmax(axis=1))
    np.testing.assert_allclose(found.sum(axis=1), 1)


@pytest.mark.parametrize("classifier", ["logistic", "svm"])
def test_two_classes_of_three_that_the_task_has(classifier) -> None:
    """A label that training lacks is never predicted."""
    (train, classes), (test, _) = drawn(0), drawn(1)
    two = np.where(classes == 1, 2, classes)
    found = LinearModel(ONE, classifier, 0.1, 0).fit(train, np.eye(3)[two]).scores(test)
    assert (found[:, 1] == 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)
    x, y = scaled(train, test)
    model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000, tol=1e-6).fit(x, two)
    if classifier == "logistic":
        np.testing.assert_allclose(found[:, [0, 2]], model.predict_proba(y))
    assert set(found.argmax(axis=1)) == {0, 2}


def test_each_of_several_labels_has_a_model() -> None:
    (train, classes), (test, _) = drawn(0), drawn(1)
    targets = np.stack([classes == 0, classes > 0, np.zeros(60)], axis=1).astype(float)
    targets[:, 2] = 1  # a label that all of training have
    found = LinearModel(SEVERAL, "logistic", 1.0, 0).fit(train, targets).scores(test)
    x, y = scaled(train, test)
    for place in (0, 1):
        model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=2000, tol=1e-6)
        expected = model.fit(x, targets[:, place]).predict_proba(y)[:, 1]
        np.testing.assert_allclose(found[:, place], expected)
    assert (found[:, 2] == 1).all()


def test_training_of_one_class_predicts_it() -> None:
    (train, _), (test, _) = drawn(0), drawn(1)
    targets = np.eye(3)[np.full(60, 2)]
    found = LinearModel(ONE, "svm", 1.0, 0).fit(train, targets).scores(test)
    np.testing.assert_array_equal(found, np.eye(3)[np.full(60, 2)])
    nobody = LinearModel(SEVERAL, "svm", 1.0, 0).fit(train, np.zeros((60, 3))).scores(test)
    assert (nobody == 0).all()


def test_ridge_regression_of_numbers() -> None:
    """Each number is learnt where it is known; predictions stay within its range."""
    (train, classes), (test, _) = drawn(0), drawn(1)
    task = AffectTask(labels=("valence", "arousal"), loss="ccc", means=(0, 0), deviations=(1, 1))
    targets, test = np.stack([1.0 * classes, 2.0 - classes], axis=1), 3 * test
    targets[:20, 1] = np.nan
    found = LinearModel(task, "logistic", 1.0, 0).fit(train, targets).scores(test)
    x, y = scaled(train, test)
    for place, rows in ((0, slice(None)), (1, slice(20, None))):
        model = Ridge(alpha=1.0).fit(x[rows], targets[rows, place])
        np.testing.assert_allclose(found[:, place], model.predict(y).clip(0, 2))
        assert model.predict(y).min() < 0, "or nothing was kept within the range"


def test_support_vector_regression_of_numbers() -> None:
    (train, classes), (test, _) = drawn(0), drawn(1)
    targets = (classes - 1.0)[:, None]
    found = LinearModel(SentimentTask(), "svm", 0.1, 0).fit(train, targets).scores(test)
    x, y = scaled(train, test)
    model = LinearSVR(C=0.1, max_iter=5000, random_state=0).fit(x, targets[:, 0])
    np.testing.assert_allclose(found[:, 0], model.predict(y).clip(-1, 1))


@pytest.mark.parametrize("task", [ONE, SEVERAL, SentimentTask()])
def test_strength_is_the_smallest_that_is_best_on_validation(task: Task) -> None:
    import torch

    (train, classes), (valid, others) = drawn(0), drawn(1)
    number = isinstance(task, SentimentTask)
    targets, truth = (c[:, None] - 1.0 if number else np.eye(3)[c] for c in (classes, others))
    model, strength = choose_strength(task, "logistic", 0, (train, targets), (valid, truth))
    values = []
    for tried in STRENGTHS:
        scores = LinearModel(task, "logistic", tried, 0).fit(train, targets).scores(valid)
        found = task.monitored(torch.from_numpy(scores), torch.from_numpy(truth))
        values.append(-found if number else found)
    assert strength == STRENGTHS[int(np.argmax(values))]
    assert len(set(values)) > 2
    assert model.strength == strength


def correlated(random: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    """300 features of an utterance that follow five, as functionals do."""
    hidden = random.normal(size=(len(labels), 5)) + 0.3 * labels[:, None]
    noise = random.normal(size=(len(labels), 300))
    return hidden @ random.normal(size=(5, 300)) + 0.3 * noise


def test_rounding_does_not_decide_what_logistic_regression_predicts() -> None:
    """Columns in another order are added up in another order, as they are by more threads."""
    random = np.random.default_rng(0)
    labels = random.integers(4, size=700)
    features = correlated(random, labels)
    found = [
        LinearModel(FOUR, "logistic", STRENGTHS[-1], 0)
        .fit(columns[:500], np.eye(4)[labels[:500]])
        .scores(columns[500:])
        for columns in (features, features[:, random.permutation(300)])
    ]
    assert np.abs(found[0] - found[1]).max() < 1e-3
