"""Synthetic voices for tests: a buzz of harmonics, by formula."""

import numpy as np
import torch
from torch import Tensor


def voice(seconds: float, level: float, pitch: float = 120.0) -> np.ndarray:
    """A vowel that rises and falls, float32 at 16 kHz."""
    time = np.arange(int(seconds * 16_000)) / 16_000
    frequency = pitch + 30 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(frequency) / 16_000
    buzz = sum(np.sin(k * phase) / k for k in range(1, 30))
    return (level * buzz * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time))).astype(np.float32)


def breathy(samples: int) -> Tensor:
    """The beginning of a voice, with a little noise in all bands."""
    noise = np.random.default_rng(0).normal(0, 0.003, samples).astype(np.float32)
    return torch.from_numpy(voice(samples / 16_000 + 0.1, 0.1)[:samples] + noise)
