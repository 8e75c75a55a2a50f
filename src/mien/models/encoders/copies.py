"""Augmented copies of a recording, as another microphone in another place may have recorded it."""

from collections.abc import Sequence

import numpy as np

from mien import audio_effects as effects
from mien.utterance import MIN_SAMPLES

SPEEDS = (0.9, 1.1)
SPEED_SHARE = 0.5
"""Share of the copies whose speed is changed to one of these."""

NOISES = {"white": 0.3, "pink": 0.2, "babble": 0.3, "none": 0.2}
"""How often there is which noise."""

SNR_DB = (0.0, 20.0)
"""Range of the signal-to-noise ratio."""

BABBLE_VOICES = 5
"""Voices of babble, as far as there are as many."""

REVERBERATION_SHARE = 0.2
RT60 = (0.2, 0.8)
"""Range of the reverberation time, seconds, from a living room to a lecture hall."""

GAIN_DB = (-10.0, 10.0)


def augmented_copy(
    waveform: np.ndarray,
    random: np.random.Generator,
    voices: Sequence[np.ndarray],
    *,
    keep_voice: bool,
) -> np.ndarray:
    """Copy a waveform with another speed, room, noise and gain, each at random.

    Parameters
    ----------
    waveform : array (S,) int16
        Mono at 16 kHz.
    random : numpy Generator
        Decides everything.
    voices : sequence of array (V,) int16
        Waveforms of other clips, some of which make babble; pink noise replaces it without any.
    keep_voice : bool
        Leave the speed as it is, because the speaker is recognised by the pitch.

    Returns
    -------
    array (R,) int16
        R is about S / 1.1, S or S / 0.9, and at least `MIN_SAMPLES`.
    """
    changes_speed, reverberates = random.random(2) < (SPEED_SHARE, REVERBERATION_SHARE)
    speed, rt60 = random.choice(SPEEDS), random.uniform(*RT60)
    snr_db, gain_db = random.uniform(*SNR_DB), random.uniform(*GAIN_DB)
    kind = random.choice(list(NOISES), p=list(NOISES.values()))
    sound = effects.from_int16(waveform)
    if changes_speed and not keep_voice:
        sound = effects.change_speed(sound, speed)
        sound = np.pad(sound, (0, max(0, MIN_SAMPLES - len(sound))))
    if reverberates:
        sound = effects.reverberate(sound, rt60, random)
    if kind != "none":
        sound = effects.add_noise(sound, _noise(kind, voices, len(sound), random), snr_db)
    return effects.to_int16(effects.gain(sound, gain_db))


def _noise(
    kind: str, voices: Sequence[np.ndarray], length: int, random: np.random.Generator
) -> np.ndarray:
    """Make noise of a kind; of babble the voices are drawn."""
    if kind == "white":
        return effects.white(length, random)
    if kind == "pink" or not len(voices):
        return effects.pink(length, random)
    drawn = random.choice(len(voices), min(BABBLE_VOICES, len(voices)), replace=False)
    return effects.babble([voices[i] for i in drawn], length, random)
