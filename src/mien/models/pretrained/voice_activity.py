"""Where somebody speaks: Silero's voice activity detector, with the weights of its package."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from mien.errors import MienError, brief

PACKAGE = "silero_vad"
"""Its wheel holds the weights (MIT, by the Silero team). It is never imported."""

WEIGHTS = "data/silero_vad_16k.safetensors"
"""File of the weights, in the package's folder."""

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
        spec = find_spec(PACKAGE)
        folders = spec.submodule_search_locations if spec else None
        install = 'pip install "silero-vad>=6.2,<7"'
        if not folders:
            raise MienError(
                f"whether somebody speaks is told by the package silero-vad, which is not"
                f" installed: {install}"
            )
        path = Path(folders[0]) / WEIGHTS
        try:
            weights = load_file(path)
            # a whole LSTM computes what the stored cell does, step by step
            named = {
                f"{name}_l0" if name.startswith("lstm_cell.") else name: value
                for name, value in weights.items()
            }
            self.load_state_dict(named)
        except Exception as error:  # safetensors raises an error of its own
            raise MienError(f"{path} cannot be read ({brief(error)}): {install}") from error

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
