"""Metrics of classification: multi-label and single-label.

Every function takes NumPy arrays and returns plain dicts that JSON can hold. A metric that is not
defined is None, never NaN:

* a label that does not occur has no recall, precision or F1;
* a label that occurs always or never has no weighted accuracy and no AUROC;
* with five labels or fewer there is no top-5: the right one is always among the first five.

An average is the mean over the labels that have a value, and None where none has. The precision of
a label that occurs and is never predicted is 0.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mien.errors import MienError

AVERAGED = (
    "accuracy",
    "weighted_accuracy",
    "recall",
    "precision",
    "f1",
    "weighted_f1",
    "auroc",
)
"""The metrics of one label that `multilabel` averages."""


def multilabel(
    probabilities: np.ndarray,
    truth: np.ndarray,
    thresholds: np.ndarray | float,
    labels: Sequence[str],
) -> dict[str, Any]:
    """Evaluate multi-label predictions: each label is predicted or not, whatever the others are.

    Parameters
    ----------
    probabilities : array (N, C)
        One probability for each utterance and label.
    truth : array (N, C)
        1 where the utterance has the label, else 0.
    thresholds : array (C,), array (N, C) or float
        A label is predicted where its probability is greater.
    labels : sequence of C str
        Names, in the order of the columns.

    Returns
    -------
    dict
        ``per_label``: for each label its threshold (None where the rows have different ones),
        support (utterances that have it), accuracy, weighted accuracy (the mean of the recall of
        its presence and of its absence; the metric used on CMU-MOSEI), recall, precision, F1,
        weighted F1 (of presence and absence, by their frequency) and AUROC. ``average``: the
        means. ``exact_match``, ``subset``, ``intersect``: see `overlap`.

    Raises
    ------
    MienError
        There are no utterances, or a probability is not a finite number.
    """
    probabilities = checked(probabilities, labels)
    truth = np.asarray(truth).astype(bool)
    thresholds = np.broadcast_to(np.asarray(thresholds, float), probabilities.shape)
    predicted = probabilities > thresholds
    per_label = {
        label: {"threshold": _same(thresholds[:, i])}
        | _binary(truth[:, i], predicted[:, i], probabilities[:, i])
        for i, label in enumerate(labels)
    }
    average = {name: _mean(row[name] for row in per_label.values()) for name in AVERAGED}
    return {"per_label": per_label, "average": average} | overlap(predicted, truth)


def _same(values: np.ndarray) -> float | None:
    return float(values[0]) if (values == values[0]).all() else None


def _binary(truth: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    from sklearn.metrics import (  # slow to import
        accuracy_score,
        balanced_accuracy_score,
        f1_score,
        precision_recall_fscore_support,
        roc_auc_score,
    )

    occurs = bool(truth.any())
    both = occurs and not truth.all()
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, predicted, average="binary", zero_division=0
    )
    return {
        "support": int(truth.sum()),
        "accuracy": float(accuracy_score(truth, predicted)),
        "weighted_accuracy": float(balanced_accuracy_score(truth, predicted)) if both else None,
        "recall": float(recall) if occurs else None,
        "precision": float(precision) if occurs else None,
        "f1": float(f1) if occurs else None,
        "weighted_f1": float(f1_score(truth, predicted, average="weighted", zero_division=0)),
        "auroc": float(roc_auc_score(truth, probabilities)) if both else None,
    }


def overlap(predicted: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """Compare the set of labels predicted for each utterance with the true set.

    Parameters
    ----------
    predicted, truth : array (N, C) bool
        The labels that were predicted and those that are right.

    Returns
    -------
    dict
        Shares of the utterances: ``exact_match``, the sets are the same; ``subset``, the same, or
        something was predicted and all of it is right; ``intersect``, the same, or something right
        comes before anything wrong. The last depends on the order of the labels: it is as
        published (Dai et al. 2021), for comparison only.
    """
    same = (predicted == truth).all(axis=1)
    hit, wrong = predicted & truth, predicted & ~truth
    before_wrong = ~np.logical_or.accumulate(wrong, axis=1)
    return {
        "exact_match": float(same.mean()),
        "subset": float((same | (hit.any(axis=1) & ~wrong.any(axis=1))).mean()),
        "intersect": float((same | (hit & before_wrong).any(axis=1)).mean()),
    }


def singlelabel(scores: np.ndarray, truth: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    """Evaluate single-label predictions: exactly one label is right.

    Parameters
    ----------
    scores : array (N, C)
        The label with the highest score is predicted; of equal scores, the first.
    truth : array (N,) int
        Column of the right label.
    labels : sequence of C str
        Names, in the order of the columns.

    Returns
    -------
    dict
        ``n`` utterances; ``wa``, the share that is right (weighted accuracy in the speech
        literature, hence the name; also ``top1``); ``ua``, the mean recall; ``macro_precision``,
        ``macro_f1``, means over the labels that occur; ``weighted_f1``, by frequency; ``top5``,
        the share where the right label is among the five highest; ``per_label`` with support,
        recall, precision, F1; ``confusion``, counts with one row for each true label and one
        column for each predicted.

    Raises
    ------
    MienError
        There are no utterances, or a score is not a finite number.
    """
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score  # slow to import

    scores = checked(scores, labels)
    truth = np.asarray(truth)
    if truth.shape != (len(scores),) or truth.min() < 0 or truth.max() >= len(labels):
        raise ValueError(f"truth must hold {len(scores)} columns from 0 to {len(labels) - 1}")
    ranked = np.argsort(-scores, axis=1, kind="stable")
    wa = float(accuracy_score(truth, ranked[:, 0]))
    among_five = (ranked[:, :5] == truth[:, None]).any(axis=1)
    per_label = _per_label(truth, ranked[:, 0], labels)
    return {
        "n": len(scores),
        "wa": wa,
        "ua": _mean(row["recall"] for row in per_label.values()),
        "macro_precision": _mean(row["precision"] for row in per_label.values()),
        "macro_f1": _mean(row["f1"] for row in per_label.values()),
        "weighted_f1": float(f1_score(truth, ranked[:, 0], average="weighted", zero_division=0)),
        "top1": wa,
        "top5": float(among_five.mean()) if len(labels) > 5 else None,
        "per_label": per_label,
        "confusion": confusion_matrix(truth, ranked[:, 0], labels=range(len(labels))).tolist(),
    }


def _per_label(truth: np.ndarray, predicted: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    from sklearn.metrics import precision_recall_fscore_support  # slow to import

    columns = precision_recall_fscore_support(
        truth, predicted, labels=range(len(labels)), zero_division=0
    )
    return {
        label: {
            "support": int(support),
            "recall": float(recall) if support else None,
            "precision": float(precision) if support else None,
            "f1": float(f1) if support else None,
        }
        for label, precision, recall, f1, support in zip(labels, *columns, strict=True)
    }


def always_no(truth: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    """Give what `multilabel` says of a system that never predicts any label."""
    return multilabel(np.zeros(np.shape(truth)), truth, 0.5, labels)


def most_frequent(
    truth: np.ndarray, train_counts: np.ndarray, labels: Sequence[str]
) -> dict[str, Any]:
    """Give what `singlelabel` says of always predicting the most frequent label of training.

    The top-5 are the five most frequent. The metrics come with ``label``, the name of that label.
    """
    train_counts = np.asarray(train_counts, float)
    scores = np.tile(train_counts, (len(truth), 1))
    return {"label": labels[int(train_counts.argmax())]} | singlelabel(scores, truth, labels)


def _mean(values: Iterable[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def checked(scores: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """Return the scores (N, C) as float64, or say why they cannot be evaluated.

    Raises
    ------
    ValueError
        Scores and labels do not fit, or two labels are the same.
    MienError
        There are no utterances, or a score is not a finite number.
    """
    scores = np.asarray(scores, float)
    if scores.ndim != 2 or scores.shape[1] != len(labels) or len(set(labels)) != len(labels):
        raise ValueError(f"scores {scores.shape} do not fit the labels {list(labels)}")
    if not len(scores):
        raise MienError("There are no utterances to evaluate: choose another split or data set.")
    if not np.isfinite(scores).all():
        raise MienError(
            "The model's scores are not finite numbers, so there is nothing to evaluate: "
            "train again with a lower learning rate or with gradient clipping."
        )
    return scores
