"""Resemblyzer's pretrained speaker encoder: who speaks, by the voice alone."""

import warnings
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from mien.devices import choose_device
from mien.errors import MienError
from mien.files import fingerprint
from mien.identity.copies import copies_of
from mien.identity.embedder import Threshold, Warn, shipped_threshold
from mien.media.decode import read_audio
from mien.media.notes import Note
from mien.models.pretrained.voice import load_packaged
from mien.models.speaker_mel import speaker_windows
from mien.models.voice_encoder import DIM, VoiceEncoder
from mien.silence import (
    FRAME_LENGTH,
    MARGIN_FRAMES,
    is_audible,
    is_silence,
    is_steady,
    loudness,
)
from mien.utterance import MIN_SAMPLES, SAMPLE_RATE, Sample

LEAST_SPEECH = 0.5
"""Seconds of speech below which a clip is refused.

Of pairs of clips so short, of two speakers, 5 to 15 % reach the threshold, and half of them at
0.2 s (benchmarks/voice_threshold.md)."""


class TooShort(MienError):
    """Audio too short to recognise a voice."""


class Voiceprint:
    """A pretrained speaker encoder: audio to an embedding that tells voices apart.

    It is also a `mien.identity.embedder.Encoder`, so that a gallery can be made with it.

    The weights are those of resemblyzer 0.1.4, by its author's word trained on VoxCeleb 1 and 2 and
    on LibriSpeech. They come with ``pip install --no-deps resemblyzer==0.1.4``.

    Parameters
    ----------
    device : str or torch.device, optional
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
    """Size of an embedding."""

    modalities = "a"

    def __init__(self, device: str | torch.device | None = None) -> None:
        self.device = choose_device(device)
        self.encoder = VoiceEncoder()
        path = load_packaged(self.encoder)
        self.encoder.to(self.device).eval()
        self.fingerprint = fingerprint(path)

    @property
    def threshold(self) -> Threshold | None:
        """The cosine from which on two clips are one speaker's; None: other weights than known."""
        return shipped_threshold(self.fingerprint)

    def embed(self, clip: str | Path, warn: Warn = warnings.warn) -> np.ndarray:
        """Embed the voice in an audio or video file as a vector (256,), as a call does.

        Parameters
        ----------
        clip : path
            The file.
        warn : callable
            Takes a warning where the audio is damaged, too steady for a voice, or short for a
            verdict.

        Raises
        ------
        MienError
            The file can't be read, is silent, or has less than `LEAST_SPEECH` of speech.
        """
        path = Path(clip)
        damages: list[Note] = []
        waveform = read_audio(path, report=damages.append)
        if len(waveform) < MIN_SAMPLES:
            raise TooShort(f"{path}: {_too_few(len(waveform))}")
        if not is_audible(waveform):
            level = f"its level stays at {loudness(waveform):.0f} dB of full scale or less"
            raise MienError(f"{path}: is silent ({level}), so there is no voice: take another clip")
        speech = waveform[~is_silence(waveform)]
        # where pauses are left out, margins around the speech stay, which are no speech
        kept = 2 * MARGIN_FRAMES * FRAME_LENGTH if len(speech) < len(waveform) else 0
        seconds = (len(speech) - kept) / SAMPLE_RATE
        if seconds < LEAST_SPEECH:
            raise TooShort(
                f"{path}: {seconds:.2f} s of speech are too little to recognise a voice: take a"
                f" clip with {LEAST_SPEECH:g} s or more"
            )
        notes = [str(damage).removeprefix(f"{path}: ") for damage in damages]
        for note in [*notes, *self._warnings(speech)]:
            warn(note)
        return self(waveform)

    def embed_sample(self, sample: Sample) -> np.ndarray | None:
        """Embed the waveform of a sample of prepared data as a vector (256,); None: it has none."""
        return None if sample.waveform is None else self(sample.waveform)

    def embed_copies(self, clip: str | Path, count: int) -> np.ndarray:
        """Embed augmented copies of a clip as `CopyEncoder.embed_copies` says."""
        waveform = read_audio(Path(clip), report=lambda _: None)
        return np.stack([self(copy) for copy in copies_of(waveform, count)])

    def _warnings(self, speech: np.ndarray) -> list[str]:
        """Say what makes an embedding less certain."""
        found, seconds = [], len(speech) / SAMPLE_RATE
        if is_steady(speech):
            found.append("the level never changes, as in noise or a hum: there may be no voice")
        if self.threshold is not None and seconds < self.threshold.seconds:
            found.append(
                f"{seconds:.1f} s of speech are few: with less than {self.threshold.seconds:g} s"
                " the threshold makes more errors"
            )
        return found

    @torch.inference_mode()
    def __call__(self, waveform: np.ndarray) -> np.ndarray:
        """Embed a voice; pauses are left out, since only the room is heard in them.

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
            The audio is shorter than 25 ms.
        """
        if len(waveform) < MIN_SAMPLES:
            raise TooShort(_too_few(len(waveform)))
        waveform = waveform[~is_silence(waveform)]
        scale = 32768 if np.issubdtype(waveform.dtype, np.integer) else 1
        windows = speaker_windows(torch.from_numpy(waveform.astype(np.float32) / scale))
        mean = self.encoder(windows.to(self.device)).mean(dim=0)
        return F.normalize(mean, dim=0).cpu().numpy()


def _too_few(samples: int) -> str:
    return f"{samples} samples are too few to recognise a voice: give at least {MIN_SAMPLES}"
