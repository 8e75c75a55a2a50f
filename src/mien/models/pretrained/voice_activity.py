"""Where somebody speaks: Silero's voice activity detector, with the weights of its package."""

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from mien.audio_effects import from_int16
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

BLOCK_FRAMES = 1875
"""Frames of a recording that are computed together, 60 s: in all some 30 MB."""

State = tuple[Tensor, Tensor]
"""What the LSTM carries from one frame to the next: hidden and cell state, (1, 1, 128) each."""


class VoiceActivity(nn.Module):
    """Tells speech from everything else, frame by frame: noise, music, hums, silence.

    The spectrum of a frame passes four convolutions, then an LSTM over the frames. Many frames are
    computed together, which gives the numbers of the stream that the package computes frame by
    frame (Silero Team 2024, https://github.com/snakers4/silero-vad).

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
        return self._block(F.pad(waveform, (CONTEXT_SAMPLES, 0)), None)[0]

    def _block(self, waveform: Tensor, state: State | None) -> tuple[Tensor, State | None]:
        """Compute the frames of a waveform that begins with the context of its first frame."""
        count = -(-(len(waveform) - CONTEXT_SAMPLES) // FRAME_SAMPLES)
        if not count:
            return torch.zeros(0), state
        behind = CONTEXT_SAMPLES + count * FRAME_SAMPLES - len(waveform)
        frames = F.pad(waveform, (0, behind)).unfold(
            0, CONTEXT_SAMPLES + FRAME_SAMPLES, FRAME_SAMPLES
        )
        steps = self.stft_conv(F.pad(frames[:, None], (0, CONTEXT_SAMPLES), mode="reflect"))
        real, imaginary = steps.chunk(2, dim=1)
        steps = (real**2 + imaginary**2).sqrt()
        for number, _ in enumerate(STRIDES, 1):
            steps = self.get_submodule(f"conv{number}")(steps).relu()
        states, state = self.lstm_cell(steps.squeeze(-1)[None], state)
        probabilities: Tensor = self.final_conv(states.relu().transpose(1, 2)).sigmoid()
        return probabilities[0, 0], state

    @torch.inference_mode()
    def probabilities(self, waveform: np.ndarray, block_frames: int = BLOCK_FRAMES) -> np.ndarray:
        """Compute the probability of speech in each frame of a recording of any length.

        The numbers are those of a call, but the recording is read and computed block by block,
        and the state of the LSTM is carried from one to the next, so that memory is bounded.

        Parameters
        ----------
        waveform : array (S,) int16
            Mono at 16 kHz; it may lie in a file (`numpy.memmap`).
        block_frames : int
            Frames that are computed together.

        Returns
        -------
        array (T,) float32
            T is S / 512, rounded up.
        """
        found, state = [np.zeros(0, np.float32)], None
        context = torch.zeros(CONTEXT_SAMPLES)
        for first in range(0, len(waveform), block_frames * FRAME_SAMPLES):
            block = waveform[first : first + block_frames * FRAME_SAMPLES]
            sound = torch.cat([context, torch.from_numpy(from_int16(block))])
            values, state = self._block(sound, state)
            found.append(values.numpy())
            context = sound[-CONTEXT_SAMPLES:]
        return np.concatenate(found)

    def seconds(self, waveform: np.ndarray) -> float:
        """Measure for how long somebody speaks in a waveform (S,) int16, in seconds."""
        spoken = int((self.probabilities(waveform) >= SPEECH).sum())
        return spoken * FRAME_SAMPLES / 16_000
