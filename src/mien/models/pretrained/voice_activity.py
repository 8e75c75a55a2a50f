"""Where somebody speaks: Silero's voice activity detector, with the weights of its package."""

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from mien.models.pretrained.catalogue import CATALOGUE

NAME = "silero-vad"
"""Its name in the catalogue of weights. Its package is never imported."""

FRAME_SAMPLES = 512
"""Samples of one frame at 16 kHz: 32 ms."""

CONTEXT_SAMPLES = 64
"""Samples of the frame before that a frame begins with, and of its reflection behind it."""

SPEECH = 0.5
"""Probability from which on a frame counts as speech, as the detector's authors recommend."""

STRIDES = (1, 2, 2, 1)
"""Of the convolutions over the steps of a frame's spectrum."""


class VoiceActivity(nn.Module):
    """Tells speech from everything else, frame by frame: noise, music, hums, silence.

    The spectrum of a frame passes four convolutions, then an LSTM over the frames. All frames of a
    recording are computed together, which gives the numbers of the stream that the package computes
    (Silero Team 2024, https://github.com/snakers4/silero-vad).

    Raises
    ------
    MienError
        The package is not installed, or its weights are others than those of version 6.

    Examples
    --------
    >>> VoiceActivity().seconds(np.zeros(16_000, np.int16))
    0.0
    """

    def __init__(self) -> None:
        super().__init__()
        self.stft_conv = nn.Conv1d(1, 258, 256, stride=128, bias=False)
        widths = (129, 128, 64, 64, 128)
        for number, stride in enumerate(STRIDES, 1):
            conv = nn.Conv1d(widths[number - 1], widths[number], 3, stride=stride, padding=1)
            self.add_module(f"conv{number}", conv)
        self.lstm_cell = nn.LSTM(128, 128, batch_first=True)
        self.final_conv = nn.Conv1d(128, 1, 1)
        self._load()
        self.eval()

    def _load(self) -> None:
        (path,) = CATALOGUE[NAME].verified().values()
        # a whole LSTM computes what the stored cell does, step by step
        named = {
            f"{name}_l0" if name.startswith("lstm_cell.") else name: value
            for name, value in load_file(path).items()
        }
        self.load_state_dict(named)

    @torch.inference_mode()
    def forward(self, waveform: Tensor) -> Tensor:
        """Compute the probability of speech (T,) in each frame of a waveform (S,) in [-1, 1].

        T is S / 512, rounded up; zeros fill the last frame.
        """
        count = -(-len(waveform) // FRAME_SAMPLES)
        if not count:
            return torch.zeros(0)
        behind = count * FRAME_SAMPLES - len(waveform)
        frames = F.pad(waveform, (CONTEXT_SAMPLES, behind)).unfold(
            0, CONTEXT_SAMPLES + FRAME_SAMPLES, FRAME_SAMPLES
        )
        steps = self.stft_conv(F.pad(frames[:, None], (0, CONTEXT_SAMPLES), mode="reflect"))
        real, imaginary = steps.chunk(2, dim=1)
        steps = (real**2 + imaginary**2).sqrt()
        for number, _ in enumerate(STRIDES, 1):
            steps = self.get_submodule(f"conv{number}")(steps).relu()
        states, _ = self.lstm_cell(steps.squeeze(-1)[None])
        probabilities: Tensor = self.final_conv(states.relu().transpose(1, 2)).sigmoid()
        return probabilities[0, 0]

    def seconds(self, waveform: np.ndarray) -> float:
        """Measure for how long somebody speaks in a waveform (S,) int16, in seconds."""
        sound = torch.from_numpy(waveform.astype(np.float32) / np.float32(32768))
        spoken = int((self(sound) >= SPEECH).sum())
        return spoken * FRAME_SAMPLES / 16_000
