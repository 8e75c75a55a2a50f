"""What turns a clip into an embedding of the person in it."""

from pathlib import Path
from typing import Protocol

import numpy as np

from mien.files import fingerprint

SAME_PERSON = 0.9
"""Cosine of two embeddings above which they count as the same person's, until data say better.

Strict on purpose: what a cosine means differs by encoder, and to miss somebody does less harm than
to take one person for another."""


class Encoder(Protocol):
    """Anything that describes persons by vectors."""

    fingerprint: str
    """Differs where the same clip may give another embedding; such embeddings can't be compared."""

    def embed(self, clip: str | Path) -> np.ndarray:
        """Describe the person in a clip by a vector (E,); its direction tells persons apart."""


class RunEncoder:
    """The model of a run folder, as an encoder.

    Parameters
    ----------
    run : path
        The run folder.
    device : str, optional
        Where to compute (default: a GPU if there is one).

    Raises
    ------
    MienError
        The run folder is not whole.

    Examples
    --------
    >>> encoder = RunEncoder("runs/person")    # doctest: +SKIP
    >>> encoder.embed("clip.mp4").shape        # doctest: +SKIP
    (192,)
    """

    def __init__(self, run: str | Path, device: str | None = None) -> None:
        from mien.recognizer import Recognizer

        self.recognizer = Recognizer.load(run, device)
        self.fingerprint = fingerprint(Path(run) / "model.safetensors")

    def embed(self, clip: str | Path) -> np.ndarray:
        """Describe the person in a clip by a vector (E,).

        Raises
        ------
        MienError
            The clip can't be read, or has nothing that the model goes by.
        """
        return np.array(self.recognizer(clip).embedding, np.float32)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Compare two embeddings (E,), from -1 to 1.

    >>> cosine(np.array([1.0, 0.0]), np.array([3.0, 4.0]))
    0.6
    """
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
