"""Predictions made by hand, whose metrics are known."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mien.inference.predictions import Origin, Predictions, PredictionsInfo, Training
from mien.tasks import EmotionTask

SPEAKERS = ("Ann", "Ann", "Ben", "Ben", "Cid", "Cid", "Dee", "Dee")
TRUTH = "abababab"
BETTER = "ababaaaa"
"""All right but for two of b: UA 0.75, WA 0.75."""
WORSE = "aabbaaaa"
"""Right once for each speaker: UA 0.5, WA 0.5."""


def task(labels: Sequence[str] = "ab", loss: str = "ce") -> EmotionTask:
    return EmotionTask(labels=tuple(labels), loss=loss, single_label=True)


def constructed(
    decided: Sequence[str] | Mapping[int, Sequence[str]],
    truth: Sequence[str | None] = TRUTH,
    speakers: Sequence[str | None] = SPEAKERS,
    *,
    labels: Sequence[str] = "ab",
    loss: str = "ce",
    first: int = 0,
    **info: Any,
) -> Predictions:
    """Predictions of one training, or of one for each seed; the highest score is the decision.

    Parameters
    ----------
    decided : sequence of str, or mapping of int to sequence of str
        The labels that were decided, for each utterance; by seed where there are several.
    truth, speakers : sequence
        For each utterance.
    labels, loss : sequence of str, str
        Of the task, in the order of its scores.
    first : int
        Number of the first utterance.
    info
        Fields of `PredictionsInfo`.
    """
    by_seed = decided if isinstance(decided, Mapping) else {0: decided}
    one = dict(zip(labels, np.eye(len(labels)), strict=True))
    counts = {label: len(labels) - place for place, label in enumerate(sorted(labels))}
    unknown = np.full(len(labels), np.nan)
    rows = [(number, place) for number in range(len(by_seed)) for place in range(len(truth))]
    return Predictions(
        PredictionsInfo(
            tasks=(task(labels, loss),),
            trainings=tuple(
                Training(seed=seed, label_counts={"emotion": counts}) for seed in by_seed
            ),
            **{"split": "test", "protocol": "random", "data": "data"} | info,
        ),
        [
            Origin(f"u{first + place}", speakers[place], None, None, (), training=number)
            for number, place in rows
        ],
        {
            "emotion": np.array(
                [0.1 + 0.8 * one[[*by_seed.values()][number][place]] for number, place in rows]
            )
        },
        {"emotion": np.array([one.get(truth[place] or "", unknown) for _, place in rows])},
    )
