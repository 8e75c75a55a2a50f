"""How good a model's answers are, beside the best constant answers, and how sure that is."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.metrics import classification as metrics
from mien.metrics.bootstrap import average_f1, average_recall, interval, tally


def evaluate(
    probabilities: np.ndarray,
    truth: np.ndarray,
    labels: Sequence[str],
    *,
    thresholds: np.ndarray | None = None,
    train_counts: np.ndarray | None = None,
    persons: Sequence[str | None] | None = None,
    by: str = "person",
    seed: int = 0,
) -> dict[str, Any]:
    """Judge the answers to one task; the result goes to ``metrics.json`` as it is.

    Parameters
    ----------
    probabilities : array (N, C)
        One probability (or score) for each utterance and label.
    truth : array (N, C)
        1 where the utterance has the label, else 0.
    labels : sequence of C str
        Names, in the order of the columns.
    thresholds : array (C,) or None
        What `mien.metrics.thresholds.choose` found on validation. None: the task has one answer
        for each utterance, and the figures "label by label" are left out.
    train_counts : array (C,) or None
        How often each label occurs in the training part, for the most frequent label. None: left
        out.
    persons : sequence of N str or None
        Who speaks; where all are known the intervals are over persons. Leave out where the persons
        are themselves the labels.
    by : str
        What `persons` names, where it is not persons but recordings.
    seed : int
        Start of the random numbers of the intervals.

    Returns
    -------
    dict
        ``n``, ``labels``; ``multilabel`` (see `metrics.multilabel`) or None; ``singlelabel`` (see
        `metrics.singlelabel`), over the utterances that have exactly one label, or None if there
        are none; ``baselines``: ``always_no`` and ``most_frequent``, each like the part it belongs
        to, or None; ``intervals``: ``average_f1`` (label by label), ``ua`` and ``macro_f1``, each
        as `bootstrap.interval` gives it, or None.

    Raises
    ------
    MienError
        There are no utterances, or a probability is not a finite number; or no utterance has
        exactly one label and `thresholds` is None.

    Examples
    --------
    >>> block = evaluate(np.array([[0.9, 0.2], [0.4, 0.6]]), np.eye(2), ["sad", "happy"])
    >>> block["singlelabel"]["ua"]
    1.0
    """
    scores, truth = metrics.checked(probabilities, labels), np.asarray(truth).astype(bool)
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
    several = frequent = None
    if thresholds is not None:
        several = metrics.multilabel(scores, truth, thresholds, labels)
    if single and train_counts is not None:
        frequent = metrics.most_frequent(right, train_counts, labels)
    return {
        "n": len(truth),
        "labels": list(labels),
        "multilabel": several,
        "singlelabel": metrics.singlelabel(scores[one], right, labels) if single else None,
        "baselines": {
            "always_no": metrics.always_no(truth, labels) if several else None,
            "most_frequent": frequent,
        },
        "intervals": _intervals(scores, truth, thresholds, persons, by=by, seed=seed),
    }


def _intervals(
    scores: np.ndarray,
    truth: np.ndarray,
    thresholds: np.ndarray | None,
    persons: Sequence[str | None] | None,
    **how: Any,
) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(("average_f1", "ua", "macro_f1"))
    who = np.asarray(persons) if persons is not None else np.full(len(truth), None)
    one = truth.sum(axis=1) == 1
    if thresholds is not None:
        counts = tally(truth, scores > thresholds)
        found["average_f1"] = interval(counts, average_f1, persons=who, **how)
    if one.any():
        answers = np.eye(truth.shape[1], dtype=bool)[scores[one].argmax(axis=1)]
        counts = tally(truth[one], answers)
        found["ua"] = interval(counts, average_recall, persons=who[one], **how)
        found["macro_f1"] = interval(counts, average_f1, persons=who[one], **how)
    return found
