"""Voice and face together: one embedding whose cosine is the weighted mean of both cosines."""

import hashlib
import warnings
from pathlib import Path

import numpy as np
import torch

from mien.errors import MienError
from mien.identity.embedder import Encoder, Threshold, Warn, shipped_threshold
from mien.identity.face import Faceprint
from mien.identity.resemblyzer import Voiceprint
from mien.utterance import Sample

VOICE_WEIGHT = 0.14
"""Weight of the voice's cosine; the face's has the rest.

Each cosine counts by the log odds that a step of it is worth: cosines of faces lie closer together.
`benchmarks/face_identity.py` computes the weight from the error rates of the two encoders on other
recordings than those it tests on."""


class VoiceAndFace:
    """The pretrained encoders of voice and face as one `mien.identity.embedder.Encoder`.

    Both are needed of each clip: with one alone the cosines would mean something else.

    Parameters
    ----------
    device : str or torch.device, optional
        Where the voice is computed (default: a GPU if there is one).

    Raises
    ------
    MienError
        One of the two is not installed.

    Examples
    --------
    >>> both = VoiceAndFace()                                    # doctest: +SKIP
    >>> float(both.embed("ada.mp4") @ both.embed("today.mp4"))   # doctest: +SKIP
    0.96
    """

    modalities = "av"

    dim = Voiceprint.dim + Faceprint.dim
    """Size of an embedding."""

    def __init__(self, device: str | torch.device | None = None) -> None:
        self.voice, self.face = Voiceprint(device), Faceprint()
        made_of = f"{self.voice.fingerprint} {self.face.fingerprint} {VOICE_WEIGHT}"
        self.fingerprint = hashlib.sha256(made_of.encode()).hexdigest()

    @property
    def threshold(self) -> Threshold | None:
        """The cosine from which on two clips are one person's; None: other weights than known."""
        return shipped_threshold(self.fingerprint)

    def embed(self, clip: str | Path, warn: Warn = warnings.warn) -> np.ndarray:
        """Embed the voice and the face in a video as a vector (384,) of unit length.

        Parameters
        ----------
        clip : path
            The file.
        warn : callable
            Takes the warnings of both encoders.

        Raises
        ------
        MienError
            The file can't be read, or has no voice or no face; the message names the encoder to
            which that does not matter.
        """
        voice, face = (_try(encoder, clip, warn) for encoder in (self.voice, self.face))
        if isinstance(voice, MienError) and isinstance(face, MienError):
            raise voice
        if isinstance(voice, MienError):
            raise _incomplete(voice, "face") from voice
        if isinstance(face, MienError):
            raise _incomplete(face, "voice") from face
        return fuse(voice, face)

    def embed_sample(self, sample: Sample) -> np.ndarray | None:
        """Embed a sample of prepared data as a vector (384,); None: it lacks a voice or a face."""
        voice, face = self.voice.embed_sample(sample), self.face.embed_sample(sample)
        return None if voice is None or face is None else fuse(voice, face)


def fuse(voice: np.ndarray, face: np.ndarray, weight: float = VOICE_WEIGHT) -> np.ndarray:
    """Join two embeddings of unit length so that cosines become weighted means of cosines.

    With (√w v, √(1 - w) f) the scalar product of two is w times that of the voices plus 1 - w times
    that of the faces, and each has unit length.

    Parameters
    ----------
    voice : array (V,)
    face : array (F,)
    weight : float
        Of the voice, from 0 to 1.

    Returns
    -------
    array (V + F,) float32

    Examples
    --------
    >>> east, north = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    >>> round(float(fuse(east, east, 0.25) @ fuse(north, east, 0.25)), 6)
    0.75
    """
    parts = [np.sqrt(weight) * voice, np.sqrt(1 - weight) * face]
    return np.concatenate(parts).astype(np.float32)


def _try(encoder: Encoder, clip: str | Path, warn: Warn) -> np.ndarray | MienError:
    try:
        return encoder.embed(clip, warn)
    except MienError as error:
        return error


def _incomplete(error: MienError, other: str) -> MienError:
    return MienError(
        f"{error}; the encoder both needs a voice and a face of each clip: compare this one by the"
        f" encoder {other}"
    )
