"""Calibration: what probability a cosine means, and a threshold with a known error rate."""

from datetime import UTC, datetime
from math import ceil

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.optimize import minimize

from mien.errors import MienError
from mien.identity.embedder import NOT_CALIBRATED

COMMAND = "mien gallery GALLERY threshold"
"""How to calibrate on the command line."""


class Calibration(BaseModel):
    """What cosines mean in one gallery.

    The probability of candidate i with score s_i is exp z_i / (1 + Σ_j exp z_j) where z = slope · s
    + intercept, the sum over all candidates; what remains to 1 is the probability of somebody who
    is not enrolled. It holds where mated and non-mated searches are equally likely.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        validate_by_name=True,
        serialize_by_alias=True,
    )

    threshold: float | None = Field(
        description="score from which on the first candidate is named; null: not calibrated"
    )
    fpir: float | None = Field(
        None, description="share of non-mated searches that name somebody, at most, in expectation"
    )
    slope: float | None = Field(None, description="of the log odds by score")
    intercept: float | None = Field(None, description="of the log odds by score")
    non_mated: int = Field(
        0, alias="strangers", description="non-mated trials used: of people who are not enrolled"
    )
    mated: int = Field(0, alias="mates", description="mated trials used: of enrolled persons")
    templates: int = Field(0, description="templates stored at that time")
    made: datetime | None = Field(None, description="when; null: nobody has chosen a threshold yet")

    def probabilities(self, scores: np.ndarray) -> np.ndarray | None:
        """Give the probability of each candidate of a search.

        Parameters
        ----------
        scores : array (K,)
            Of all candidates.

        Returns
        -------
        array (K,), or None where there was nothing to fit a slope to

        Examples
        --------
        >>> Calibration(threshold=0.6, slope=20, intercept=-12).probabilities(
        ...     np.array([0.8, 0.5])
        ... ).round(2).tolist()
        [0.98, 0.0]
        """
        if self.slope is None or self.intercept is None:
            return None
        logits = self.slope * np.asarray(scores, float) + self.intercept
        top = max(0.0, float(logits.max(initial=0)))
        weights = np.exp(logits - top)
        return weights / (weights.sum() + np.exp(-top))

    def __str__(self) -> str:
        """Say what the threshold is based on."""
        if self.threshold is None:
            return f"no threshold: {NOT_CALIBRATED}"
        if self.made is None:
            return f"threshold {self.threshold:.3f}: the encoder's; nobody has calibrated"
        day = f"{self.made:%Y-%m-%d}"
        if self.fpir is None:
            return f"threshold {self.threshold:.3f}: set by hand on {day}"
        return (
            f"threshold {self.threshold:.3f}: at most {self.fpir:.2%} of people who are not"
            f" enrolled are named, by {self.non_mated} non-mated trials of {day}"
        )

    def notes(self, templates: int) -> list[str]:
        """Say what limits the calibration, with so many templates stored now."""
        if self.threshold is None:
            return [f"{NOT_CALIBRATED}: calibrate ({COMMAND})"]
        if self.made is None:
            return [
                "the threshold is the encoder's, measured on pairs of clips; the more persons are"
                f" enrolled, the more people who are not reach it: calibrate ({COMMAND})"
            ]
        if self.fpir is None or templates <= 2 * self.templates:
            return []
        return [
            f"the threshold was chosen among {self.templates} templates and there are {templates}:"
            " more people who are not enrolled are named than was asked for; calibrate again"
        ]


def calibrate(
    scores: np.ndarray, truth: np.ndarray, non_mated: np.ndarray, *, fpir: float, templates: int
) -> Calibration:
    """Calibrate by trials: searches whose right answers are known.

    The threshold is the next number above the ⌈(1 - fpir)(n + 1)⌉-th smallest of the best scores of
    the n non-mated trials. Somebody else who is not enrolled, drawn like these, reaches it with a
    probability of at most `fpir`, whatever the distribution (split conformal prediction: Vovk et
    al. 2005, chapter 4). "Drawn like these" means: other people of the same population, and the
    same gallery.

    Slope and intercept maximise the likelihood of the truth, where mated and non-mated trials have
    the same total weight (multinomial logistic regression of two parameters, with Platt's targets).

    Parameters
    ----------
    scores : array (N, K)
        For each search the candidates' scores, best first; -inf where there were fewer than K.
    truth : array (N,) int
        Which candidate is right; -1: none of them.
    non_mated : array (N,) bool
        Which trials are of people who are not enrolled.
    fpir : float
        False-positive identification rate: the share of non-mated searches that may name somebody.
    templates : int
        Stored in the gallery.

    Raises
    ------
    MienError
        There are too few non-mated trials for such a rate, the rate is not between 0 and 1, or
        nobody is enrolled whom they could find.

    Examples
    --------
    >>> scores = np.array([[0.9], [0.8], [0.7], [0.2], [0.3], [0.1]])
    >>> truth, non_mated = np.array([0, 0, 0, -1, -1, -1]), np.arange(6) > 2
    >>> calibrate(scores, truth, non_mated, fpir=0.25, templates=3).threshold
    0.30000000000000004
    """
    if not 0 < fpir < 1:
        raise MienError(f"a rate of {fpir:g} is not possible: give one between 0 and 1")
    best = np.sort(scores[non_mated, 0])
    rank = ceil(round((1 - fpir) * (len(best) + 1), 9))  # 0.99 · 100 is a little more than 99
    if rank > len(best):
        needed = ceil(round(1 / fpir, 9)) - 1
        highest = 1 / (len(best) + 1)
        raise MienError(
            f"{len(best)} non-mated trials are too few for a rate of {fpir:g}: give {needed} clips"
            " of people who are not enrolled, or a rate of at least"
            f" {ceil(1000 * highest) / 1000:g}"
        )
    if not np.isfinite(best[rank - 1]):
        raise MienError(
            "the non-mated trials find nobody: enrol somebody first; without a list of trials, at"
            " least two persons"
        )
    mated = int((~non_mated).sum())
    slope, intercept = _fit(scores, truth, non_mated) if mated else (None, None)
    return Calibration(
        threshold=float(np.nextafter(best[rank - 1], np.inf)),
        fpir=fpir,
        slope=slope,
        intercept=intercept,
        non_mated=len(best),
        mated=mated,
        templates=templates,
        made=datetime.now(UTC),
    )


def _fit(scores: np.ndarray, truth: np.ndarray, non_mated: np.ndarray) -> tuple[float, float]:
    """Find slope and intercept by maximum likelihood.

    The truth is smoothed a little, and less the more trials there are, so that a few trials that
    all go well don't give certainty (Platt 1999, section 2.2).
    """
    finite, rows = np.isfinite(scores), np.arange(len(scores))
    counts = np.where(non_mated, non_mated.sum(), (~non_mated).sum())
    smoothing = np.where(finite[:, 0], 1 / (counts + 2), 0)
    target = np.zeros((len(scores), scores.shape[1] + 1))  # the last: not enrolled
    target[rows, truth] = 1 - smoothing
    target[rows, np.where(truth < 0, 0, -1)] += smoothing
    weight = 0.5 / counts

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        slope, intercept = parameters
        logits = np.where(finite, slope * np.where(finite, scores, 0) + intercept, -np.inf)
        logits = np.column_stack([logits, np.zeros(len(rows))])
        total = np.logaddexp.reduce(logits, axis=1)
        known = np.where(target > 0, logits, 0)
        error = (weight[:, None] * (np.exp(logits - total[:, None]) - target))[:, :-1]
        gradient = np.array([error[finite] @ scores[finite], error.sum()])
        return float(weight @ (total - (target * known).sum(axis=1))), gradient

    found = minimize(loss, np.array([10.0, -5.0]), jac=True, method="L-BFGS-B")
    return float(found.x[0]), float(found.x[1])
