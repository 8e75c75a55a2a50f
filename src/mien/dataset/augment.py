"""Random changes of training samples that leave the person and the emotion as they are."""

from dataclasses import replace

import numpy as np
import soxr
from torch import Tensor

from mien.media.spectrogram import COLUMNS, HOP
from mien.utterance import RATE, SHORTEST, Sample

SPEEDS = (0.9, 1.1)
"""Range of speed changes; pitch moves with them (Ko et al. 2015), and so who seems to speak."""

SHIFT = 1 / 16
"""Of the edge of a face crop: 3 pixels of the published 48."""

MASK_BINS = 20
MASK_COLUMNS = 16


def augment_sample(
    sample: Sample, random: np.random.Generator, *, keep_voice: bool = False
) -> Sample:
    """Change waveform and faces of a sample: speed, onset; mirror, shift, light.

    With `keep_voice` the speed stays, and with it the voice by which a person is known.
    """
    waveform, faces = sample.waveform, sample.faces
    if waveform is not None:
        waveform = _waveform(waveform, random, 1.0 if keep_voice else random.uniform(*SPEEDS))
    if faces is not None:
        faces = _faces(faces, random)
    return replace(sample, waveform=waveform, faces=faces)


def _waveform(waveform: np.ndarray, random: np.random.Generator, speed: float) -> np.ndarray:
    sound = soxr.resample(waveform.astype(np.float32), speed * RATE, RATE, quality="LQ")
    # the pieces' borders fall elsewhere each time, up to one piece earlier
    onset = int(random.integers(0, min(COLUMNS * HOP, len(sound) // 10) + 1))
    sound = np.pad(sound[onset:], (0, max(0, SHORTEST - len(sound) + onset)))
    return np.clip(sound, -32768, 32767).astype(np.int16)


def _faces(faces: np.ndarray, random: np.random.Generator) -> np.ndarray:
    if random.random() < 0.5:
        faces = faces[:, :, ::-1]
    size = faces.shape[1]
    edge = round(SHIFT * size)
    padded = np.pad(faces, ((0, 0), (edge, edge), (edge, edge), (0, 0)), mode="edge")
    top, left = random.integers(0, 2 * edge + 1, 2)
    faces = padded[:, top : top + size, left : left + size]
    contrast, light = random.uniform(0.8, 1.2), random.uniform(-20, 20)
    return np.clip(faces * contrast + light, 0, 255).astype(np.uint8)


def mask_pieces(pieces: Tensor, random: np.random.Generator) -> Tensor:
    """Blank two bands of frequency, and some columns of each third piece (Park et al. 2019).

    `pieces` (P, 1, 128, 32) hold an utterance's spectrogram with mean 0, so 0 is blank.
    """
    pieces = pieces.clone()
    for _ in range(2):
        low = int(random.integers(0, pieces.shape[2]))
        pieces[:, :, low : low + int(random.integers(0, MASK_BINS))] = 0
    for piece in random.permutation(len(pieces))[: (len(pieces) + 2) // 3]:
        first = int(random.integers(0, pieces.shape[3]))
        pieces[piece, :, :, first : first + int(random.integers(0, MASK_COLUMNS))] = 0
    return pieces
