"""Synthetic voices of which each is a tone, and an encoder that hears tones: fast, and exact."""

import numpy as np

from mien.turn import Turn

PITCHES = (400, 900, 1600, 2500)
"""Hertz of each voice."""


def tone(voice: int, seconds: float) -> np.ndarray:
    """A voice, float, with the same hiss at each call."""
    time = np.arange(int(seconds * 16_000)) / 16_000
    hiss = np.random.default_rng(voice).normal(0, 0.005, len(time))
    return 0.2 * np.sin(2 * np.pi * PITCHES[voice] * time) + hiss


def hear(windows: np.ndarray) -> np.ndarray:
    """Embed windows (N, 25600) by their level in bands of 100 Hz: (N, 40), of unit length."""
    power = np.abs(np.fft.rfft(windows, axis=1)[:, 1:6401]) ** 2
    level = np.sqrt(power.reshape(len(windows), 40, 160).sum(axis=2)) + 1e-6
    return (level / np.linalg.norm(level, axis=1, keepdims=True)).astype(np.float32)


def conversation(script: list[tuple[int, float]], pause: float = 0.4) -> tuple[np.ndarray, list]:
    """A waveform int16 and its stretches of speech, given who speaks for how many seconds.

    Without a pause (0) the voices follow each other at once, in one stretch.
    """
    parts, turns, at = [], [], 0.0
    for voice, seconds in script:
        parts += [tone(voice, seconds), np.zeros(int(pause * 16_000))]
        turns.append(Turn(at, at + seconds))
        at += seconds + pause
    sound = np.concatenate(parts)
    return (sound * 32767).astype(np.int16), turns if pause else [Turn(0.0, at)]
