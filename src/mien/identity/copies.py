"""Augmented copies of clips to be enrolled: the same voice with noise, or in another room."""

import hashlib
from collections.abc import Iterator

import numpy as np

from mien.models.encoders.copies import BABBLE_VOICES, augmented_copy
from mien.models.encoders.pretrained_reader import disguised


def copies_of(waveform: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """Make augmented copies of a waveform that keep the voice.

    They have noise of 0 to 20 dB, reverberation and another level, as drawn by
    `mien.models.encoders.copies.augmented_copy`. Babble is the waveform itself at other speeds, so
    that the copies depend on nothing else, and are the same each time.

    Parameters
    ----------
    waveform : array (S,) int16
        Mono at 16 kHz.
    count : int
        Copies.

    Yields
    ------
    array (S,) int16
    """
    content = hashlib.sha256(waveform.tobytes()).digest()
    for number in range(1, count + 1):
        random = np.random.default_rng((int.from_bytes(content[:8], "little"), number))
        voices = [disguised(waveform, random) for _ in range(BABBLE_VOICES)]
        yield augmented_copy(waveform, random, voices, keep_voice=True)
