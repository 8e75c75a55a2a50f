"""Within-class covariance normalisation: what changes within speakers counts for less."""

from collections.abc import Iterator, Sequence

import numpy as np

from mien.errors import MienError


class WithinClassNorm:
    """Whitening by the covariance of embeddings within speakers (WCCN).

    Directions in which the clips of one speaker differ, by mood, text or channel, say little of who
    speaks. Embeddings are centred on the mean speaker, multiplied by W, where W W' is the inverse
    of the within-class covariance, and set to unit length. Hatch, Kajarekar and Stolcke (2006),
    "Within-class covariance normalization for SVM-based speaker recognition", Interspeech.

    The covariance is shrunk towards a multiple of the identity, by the share that Ledoit and Wolf
    (2004), "A well-conditioned estimator for large-dimensional covariance matrices", derive. The
    independent draws of their formula are the covariances of each speaker here, not the clips:
    those of one speaker resemble one another, and counted as draws they shrink too little.

    Parameters
    ----------
    embeddings : array (N, E)
        Of clips of two speakers or more, of unit length or near it.
    speakers : sequence of N str
        The speaker of each clip. Speakers with one clip count for the mean alone.

    Attributes
    ----------
    mean : array (E,)
        The mean of the speakers' means.
    shrinkage : float
        From 0, the covariance as it is, to 1, the identity: only the mean is taken off.
    whitening : array (E, E)
        W.

    Raises
    ------
    MienError
        Fewer than two speakers have several clips, or their clips do not differ; the message is a
        reason.

    Examples
    --------
    >>> clips = np.array([[1.0, 2], [1, -2], [-1, 2], [-1, -2]])
    >>> norm = WithinClassNorm(clips, ["a", "a", "b", "b"])
    >>> np.round(norm(clips) @ norm(clips).T, 2)[0].tolist()
    [1.0, 1.0, -1.0, -1.0]
    """

    def __init__(self, embeddings: np.ndarray, speakers: Sequence[str] | np.ndarray) -> None:
        names = np.asarray(speakers)
        clips = [embeddings[names == name].astype(float) for name in np.unique(names)]
        self.mean: np.ndarray = np.mean([rows.mean(axis=0) for rows in clips], axis=0)
        several = [rows for rows in clips if len(rows) > 1]
        if len(several) < 2:
            raise MienError("fewer than two speakers have several clips to learn from")
        covariance, self.shrinkage = _shrunk(several)
        variances, axes = np.linalg.eigh(covariance)
        if variances[-1] <= np.finfo(np.float32).eps ** 2:
            raise MienError("the clips of each speaker to learn from are alike")
        # without shrinkage a direction in which no clip differs would be divided by zero
        self.whitening: np.ndarray = axes / np.sqrt(np.maximum(variances, 1e-9 * variances[-1]))

    def __call__(self, embeddings: np.ndarray) -> np.ndarray:
        """Normalise embeddings (N, E); one that is the mean itself becomes zero, like nobody."""
        whitened = (embeddings - self.mean) @ self.whitening
        lengths = np.linalg.norm(whitened, axis=1, keepdims=True)
        return np.divide(whitened, lengths, out=np.zeros_like(whitened), where=lengths > 0)


def _shrunk(clips: Sequence[np.ndarray]) -> tuple[np.ndarray, float]:
    """Pool the covariances of speakers (n, E) and shrink them; also the share of the identity."""
    freedom = np.array([len(rows) - 1 for rows in clips])
    weights, size = freedom / freedom.sum(), clips[0].shape[1]
    pooled = np.zeros((size, size))
    for weight, covariance in zip(weights, _covariances(clips), strict=True):
        pooled += weight * covariance
    identity = np.trace(pooled) / size * np.eye(size)
    squares = [((covariance - pooled) ** 2).sum() for covariance in _covariances(clips)]
    # the variance of a weighted mean, from how far its terms lie from it
    error = (weights**2 @ squares) / (1 - (weights**2).sum())
    distance = ((pooled - identity) ** 2).sum()
    share = float(min(error / distance, 1)) if distance > 0 else 1.0
    return (1 - share) * pooled + share * identity, share


def _covariances(clips: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    for rows in clips:
        centred = rows - rows.mean(axis=0)
        yield centred.T @ centred / (len(rows) - 1)
