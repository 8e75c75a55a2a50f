"""Encoders: what turns a clip into an embedding of the person in it, and their thresholds."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from mien.errors import MienError
from mien.files import fingerprint
from mien.inference import BATCH_SIZE
from mien.modality import Modality
from mien.utterance import Sample

Warn = Callable[[str], object]
"""Takes a warning about a clip: what could not be used, or makes its embedding less certain."""

MEDIA = (Modality.AUDIO, Modality.VIDEO)
"""Modalities whose absence is worth a warning. Clips to be compared come without text."""


@dataclass(frozen=True)
class Threshold:
    """A cosine from which on two clips count as one person's, measured for one encoder.

    Parameters
    ----------
    value : float
        A cosine equal to it is accepted.
    seconds : float
        Of speech in each clip; with less there are many more errors. 0: speech does not matter.
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
    "b9436388955a2e4837497a21ae0b73a6302e33415654d69893413e85c731e400": Threshold(
        0.916, 0.0, "dlib's distance of 0.6, which its author chose, as a cosine"
    ),
    "55f3095e2dd4311e9bb5bc2b6ad6685fdcb9511e738630891217e8e27779f64c": Threshold(
        0.891, 3.0, "those of voice and face, weighted as the cosines are"
    ),
}
"""Thresholds by the fingerprint of the encoder that each belongs to.

That of the weights of resemblyzer 0.1.4 is chosen, and tested on other speakers, by
`benchmarks/voice_threshold.py`; those of dlib's face descriptor, and of both together, by
`benchmarks/face_identity.py`."""


NOT_CALIBRATED = "no threshold was measured for this encoder, so a cosine alone does not tell"
"""The message in place of a verdict."""


def shipped_threshold(encoder: str) -> Threshold | None:
    """Give the threshold that was measured for an encoder, by its fingerprint; None: there is none.

    The same cosine means different things for different encoders, so there is no default.

    >>> shipped_threshold("a run of mine") is None
    True
    """
    return SHIPPED.get(encoder)


class Encoder(Protocol):
    """Anything that turns a clip into an embedding of the person in it."""

    fingerprint: str
    """Identifies the encoder: embeddings of two fingerprints can't be compared."""

    def embed(self, clip: str | Path, warn: Warn = warnings.warn) -> np.ndarray:
        """Embed the person in a clip as a vector (E,), whose direction tells people apart.

        It raises `MienError` where the clip shows nobody, and warns of what it left out.
        """


class SampleEncoder(Encoder, Protocol):
    """An encoder that embeds decoded samples, too."""

    def embed_sample(self, sample: Sample) -> np.ndarray | None:
        """Embed the person in a sample as a vector (E,); None: it lacks what the encoder takes."""


@runtime_checkable
class CopyEncoder(Encoder, Protocol):
    """An encoder of audio, which embeds augmented copies of a clip, too."""

    def embed_copies(self, clip: str | Path, count: int) -> np.ndarray:
        """Embed augmented copies (`mien.identity.copies`) of a clip as vectors (count, E).

        It raises `MienError` as `embed` does, and where the clip has no audio that counts.
        """


class RunEncoder:
    """The model of a run folder, as an encoder.

    Parameters
    ----------
    run : str or path
        The run folder, or its name on the hub.
    device : str, optional
        Where to compute (default: a GPU if there is one).
    batch_size : int
        Segments of a clip that are computed together.

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

    def __init__(
        self, run: str | Path, device: str | None = None, *, batch_size: int = BATCH_SIZE
    ) -> None:
        from mien.inference.recognizer import Recognizer

        self.recognizer = Recognizer.from_pretrained(run, device=device, abstention=False)
        self.modalities: str = self.recognizer.model.config.letters
        self.batch_size = batch_size
        self.fingerprint = fingerprint(self.recognizer.run.folder / "model.safetensors")

    def embed(self, clip: str | Path, warn: Warn = warnings.warn) -> np.ndarray:
        """Embed the person in a clip as a vector (E,).

        Parameters
        ----------
        clip : path
            A video or audio file.
        warn : callable
            Takes a warning for whatever of the clip is left out.

        Raises
        ------
        MienError
            The clip can't be read, or has nothing that the model uses: only silence and no face,
            for instance.
        """
        prediction = self.recognizer(clip, batch_size=self.batch_size)
        used = set(prediction.modalities)
        notes = list(prediction.warnings)
        # without a face the run takes the middle of the frame
        if Modality.VIDEO in used and not prediction.faces_found:
            if used == {Modality.VIDEO}:
                raise MienError(
                    f"{clip}: no face was found in any of its {prediction.faces} frames, so"
                    " nobody is seen: choose another clip"
                )
            notes.append("no face was found: the middle of the frame is used instead")
        missing = [m for m in MEDIA if m in set(self.recognizer.reader.modalities) - used]
        if missing:
            notes.append(f"embedded without {' and '.join(missing)}, which the model uses")
        for note in notes:
            warn(note)
        return np.array(prediction.embedding, np.float32)

    def embed_sample(self, sample: Sample) -> np.ndarray | None:
        """Embed a sample as a vector (E,); None: it has nothing that the model uses."""
        if not self.recognizer.reader.used([sample]):
            return None
        return np.array(self.recognizer(sample, batch_size=self.batch_size).embedding, np.float32)

    def embed_copies(self, clip: str | Path, count: int) -> np.ndarray:
        """Embed augmented copies of a clip as `CopyEncoder.embed_copies` says."""
        from mien.identity.copies import copies_of

        sample = self.recognizer.read(clip).sample
        if Modality.AUDIO not in self.recognizer.reader.modalities or sample.waveform is None:
            raise MienError(
                f"{clip}: augmented copies need audio that the model uses", parameter="copies"
            )
        copies = [replace(sample, waveform=copy) for copy in copies_of(sample.waveform, count)]
        found = [self.recognizer(copy, batch_size=self.batch_size) for copy in copies]
        return np.array([prediction.embedding for prediction in found], np.float32)


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
    # rounded, since the order of summation would make equal scores differ
    return float(np.clip(np.round(a @ b / lengths, 9), -1, 1))
