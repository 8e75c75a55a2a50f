"""Silence by measured level: of a whole recording, and of the pauses in which nobody speaks."""

import numpy as np

FRAME_LENGTH = 160
"""Samples of one frame: 10 ms."""

MARGIN_FRAMES = 15
"""Frames on both sides of speech that count as speech: 150 ms, for breath and reverberation."""

BELOW_PEAK = 20.0
"""A frame is silence only if it is this many decibels below the loud frames, ..."""

ABOVE_FLOOR = 0.35
"""... and its level is in this lower share of the range between quiet and loud frames."""

MIN_PAUSE_FRAMES = 5
"""Frames that must be left of a pause between the margins: 50 ms."""

LOUD_FRAMES = 10
"""Frames (100 ms in all) that must reach a level, so that a click does not count."""

SILENT = -70.0
"""Decibels relative to full scale below which nothing can be heard."""

FAINTEST_SPEECH = -50.0
"""Decibels relative to full scale; the faintest clip of RAVDESS reaches -47.5."""

STEADY = 6.0
"""Range of levels in decibels (5th to 95th percentile of frames) below which audio is steady.

White noise has 1.5, a hum 0; clips of RAVDESS and LibriSpeech have 21 and more."""


def loudness(waveform: np.ndarray) -> float:
    """Measure the level that a recording reaches for 100 ms in all, in dB relative to full scale.

    The mean of each frame is subtracted first, so that a constant offset is silence.

    Parameters
    ----------
    waveform : array (S,) int16, or floating point in [-1, 1]
        Mono at 16 kHz.

    Returns
    -------
    float
        0 is the loudest square wave, -96 digital silence or no audio at all.

    Examples
    --------
    >>> round(loudness(np.sin(np.arange(16_000)).astype(np.float32)), 1)
    -3.0
    >>> round(loudness(np.zeros(16_000, np.int16)), 1)
    -96.3
    """
    levels = np.sort(_levels(waveform))
    return float(levels[-LOUD_FRAMES:][0]) if len(levels) else float(10 * np.log10(2**-32))


def is_steady(waveform: np.ndarray) -> bool:
    """Tell whether the level never changes, as in noise, a hum or silence, but not in speech.

    Parameters
    ----------
    waveform : array (S,) int16, or floating point in [-1, 1]
        Mono at 16 kHz.
    """
    levels = _levels(waveform)
    if len(levels) < 2 * LOUD_FRAMES:
        return False  # too short to tell
    low, high = np.percentile(levels, [5, 95])
    return bool(high - low < STEADY)


def is_audible(waveform: np.ndarray) -> bool:
    """Tell whether there is anything to hear, by the measured level.

    There is nothing where the level stays below `SILENT`, or where it is steady and fainter than
    the faintest speech, as the hiss of a microphone that nobody speaks into.

    Parameters
    ----------
    waveform : array (S,) int16, or floating point in [-1, 1]
        Mono at 16 kHz.
    """
    level = loudness(waveform)
    return level >= SILENT and (level >= FAINTEST_SPEECH or not is_steady(waveform))


def is_silence(waveform: np.ndarray) -> np.ndarray:
    """Mark the samples that are not speech: noise of the room, the microphone or the channel.

    Speech is what is loud within this recording: quiet and loud are the 5th and the 95th
    percentile of the energy of frames of 10 ms, in decibels; where far less than that is loud, loud
    is what the loudest 100 ms reach. A frame is silence if it is well below loud and near quiet,
    and no speech is within 150 ms of it. So rather too little is marked than a syllable; a faint
    consonant next to a pause falls within the margin. Where the noise is nearly as loud as the
    speech, or nothing is loud, nothing is marked.

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
    levels = _levels(waveform)
    if len(levels):
        silent[: len(levels) * FRAME_LENGTH] = np.repeat(_pauses(levels), FRAME_LENGTH)
    return silent


def _levels(waveform: np.ndarray) -> np.ndarray:
    """Return the level (T,) of each whole frame in decibels relative to full scale."""
    count = len(waveform) // FRAME_LENGTH
    frames = waveform[: count * FRAME_LENGTH].reshape(count, FRAME_LENGTH)
    scale = 32768 if np.issubdtype(frames.dtype, np.integer) else 1
    # below the rounding error of 16 bits a level means nothing
    power = (frames.astype(np.float64) / scale).var(axis=1) + 2**-32
    decibels: np.ndarray = 10 * np.log10(power)
    return decibels


def _pauses(levels: np.ndarray) -> np.ndarray:
    """Mark the frames far from speech, (T,) bool."""
    floor, peak = np.percentile(levels, [5, 95])
    loudest = np.sort(levels)[-LOUD_FRAMES:][0]
    if loudest - peak > BELOW_PEAK:  # there is speech in less than a twentieth of the time
        peak = loudest
    from scipy.ndimage import binary_dilation, binary_opening  # slow to import, and seldom needed

    speech = levels > min(peak - BELOW_PEAK, floor + ABOVE_FLOOR * (peak - floor))
    far = ~binary_dilation(speech, np.ones(2 * MARGIN_FRAMES + 1))
    pauses: np.ndarray = binary_opening(far, np.ones(MIN_PAUSE_FRAMES))
    return pauses
