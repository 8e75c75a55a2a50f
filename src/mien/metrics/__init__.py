"""Metrics of a model's predictions, of constant baselines, and their confidence intervals."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.metrics import classification
from mien.metrics.bootstrap import average_f1, average_recall, interval, tally


def evaluate_labels(
    probabilities: np.ndarray,
    truth: np.ndarray,
    labels: Sequence[str],
    *,
    thresholds: np.ndarray | None = None,
    train_counts: np.ndarray | None = None,
    groups: Sequence[str | None] | None = None,
    by: str = "person",
    seed: int = 0,
) -> dict[str, Any]:
    """Evaluate the predictions for a task of labels; the result goes to ``metrics.json`` as it is.

    Parameters
    ----------
    probabilities : array (N, C)
        One probability (or score) for each utterance and label.
    truth : array (N, C)
        1 where the utterance has the label, else 0.
    labels : sequence of C str
        Names, in the order of the columns.
    thresholds : array (C,) or None
        What `mien.metrics.thresholds.choose` found on validation. None: the task is single-label,
        and the multi-label metrics are left out.
    train_counts : array (C,) or None
        How often each label occurs in the training split, for the baseline of the most frequent
        label. None: that baseline is left out.
    groups : sequence of N str or None
        The speaker of each utterance; where all are known the intervals are over speakers. Leave it
        out where the speakers are themselves the labels.
    by : str
        What `groups` holds, if not speakers: "dialogue" for recordings.
    seed : int
        Start of the random numbers of the intervals.

    Returns
    -------
    dict
        ``n``, ``labels``; ``multilabel`` (see `mien.metrics.classification.multilabel`) or None;
        ``singlelabel`` (see `mien.metrics.classification.singlelabel`), over the utterances that
        have exactly one label, or None if there are none; ``baselines``: ``always_no`` and
        ``most_frequent``, each like the block that it is compared with, or None; ``intervals``:
        ``average_f1`` (multi-label), ``ua`` and ``macro_f1``, each as
        `mien.metrics.bootstrap.interval` gives it, or None.

    Raises
    ------
    MienError
        There are no utterances, or a probability is not a finite number; or no utterance has
        exactly one label and `thresholds` is None.

    Examples
    --------
    >>> block = evaluate_labels(np.array([[0.9, 0.2], [0.4, 0.6]]), np.eye(2), ["sad", "happy"])
    >>> block["singlelabel"]["ua"]
    1.0
    """
    scores, truth = classification.checked(probabilities, labels), np.asarray(truth).astype(bool)
    if scores.shape != truth.shape:
        raise ValueError(f"probabilities {scores.shape} do not fit truth {truth.shape}")
    one = truth.sum(axis=1) == 1
    single = bool(one.any())
    if thresholds is None and not single:
        raise MienError(
            "No utterance to evaluate has exactly one label, and thresholds for several labels "
            "are missing: choose another split, or thresholds on validation first."
        )
    right = truth[one].argmax(axis=1)
    multi = frequent = None
    if thresholds is not None:
        multi = classification.multilabel(scores, truth, thresholds, labels)
    if single and train_counts is not None:
        frequent = classification.most_frequent(right, train_counts, labels)
    return {
        "n": len(truth),
        "labels": list(labels),
        "multilabel": multi,
        "singlelabel": classification.singlelabel(scores[one], right, labels) if single else None,
        "baselines": {
            "always_no": classification.always_no(truth, labels) if multi else None,
            "most_frequent": frequent,
        },
        "intervals": _intervals(scores, truth, thresholds, groups, by=by, seed=seed),
    }


def _intervals(
    scores: np.ndarray,
    truth: np.ndarray,
    thresholds: np.ndarray | None,
    groups: Sequence[str | None] | None,
    **how: Any,
) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(("average_f1", "ua", "macro_f1"))
    of = np.asarray(groups) if groups is not None else np.full(len(truth), None)
    one = truth.sum(axis=1) == 1
    if thresholds is not None:
        counts = tally(truth, scores > thresholds)
        found["average_f1"] = interval(counts, average_f1, groups=of, **how)
    if one.any():
        predicted = np.eye(truth.shape[1], dtype=bool)[scores[one].argmax(axis=1)]
        counts = tally(truth[one], predicted)
        found["ua"] = interval(counts, average_recall, groups=of[one], **how)
        found["macro_f1"] = interval(counts, average_f1, groups=of[one], **how)
    return found
