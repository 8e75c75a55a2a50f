"""Who speaks, by the voice alone: a pretrained speaker encoder."""

import pickle
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mien.errors import MienError
from mien.files import fingerprint
from mien.media.decode import read_audio
from mien.media.silence import is_silence
from mien.media.voice import voice_windows
from mien.models.voice_encoder import DIM, VoiceEncoder
from mien.utterance import SHORTEST

PACKAGE = "resemblyzer"
"""Its wheel holds the weights (Apache 2.0). It is not imported: what it imports is not needed."""


FAINTEST = 10 ** (-70 / 20)
"""Root mean square below which a recording is silence, 70 dB below full scale.

The faintest speech of RAVDESS has some 25 dB more."""


class TooShort(MienError):
    """Sound too short to tell a voice by."""


class Voiceprint:
    """A pretrained speaker encoder: sound to a vector that tells voices apart.

    It is also a `mien.encoder.Encoder`, so that a gallery can be made with it.

    The weights are those of resemblyzer 0.1.4, by its author's word trained on VoxCeleb 1 and 2 and
    on LibriSpeech. They come with ``pip install --no-deps resemblyzer==0.1.4``.

    Parameters
    ----------
    device : str, optional
        Where to compute (default: a GPU if there is one).

    Raises
    ------
    MienError
        The package is not installed, or its weights can't be read.

    Examples
    --------
    >>> voiceprint = Voiceprint()                                  # doctest: +SKIP
    >>> float(voiceprint(anna_on_monday) @ voiceprint(anna_today)) # doctest: +SKIP
    0.87
    """

    dim = DIM
    """Numbers of an embedding."""

    def __init__(self, device: str | None = None) -> None:
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.encoder = VoiceEncoder()
        path = _find()
        try:
            self.encoder.load_published(_read(path))
        except (RuntimeError, OSError, KeyError, pickle.UnpicklingError) as error:
            raise MienError(f"{path} can't be read ({error}): install {PACKAGE} again") from error
        self.encoder.to(self.device).eval()
        self.fingerprint = fingerprint(path)

    def embed(self, clip: str | Path) -> np.ndarray:
        """Describe the voice in a sound or video file by a vector (256,), as a call does.

        Raises
        ------
        MienError
            The file can't be read, has too little sound, or is silent.
        """
        path = Path(clip)
        waveform = read_audio(path)
        if len(waveform) and np.std(waveform / 32768) < FAINTEST:
            raise MienError(f"{path}: is silent, so there is no voice: choose another clip")
        try:
            return self(waveform)
        except TooShort as error:
            raise MienError(f"{path}: {error}") from error

    @torch.inference_mode()
    def __call__(self, waveform: np.ndarray) -> np.ndarray:
        """Describe a voice; pauses are left out, since the room speaks in them.

        Parameters
        ----------
        waveform : array (S,) int16, or floating point in [-1, 1]
            Mono at 16 kHz.

        Returns
        -------
        array (256,) float32
            Of unit length. The scalar product of two is their similarity, from 0 to 1.

        Raises
        ------
        TooShort
            The sound is shorter than 25 ms.
        """
        if len(waveform) < SHORTEST:
            raise TooShort(f"{len(waveform)} samples are too few to tell a voice: give {SHORTEST}")
        waveform = waveform[~is_silence(waveform)]
        scale = 32768 if np.issubdtype(waveform.dtype, np.integer) else 1
        windows = voice_windows(torch.from_numpy(waveform.astype(np.float32) / scale))
        mean = self.encoder(windows.to(self.device)).mean(dim=0)
        return F.normalize(mean, dim=0).cpu().numpy()


def _find() -> Path:
    spec = find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise MienError(
            f"the voice encoder's weights are in the package {PACKAGE}, which is not installed:"
            f" pip install --no-deps {PACKAGE}==0.1.4"
        )
    return Path(folders[0]) / "pretrained.pt"


def _read(path: Path) -> dict[str, Tensor]:
    # with weights_only a pickle can name tensors and plain values, and run nothing
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)[
        "model_state"
    ]
    return weights
