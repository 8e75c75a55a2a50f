"""What turns a clip into an embedding of the person in it, and which cosine means one person."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from mien.errors import MienError
from mien.files import fingerprint

Report = Callable[[str], object]
"""Takes what could not be used of a clip, or makes its embedding less certain, as a sentence."""

MEDIA = {"a": "audio", "v": "video"}
"""Modalities that a clip may lack though the model uses them; nobody gives words to compare."""


@dataclass(frozen=True)
class Threshold:
    """A cosine from which on two clips count as one person's, measured for one encoder.

    Parameters
    ----------
    value : float
        A cosine equal to it is accepted.
    seconds : float
        Of speech in each clip; with less it errs much more often.
    origin : str
        What it was measured on.
    """

    value: float
    seconds: float
    origin: str


SHIPPED = {
    "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e": Threshold(
        0.74, 3.0, "the equal error rate of the neutral clips of 24 RAVDESS actors"
    ),
}
"""Thresholds by the fingerprint of the encoder that each belongs to.

The one of the weights of resemblyzer 0.1.4 is set, and tested on other speakers, by
`benchmarks/voice_threshold.py`."""


NOT_CALIBRATED = "no threshold was measured for this encoder, so a cosine alone does not tell"
"""What is said in place of a verdict."""


def shipped_threshold(encoder: str) -> Threshold | None:
    """Give the threshold that was measured for an encoder, by its fingerprint; None: there is none.

    What a cosine means differs by encoder, so that no constant could serve those not measured.

    >>> shipped_threshold("a run of mine") is None
    True
    """
    return SHIPPED.get(encoder)


class Encoder(Protocol):
    """Anything that describes persons by vectors."""

    fingerprint: str
    """Differs where the same clip may give another embedding; such embeddings can't be compared."""

    def embed(self, clip: str | Path, report: Report = warnings.warn) -> np.ndarray:
        """Describe the person in a clip by a vector (E,); its direction tells persons apart.

        It raises `MienError` where the clip shows nobody, and reports what it left out.
        """


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
        from mien.inference.recognizer import Recognizer

        self.recognizer = Recognizer.load(run, device)
        self.modalities: str = self.recognizer.model.config.letters
        self.fingerprint = fingerprint(Path(run) / "model.safetensors")

    def embed(self, clip: str | Path, report: Report = warnings.warn) -> np.ndarray:
        """Describe the person in a clip by a vector (E,).

        Parameters
        ----------
        clip : path
            A video or sound file.
        report : callable
            Gets a note for whatever of the clip is left out.

        Raises
        ------
        MienError
            The clip can't be read, or has nothing that the model uses: no sound but silence and no
            face, for instance.
        """
        prediction = self.recognizer(clip)
        used = set(prediction.modalities)
        notes = list(prediction.warnings)
        if "v" in used and not prediction.faces_found:  # the run takes the middle of the picture
            if used == {"v"}:
                raise MienError(
                    f"{clip}: no face was found in any of its {prediction.faces} pictures, so"
                    " nobody is seen: choose another clip"
                )
            notes.append("no face was found: the middle of the picture stands in")
        missing = [name for m, name in MEDIA.items() if m in set(self.modalities) - used]
        if missing:
            notes.append(f"described without {' and '.join(missing)}, which the model uses")
        for note in notes:
            report(note)
        return np.array(prediction.embedding, np.float32)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Compare two embeddings (E,), from -1 to 1.

    Raises
    ------
    MienError
        One is zero or has a number that is not finite.

    Examples
    --------
    >>> cosine(np.array([1.0, 0.0]), np.array([3.0, 4.0]))
    0.6
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    if not np.isfinite(lengths) or lengths == 0:
        raise MienError("an embedding is zero or has a number that is not finite")
    # what depends on the order of adding up is taken off, or equal scores would differ
    return float(np.clip(np.round(a @ b / lengths, 9), -1, 1))
