"""An audio effect by its name, as evaluation takes it: ``white:10``, ``telephone``."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mien import audio_effects
from mien.errors import MienError, did_you_mean

Apply = Callable[[np.ndarray, float, np.random.Generator, Sequence[np.ndarray]], np.ndarray]


@dataclass(frozen=True)
class EffectKind:
    """A kind of effect.

    Parameters
    ----------
    about : str
        What it does, with the number in place of ``{}``.
    number : str
        What its number says; empty if it has none.
    low, high : float
        Range of the number.
    default : float or None
        The number if none is given. None: it must be given.
    apply : callable
        Gives the waveform, float32, of a waveform, the number, a generator and other voices.
    uses_voices : bool
        Whether it is made of other voices.
    """

    about: str
    number: str
    low: float
    high: float
    default: float | None
    apply: Apply
    uses_voices: bool = False


def _noise(make: Callable[[int, np.random.Generator], np.ndarray]) -> Apply:
    return lambda x, snr, random, _: audio_effects.add_noise(x, make(len(x), random), snr)


_SNR = ("signal-to-noise ratio in dB", -20.0, 60.0, None)

EFFECTS: dict[str, EffectKind] = {
    "white": EffectKind("white noise at {} dB", *_SNR, _noise(audio_effects.white)),
    "pink": EffectKind("pink noise at {} dB", *_SNR, _noise(audio_effects.pink)),
    "babble": EffectKind(
        "babble at {} dB",
        *_SNR,
        lambda x, snr, random, voices: audio_effects.add_noise(
            x, audio_effects.babble(voices, len(x), random), snr
        ),
        uses_voices=True,
    ),
    "reverberation": EffectKind(
        "reverberation of {} s",
        *("reverberation time RT60 in seconds", 0.05, 5.0, 0.5),
        lambda x, rt60, random, _: audio_effects.reverberate(x, rt60, random),
    ),
    "telephone": EffectKind(
        "the band of a telephone, 300 to 3400 Hz",
        *("", 0.0, 0.0, 0.0),
        lambda x, *_: audio_effects.telephone(x),
    ),
    "gain": EffectKind(
        "a gain of {} dB",
        *("gain in dB", -40.0, 40.0, None),
        lambda x, db, *_: audio_effects.gain(x, db),
    ),
}
"""The kinds of effects by name."""


@dataclass(frozen=True)
class Effect:
    """What is done to the audio; its text is what `parse_effect` reads.

    Parameters
    ----------
    kind : str
        A name of `EFFECTS`.
    number : float
        Its strength; 0 where the kind has no number.
    """

    kind: str
    number: float

    @property
    def about(self) -> str:
        """What it does, in words."""
        return EFFECTS[self.kind].about.format(f"{self.number:.12g}")

    @property
    def uses_voices(self) -> bool:
        """Whether it is made of other voices."""
        return EFFECTS[self.kind].uses_voices

    def __str__(self) -> str:
        return f"{self.kind}:{self.number:.12g}" if EFFECTS[self.kind].number else self.kind


def parse_effect(text: str) -> Effect:
    """Read an effect: its name, and for most kinds a colon and a number.

    Raises
    ------
    MienError
        The name is unknown; the number is missing, odd or out of range.

    Examples
    --------
    >>> parse_effect("white:10").about
    'white noise at 10 dB'
    >>> str(parse_effect("reverberation"))
    'reverberation:0.5'
    """
    text = text.strip()
    name, colon, number = text.partition(":")
    if name not in EFFECTS:
        raise _refused(
            f"no effect {name[:40]!r}{did_you_mean(name[:40], EFFECTS)}; choose from"
            f" {', '.join(EFFECTS)}"
        )
    kind = EFFECTS[name]
    if not kind.number:
        if colon:
            raise _refused(f"{name} takes no number: leave {text[len(name) :][:40]!r} out")
        return Effect(name, 0.0)
    wanted = f"{kind.number}, from {kind.low:g} to {kind.high:g}"
    example = f"{name}:{kind.default or 10:g}"
    if not colon:
        if kind.default is None:
            raise _refused(f"{name} needs its {wanted}, such as {example}")
        return Effect(name, kind.default)
    # plain decimals alone: float() reads nan, inf and 1_0 too
    if not re.fullmatch(r"[+-]?[0-9]{1,9}(\.[0-9]{1,9})?", number):
        raise _refused(f"{number[:40]!r} is not the {wanted}, of {name}: write it as {example}")
    if not kind.low <= float(number) <= kind.high:
        raise _refused(f"{number} is out of range: {name} takes its {wanted}")
    return Effect(name, float(number) + 0.0)  # -0 is 0


def apply(
    effect: Effect,
    waveform: np.ndarray,
    random: np.random.Generator,
    voices: Sequence[np.ndarray] = (),
) -> np.ndarray:
    """Apply an effect to a waveform (S,) int16.

    Parameters
    ----------
    effect : Effect
        What is done.
    waveform : array (S,) int16
        Mono at 16 kHz.
    random : numpy Generator
        What noise and reverberation are drawn from.
    voices : sequence of array (V,) int16
        Waveforms of other speakers, for babble.

    Returns
    -------
    array (S,) int16

    Raises
    ------
    MienError
        Babble lacks voices.
    """
    sound = audio_effects.from_int16(waveform)
    changed = EFFECTS[effect.kind].apply(sound, effect.number, random, voices)
    return audio_effects.to_int16(changed)


def _refused(why: str) -> MienError:
    return MienError(why, parameter="degrade")
