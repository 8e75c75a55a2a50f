"""Random augmentation of training samples that keeps the speaker and the emotion recognisable."""

import numpy as np
import soxr
from torch import Tensor

from mien.models.encoders.spectrogram import COLUMNS, HOP_LENGTH
from mien.utterance import MIN_SAMPLES, SAMPLE_RATE

SPEEDS = (0.9, 1.1)
"""Range of the speed, which changes the pitch and thereby the voice (Ko et al. 2015)."""

SHIFT = 1 / 16
"""Largest shift of a face crop, as a share of its edge: 3 of 48 pixels."""

MASK_BINS = 20
MASK_COLUMNS = 16
"""Largest masks of a spectrogram, in mel bands and in columns."""


def augment_waveform(
    waveform: np.ndarray, random: np.random.Generator, *, keep_voice: bool = False
) -> np.ndarray:
    """Change the speed and the onset of a waveform, int16 at 16 kHz, at random.

    With `keep_voice` the speed stays the same, because the speaker is recognised by the voice.
    """
    speed = 1.0 if keep_voice else random.uniform(*SPEEDS)
    sound = soxr.resample(
        waveform.astype(np.float32), speed * SAMPLE_RATE, SAMPLE_RATE, quality="LQ"
    )
    # so that chunks begin elsewhere each time, up to one chunk later
    onset = int(random.integers(0, min(COLUMNS * HOP_LENGTH, len(sound) // 10) + 1))
    sound = np.pad(sound[onset:], (0, max(0, MIN_SAMPLES - len(sound) + onset)))
    return np.clip(sound, -32768, 32767).astype(np.int16)


def augment_faces(faces: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Flip, shift and change the brightness of face crops (T, H, H, 3) uint8, all alike."""
    if random.random() < 0.5:
        faces = faces[:, :, ::-1]
    size = faces.shape[1]
    edge = max(1, round(SHIFT * size))
    padded = np.pad(faces, ((0, 0), (edge, edge), (edge, edge), (0, 0)), mode="edge")
    top, left = random.integers(0, 2 * edge + 1, 2)
    faces = padded[:, top : top + size, left : left + size]
    contrast, brightness = random.uniform(0.8, 1.2), random.uniform(-20, 20)
    return np.clip(faces * contrast + brightness, 0, 255).astype(np.uint8)


def mask_chunks(chunks: Tensor, random: np.random.Generator) -> Tensor:
    """Mask two mel bands, and some columns of a third of the chunks (Park et al. 2019).

    `chunks` (P, 1, 128, 32) are the spectrogram of an utterance; its mean, 0, fills the masks.
    """
    chunks = chunks.clone()
    for _ in range(2):
        low = int(random.integers(0, chunks.shape[2]))
        chunks[:, :, low : low + int(random.integers(0, MASK_BINS))] = 0
    for chunk in random.permutation(len(chunks))[: (len(chunks) + 2) // 3]:
        first = int(random.integers(0, chunks.shape[3]))
        chunks[chunk, :, :, first : first + int(random.integers(0, MASK_COLUMNS))] = 0
    return chunks
