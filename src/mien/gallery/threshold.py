"""From a cosine to a probability, and to a threshold that few strangers pass."""

from datetime import UTC, datetime
from math import ceil

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.optimize import minimize

from mien.errors import MienError
from mien.identity.embedder import NOT_CALIBRATED

HOW = "mien gallery GALLERY threshold"


class Calibration(BaseModel):
    """What a cosine says in one gallery.

    The probability of candidate i with score s_i is exp z_i / (1 + Σ_j exp z_j) where z = slope · s
    + intercept, the sum over all candidates; what remains to 1 is the probability of a stranger. It
    holds where a stranger is as likely as an enrolled person.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    threshold: float | None = Field(
        description="score from which on the first candidate is named; null: not calibrated"
    )
    fpir: float | None = Field(None, description="share of strangers named at most, in expectation")
    slope: float | None = Field(None, description="of the log odds by score")
    intercept: float | None = Field(None, description="of the log odds by score")
    strangers: int = Field(0, description="strangers' trials that this rests on")
    mates: int = Field(0, description="enrolled persons' trials that this rests on")
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
        """Say what the threshold rests on."""
        if self.threshold is None:
            return f"no threshold: {NOT_CALIBRATED}"
        if self.made is None:
            return f"threshold {self.threshold:.3f}: the encoder's; nobody has calibrated"
        day = f"{self.made:%Y-%m-%d}"
        if self.fpir is None:
            return f"threshold {self.threshold:.3f}: set by hand on {day}"
        return (
            f"threshold {self.threshold:.3f}: at most {self.fpir:.2%} of strangers are named, by"
            f" {self.strangers} strangers' trials of {day}"
        )

    def notes(self, templates: int) -> list[str]:
        """Say what is amiss where so many templates are stored now."""
        if self.threshold is None:
            return [f"{NOT_CALIBRATED}: calibrate ({HOW})"]
        if self.made is None:
            return [
                "the threshold is the encoder's, measured for two clips; the more persons are"
                f" enrolled, the more strangers pass it: calibrate ({HOW})"
            ]
        if self.fpir is None or templates <= 2 * self.templates:
            return []
        return [
            f"the threshold was chosen among {self.templates} templates and there are {templates}:"
            " more strangers are named than was asked for; calibrate again"
        ]


def calibrate(
    scores: np.ndarray, truth: np.ndarray, stranger: np.ndarray, *, fpir: float, templates: int
) -> Calibration:
    """Calibrate by searches whose answers are known.

    The threshold is the next number above the ⌈(1 - fpir)(n + 1)⌉-th smallest of the n strangers'
    best scores. A further stranger, drawn like these, reaches it with a probability of at most
    `fpir`, whatever the distribution (split conformal prediction: Vovk et al. 2005, chapter 4).
    "Drawn like these" means: other persons from the same population, and the same gallery.

    Slope and intercept maximise the likelihood of the truth, strangers' and mates' trials weighing
    the same in total (multinomial logistic regression of two parameters, with Platt's targets).

    Parameters
    ----------
    scores : array (N, K)
        For each search the candidates' scores, best first; -inf where there were fewer than K.
    truth : array (N,) int
        Which candidate is right; -1: none of them.
    stranger : array (N,) bool
        Whether the person searched for is not enrolled. Those who are count as mates.
    fpir : float
        False positive identification rate: the share of strangers who may be named.
    templates : int
        Stored in the gallery.

    Raises
    ------
    MienError
        There are too few strangers for such a rate, the rate is not between 0 and 1, or there is
        nobody whom a stranger could be taken for.

    Examples
    --------
    >>> scores = np.array([[0.9], [0.8], [0.7], [0.2], [0.3], [0.1]])
    >>> truth, stranger = np.array([0, 0, 0, -1, -1, -1]), np.arange(6) > 2
    >>> calibrate(scores, truth, stranger, fpir=0.25, templates=3).threshold
    0.30000000000000004
    """
    if not 0 < fpir < 1:
        raise MienError(f"a rate of {fpir:g} is not possible: give one between 0 and 1")
    best = np.sort(scores[stranger, 0])
    rank = ceil(round((1 - fpir) * (len(best) + 1), 9))  # 0.99 · 100 is a little more than 99
    if rank > len(best):
        needed = ceil(round(1 / fpir, 9)) - 1
        highest = 1 / (len(best) + 1)
        raise MienError(
            f"{len(best)} strangers' trials are too few for a rate of {fpir:g}: give {needed}, or a"
            f" rate of at least {ceil(1000 * highest) / 1000:g}"
        )
    if not np.isfinite(best[rank - 1]):
        raise MienError(
            "the strangers find nobody whom they could be taken for: enrol somebody first; without"
            " trials it takes two persons"
        )
    mates = int((~stranger).sum())
    slope, intercept = _fit(scores, truth, stranger) if mates else (None, None)
    return Calibration(
        threshold=float(np.nextafter(best[rank - 1], np.inf)),
        fpir=fpir,
        slope=slope,
        intercept=intercept,
        strangers=len(best),
        mates=mates,
        templates=templates,
        made=datetime.now(UTC),
    )


def _fit(scores: np.ndarray, truth: np.ndarray, stranger: np.ndarray) -> tuple[float, float]:
    """Find slope and intercept by maximum likelihood.

    The truth counts as a little uncertain, the less the more trials there are, so that few ones
    that all go well don't make for certainty (Platt 1999, section 2.2).
    """
    finite, rows = np.isfinite(scores), np.arange(len(scores))
    counts = np.where(stranger, stranger.sum(), (~stranger).sum())
    doubt = np.where(finite[:, 0], 1 / (counts + 2), 0)
    target = np.zeros((len(scores), scores.shape[1] + 1))  # the last: a stranger
    target[rows, truth] = 1 - doubt
    target[rows, np.where(truth < 0, 0, -1)] += doubt
    weight = 0.5 / counts

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        slope, intercept = parameters
        logits = np.where(finite, slope * np.where(finite, scores, 0) + intercept, -np.inf)
        logits = np.column_stack([logits, np.zeros(len(rows))])
        total = np.logaddexp.reduce(logits, axis=1)
        told = np.where(target > 0, logits, 0)
        error = (weight[:, None] * (np.exp(logits - total[:, None]) - target))[:, :-1]
        gradient = np.array([error[finite] @ scores[finite], error.sum()])
        return float(weight @ (total - (target * told).sum(axis=1))), gradient

    found = minimize(loss, np.array([10.0, -5.0]), jac=True, method="L-BFGS-B")
    return float(found.x[0]), float(found.x[1])
