"""Scores of trials: how similar enrolled speakers and probes are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

TOP = 200
"""How many of the most similar clips of the cohort normalise a score."""


@dataclass(frozen=True)
class Scores:
    """The similarity of each enrolled speaker and each probe.

    Parameters
    ----------
    values : array (M, P)
        A score for each enrolment and probe; higher is more similar.
    compared : array (M, P) bool
        Which pairs are trials.
    enrolled : array (M,) str
        The speaker of each enrolment, each once.
    probes : array (P,) str
        The speaker of each probe.
    """

    values: np.ndarray
    compared: np.ndarray
    enrolled: np.ndarray
    probes: np.ndarray

    def __post_init__(self) -> None:
        shape = (len(self.enrolled), len(self.probes))
        if self.values.shape != shape or self.compared.shape != shape:
            raise ValueError(f"{shape} enrolments and probes, but scores {self.values.shape}")
        if len(set(self.enrolled.tolist())) != len(self.enrolled):
            raise ValueError("a speaker is enrolled twice")

    @property
    def same(self) -> np.ndarray:
        """Which pairs are of one speaker, (M, P) bool."""
        return self.enrolled[:, None] == self.probes[None, :]

    @property
    def targets(self) -> np.ndarray:
        """The target trials, of one speaker, (M, P) bool."""
        return self.compared & self.same

    @property
    def nontargets(self) -> np.ndarray:
        """The non-target trials, of two speakers, (M, P) bool."""
        return self.compared & ~self.same

    def among(self, speakers: Collection[str]) -> "Scores":
        """Keep enrolments and probes of some speakers."""
        wanted = list(speakers)
        rows, columns = np.isin(self.enrolled, wanted), np.isin(self.probes, wanted)
        return Scores(
            self.values[np.ix_(rows, columns)],
            self.compared[np.ix_(rows, columns)],
            self.enrolled[rows],
            self.probes[columns],
        )

    def with_values(self, values: np.ndarray) -> "Scores":
        """Give the same trials other scores."""
        return replace(self, values=values)


def enrol(embeddings: np.ndarray, clips: Sequence[Sequence[int]]) -> np.ndarray:
    """Average the clips of each enrolment.

    Parameters
    ----------
    embeddings : array (N, E)
        Of unit length.
    clips : sequence of M sequences of int
        Rows of each enrolment, at least one.

    Returns
    -------
    array (M, E)
        Of unit length.

    Examples
    --------
    >>> enrol(np.eye(2), [[0], [0, 1]]).round(2).tolist()
    [[1.0, 0.0], [0.71, 0.71]]
    """
    means = np.stack([embeddings[list(rows)].mean(axis=0) for rows in clips])
    # opposite clips average to zero, which is similar to nobody
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    return np.divide(means, lengths, out=np.zeros_like(means), where=lengths > 0)


def adaptive_norm(
    values: np.ndarray,
    enrolled_cohort: np.ndarray,
    probe_cohort: np.ndarray,
    top: int = TOP,
) -> np.ndarray:
    """Normalise scores by those of the most similar clips of a cohort (AS-norm1).

    A voice that is like many voices scores high with everybody; what counts is how far above the
    scores of the most similar other voices a score lies. Matejka et al. (2017), "Analysis of score
    normalization in multilingual speaker recognition", Interspeech.

    Parameters
    ----------
    values : array (M, P)
        The scores of the trials.
    enrolled_cohort : array (M, K)
        The scores of each enrolment with K clips of speakers who are in no trial.
    probe_cohort : array (P, K)
        The scores of each probe with them.
    top : int
        How many of the most similar ones to take; all where K is less.

    Returns
    -------
    array (M, P)
        The mean of the two scores, in standard deviations above the mean of the cohort.

    Raises
    ------
    ValueError
        The cohort has fewer than two clips.

    Examples
    --------
    >>> cohort = np.array([[0.1, 0.3]])
    >>> adaptive_norm(np.array([[0.5]]), cohort, cohort).round(2).item()
    3.0
    """
    enrolled_mean, enrolled_spread = _most_similar(enrolled_cohort, top)
    probe_mean, probe_spread = _most_similar(probe_cohort, top)
    by_enrolment = (values - enrolled_mean[:, None]) / enrolled_spread[:, None]
    by_probe = (values - probe_mean[None, :]) / probe_spread[None, :]
    normalised: np.ndarray = (by_enrolment + by_probe) / 2
    return normalised


def _most_similar(cohort: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
    """Give mean and standard deviation of the highest scores of each row."""
    top = min(top, cohort.shape[1])
    if top < 2:
        raise ValueError("normalising needs a cohort of two clips at least")
    highest = np.partition(cohort, -top, axis=1)[:, -top:]
    spread = highest.std(axis=1)
    # copies of one clip differ by rounding alone
    return highest.mean(axis=1), np.where(spread > 1e-6, spread, 1.0)
