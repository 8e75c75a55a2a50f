"""Log likelihood ratios: how much likelier a score is for one speaker than for two."""

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression


class LlrCalibration:
    """A straight line from scores to natural log likelihood ratios.

    It falls where target trials of development score lower than non-target trials.

    Logistic regression in which target and non-target trials weigh the same (Brümmer and du Preez
    2006, "Application-independent evaluation of speaker detection"). Its usual weak penalty keeps
    the slope finite where the scores separate them perfectly.

    Parameters
    ----------
    scores : array (T,)
        Of development trials, which are not those to be evaluated.
    target : array (T,) bool
        True for target trials; both kinds must occur.
    """

    def __init__(self, scores: np.ndarray, target: np.ndarray) -> None:
        self.mean, self.spread = float(scores.mean()), float(scores.std()) or 1.0
        self._line = LogisticRegression(class_weight="balanced")
        self._line.fit(self._standard(scores), target)

    def _standard(self, scores: np.ndarray) -> np.ndarray:
        return ((scores - self.mean) / self.spread).reshape(-1, 1)

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Turn scores (any shape) into log likelihood ratios."""
        found: np.ndarray = self._line.decision_function(self._standard(scores))
        return found.reshape(scores.shape)


def cllr(ratios: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Compute the cost of log likelihood ratios (Brümmer and du Preez 2006).

    Parameters
    ----------
    ratios : array (T,)
        Natural log likelihood ratios; infinite ones are allowed.
    target : array (T,) bool
        True for target trials.
    weights : array (T,) or None
        How often each trial counts.

    Returns
    -------
    float
        In bits: 0 is perfect, 1 is as good as saying nothing, above 1 misleads. NaN where a kind of
        trial is missing.

    Examples
    --------
    >>> cllr(np.zeros(2), np.array([True, False]))
    1.0
    """
    counts = np.ones(len(ratios)) if weights is None else weights
    bits = np.logaddexp(0, np.where(target, -ratios, ratios)) / np.log(2)
    kinds = [counts * target, counts * ~target]
    if not all(kind.any() for kind in kinds):
        return float("nan")
    return float(np.mean([np.average(bits[k > 0], weights=k[k > 0]) for k in kinds]))


def minimum_cllr(scores: np.ndarray, target: np.ndarray) -> float:
    """Compute what `cllr` would be with the best non-decreasing calibration of these very trials.

    The best one is found by pooling adjacent violators. What `cllr` is above it is the fault of the
    calibration; the minimum itself is that of the scores.

    Parameters
    ----------
    scores : array (T,)
        Of any scale.
    target : array (T,) bool
        True for target trials; both kinds must occur.

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> minimum_cllr(np.array([0.1, 0.2, 0.9]), np.array([False, False, True]))
    0.0
    """
    counts = np.where(target, 1 / target.sum(), 1 / (~target).sum())
    pooled = IsotonicRegression(y_min=0, y_max=1)
    share = pooled.fit_transform(scores, target.astype(float), sample_weight=counts)
    with np.errstate(divide="ignore"):
        ratios = np.log(share) - np.log1p(-share)
    return cllr(ratios, target)
