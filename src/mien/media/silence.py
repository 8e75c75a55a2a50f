"""The parts of a recording in which nobody speaks, found by their energy."""

import numpy as np
from scipy.ndimage import binary_dilation, binary_opening

FRAME = 160
"""Samples of one frame, 10 ms."""

MARGIN = 15
"""Frames on both sides of speech that count as speech, 150 ms: breath and echo are the voice's."""

BELOW_PEAK = 20.0
"""A frame this many decibels below the loud ones may be silence, ..."""

ABOVE_FLOOR = 0.35
"""... if its level lies in this share, from below, of the range between quiet and loud frames."""

SHORTEST_PAUSE = 5
"""Frames that a pause must have left between the margins, 50 ms."""


def is_silence(waveform: np.ndarray) -> np.ndarray:
    """Mark what is not speech: the room, the microphone, the channel.

    Speech is what is loud within this recording: quiet and loud are the 5th and the 95th
    percentile of the energy of frames of 10 ms, in decibels. A frame is silence if it is well below
    loud and near quiet, and no speech is within 150 ms of it. So too little is marked rather than a
    syllable; a faint consonant next to a pause falls within the margin. Where the noise is nearly
    as loud as the speech, or nothing is loud, no silence is told from speech.

    Parameters
    ----------
    waveform : array (S,) int16, or floating point in [-1, 1]
        Mono at 16 kHz.

    Returns
    -------
    array (S,) bool

    Examples
    --------
    >>> tone = np.sin(np.arange(16_000)).astype(np.float32)
    >>> int(is_silence(np.concatenate([tone, np.zeros(16_000, np.float32)])).sum())
    13600
    """
    silent = np.zeros(len(waveform), bool)
    count = len(waveform) // FRAME
    if count:
        frames = waveform[: count * FRAME].reshape(count, FRAME)
        silent[: count * FRAME] = np.repeat(_pauses(_decibels(frames)), FRAME)
    return silent


def _decibels(frames: np.ndarray) -> np.ndarray:
    scale = 32768 if np.issubdtype(frames.dtype, np.integer) else 1
    # below the error of rounding to 16 bits a level means nothing
    power = (frames.astype(np.float64) / scale).var(axis=1) + 2**-32
    decibels: np.ndarray = 10 * np.log10(power)
    return decibels


def _pauses(levels: np.ndarray) -> np.ndarray:
    """Mark the frames far from speech, (T,) bool."""
    floor, peak = np.percentile(levels, [5, 95])
    speech = levels > min(peak - BELOW_PEAK, floor + ABOVE_FLOOR * (peak - floor))
    far = ~binary_dilation(speech, np.ones(2 * MARGIN + 1))
    pauses: np.ndarray = binary_opening(far, np.ones(SHORTEST_PAUSE))
    return pauses
